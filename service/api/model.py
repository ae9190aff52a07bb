"""What the model says of itself."""

from fastapi import APIRouter, Request, Response

from service.api.answers import ModelAnswer
from service.api.dependencies import model_of, refuse_query
from service.api.direct import DirectRoute
from service.api.documented import documented
from service.api.rendering import model_card_response
from service.recommending.errors import NotReadyError

router = APIRouter(tags=["model"], route_class=DirectRoute)


@router.get("/model", **documented(ModelAnswer, "getModel", NotReadyError))
async def get_model(request: Request) -> Response:
    """Tell which model answers, what it was trained on, and how good it measured beside the baselines."""
    refuse_query(request)
    return model_card_response(model_of(request))
