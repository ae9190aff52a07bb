"""Routes for unseen users: their list comes in the body, filters and paging in the query string."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from service.api.answers import ListRecommendationsAnswer, ListSimilarUsersAnswer
from service.api.bodies import HeldBodies, read_list
from service.api.params import CheckedRoute, Model, RecommendationsQuery, SimilarUsersQuery
from service.api.problems import BODY_FAILURES, responses
from service.api.rendering import list_recommendations_response, list_similar_users_response
from service.api.threads import run_in_cpu_thread
from service.operations.metrics import Metrics
from service.recommending.errors import (
    StaleCursorError,
)
from service.recommending.model import LoadedModel

router = APIRouter(tags=["lists"], route_class=CheckedRoute)

_RESPONSES: Final = responses(StaleCursorError, *BODY_FAILURES, cacheable=False)
# FastAPI would read all of a body before it looks at anything else of a request, and validate it at thrice the cost.
_SCHEMA: Final = {"$ref": "#/components/schemas/ListBody"}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA}}}
}


@router.post(
    "/recommendations",
    operation_id="recommendToList",
    response_model=ListRecommendationsAnswer,
    responses=_RESPONSES,
    openapi_extra=_BODY,
)
async def recommend_to_list(
    query: Annotated[RecommendationsQuery, Query()], model: Model, bodies: HeldBodies, request: Request
) -> Response:
    """Recommend what to watch next to somebody the model never saw, by their list, and say why."""
    async with bodies.read(request) as body:
        return await run_in_cpu_thread(request, _recommend, model, body, query, request.app.state.metrics)


@router.post(
    "/users/similar",
    operation_id="similarUsersToList",
    response_model=ListSimilarUsersAnswer,
    responses=_RESPONSES,
    openapi_extra=_BODY,
)
async def similar_users_to_list(
    query: Annotated[SimilarUsersQuery, Query()], model: Model, bodies: HeldBodies, request: Request
) -> Response:
    """List the known users whose taste is most (or least) similar to a list's."""
    async with bodies.read(request) as body:
        return await run_in_cpu_thread(request, _similar_users, model, body, query)


def _recommend(model: LoadedModel, body: bytearray, query: RecommendationsQuery, metrics: Metrics) -> Response:
    posted = read_list(body, model.catalogue)
    asked = query.request()
    if asked.include_new:
        asked = asked.without_new(posted.new_anime_ids)
    page = model.recommend(model.similar_users.unseen_user(posted.user_list), asked)
    metrics.count_list(has_evidence=page.has_evidence)
    return list_recommendations_response(model, posted, page)


def _similar_users(model: LoadedModel, body: bytearray, query: SimilarUsersQuery) -> Response:
    posted = read_list(body, model.catalogue)
    page = model.similar_users.page_of_list(posted.user_list, query.request())
    return list_similar_users_response(model, posted, page)
