"""Routes for somebody the model never saw: their list comes in the body, filters and paging in the query string."""

from fastapi import APIRouter, Request, Response

from service.api.dependencies import body_of, model_of, query_of
from service.api.direct import DirectRoute
from service.api.documented import documented
from service.api.list_answers import ListBody, ListRecommendationsAnswer, ListSimilarUsersAnswer
from service.api.list_rendering import list_recommendations_response, list_similar_users_response
from service.api.params import RecommendationsQuery, SimilarUsersQuery
from service.api.posted_list import read_list
from service.api.threads import run_in_cpu_thread
from service.recommending.errors import BodyTimeoutError, BodyTooLargeError, BusyError, MediaTypeError, NotReadyError
from service.recommending.model import LoadedModel

router = APIRouter(tags=["lists"], route_class=DirectRoute)

_FAILURES = (MediaTypeError, BodyTimeoutError, BodyTooLargeError, BusyError, NotReadyError)


@router.post(
    "/recommendations",
    **documented(ListRecommendationsAnswer, "recommendToList", *_FAILURES, query=RecommendationsQuery, body=ListBody),
)
async def recommend_to_list(request: Request) -> Response:
    """Recommend what to watch next to somebody the model never saw, by their list, and say why."""
    model = model_of(request)
    query = query_of(request, RecommendationsQuery)
    async with body_of(request) as body:
        return await run_in_cpu_thread(request, _recommend, model, body, query)


@router.post(
    "/users/similar",
    **documented(ListSimilarUsersAnswer, "similarUsersToList", *_FAILURES, query=SimilarUsersQuery, body=ListBody),
)
async def similar_users_to_list(request: Request) -> Response:
    """List the known users whose taste is most (or least) similar to a list's."""
    model = model_of(request)
    query = query_of(request, SimilarUsersQuery)
    async with body_of(request) as body:
        return await run_in_cpu_thread(request, _similar_users, model, body, query)


def _recommend(model: LoadedModel, body: bytearray, query: RecommendationsQuery) -> Response:
    posted = read_list(body, model.catalogue)
    page = model.recommender.page(model.recommender.unseen_viewer(posted.user_list), query.request())
    return list_recommendations_response(model, posted, page)


def _similar_users(model: LoadedModel, body: bytearray, query: SimilarUsersQuery) -> Response:
    posted = read_list(body, model.catalogue)
    page = model.similar_users.page_of_list(posted.user_list, query.request())
    return list_similar_users_response(model, posted, page)
