"""Routes that begin with a user of the training data."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from service.api.answers import RecommendationsAnswer, SimilarUsersAnswer
from service.api.params import CheckedRoute, Model, RecommendationsQuery, SimilarUsersQuery
from service.api.problems import responses
from service.api.rendering import recommend, recommendations_response, similar_users_response
from service.api.threads import run_in_cpu_thread
from service.api.user_ids import PathUserId, read_user_id
from service.recommending.catalogue import row_of_user
from service.recommending.errors import NotReadyError, StaleCursorError, UnknownUserError
from service.recommending.model import LoadedModel

router = APIRouter(tags=["users"], route_class=CheckedRoute)


@router.get(
    "/users/{user_id:any_text}/similar",
    operation_id="similarUsers",
    response_model=SimilarUsersAnswer,
    responses=responses(UnknownUserError, StaleCursorError, NotReadyError),
)
async def similar_users(
    user_id: PathUserId, query: Annotated[SimilarUsersQuery, Query()], model: Model, request: Request
) -> Response:
    """List the users whose taste is most (or least) similar to this one's, who is never among them."""
    asked = query.request()
    row = row_of_user(model.bundle, read_user_id(model.bundle, user_id))
    if model.similar_users.has_at_hand(asked):
        page = model.similar_users.page(row, asked)
    else:
        page = await run_in_cpu_thread(request, model.similar_users.page, row, asked)
    return similar_users_response(model, row, page)


@router.get(
    "/users/{user_id:any_text}/recommendations",
    operation_id="recommend",
    response_model=RecommendationsAnswer,
    responses=responses(UnknownUserError, StaleCursorError, NotReadyError),
)
async def recommendations(
    user_id: PathUserId, query: Annotated[RecommendationsQuery, Query()], model: Model, request: Request
) -> Response:
    """Recommend what this user should watch next, and say why. Never what is on their list already."""
    row = row_of_user(model.bundle, read_user_id(model.bundle, user_id))
    page = model.precomputed.find(row, query) if model.precomputed else None
    if page is not None:
        request.app.state.metrics.precomputed.inc()
        return recommendations_response(model, page)
    return await run_in_cpu_thread(request, _recommend, model, row, query)


def _recommend(model: LoadedModel, user_row: int, query: RecommendationsQuery) -> Response:
    return recommendations_response(model, recommend(model, user_row, query))
