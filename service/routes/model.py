"""What the model says of itself."""

from fastapi import APIRouter, Request, Response

from service.errors import NotReadyError
from service.responses import model_card_response
from service.routes.asking import model_of, refuse_query
from service.routes.direct import DirectRoute
from service.routes.documented import documented
from service.schemas import ModelAnswer

router = APIRouter(tags=["model"], route_class=DirectRoute)


@router.get("/model", **documented(ModelAnswer, "getModel", NotReadyError))
async def get_model(request: Request) -> Response:
    """Tell which model answers, what it was trained on, and how good it measured beside the baselines."""
    refuse_query(request)
    return model_card_response(model_of(request))
