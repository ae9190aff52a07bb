"""The description of the model."""

from fastapi import APIRouter, Response

from service.api.answers import ModelAnswer
from service.api.params import NO_QUERY, CheckedRoute, Model, Ready
from service.api.problems import responses
from service.api.rendering import model_card_response
from service.recommending.errors import NotReadyError

router = APIRouter(tags=["model"], dependencies=[NO_QUERY], route_class=CheckedRoute)


@router.get("/model", operation_id="getModel", response_model=ModelAnswer, responses=responses(NotReadyError))
async def get_model(model: Model, readiness: Ready) -> Response:
    """Tell which model answers, what it was trained on, and how good it measured beside the baselines."""
    return model_card_response(model, readiness.refusal)
