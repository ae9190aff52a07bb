"""Routes for several people: their lists come in the body, filters and paging in the query string."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from service.api.bodies import HeldBodies, read_lists
from service.api.body_schemas import GROUP, PAIR
from service.api.group_answers import ComparisonAnswer, GroupAnswer
from service.api.group_params import CompareQuery, GroupQuery
from service.api.group_rendering import comparison_response, group_response
from service.api.params import CheckedRoute, Model
from service.api.problems import BODY_FAILURES, responses
from service.api.threads import run_in_cpu_thread
from service.recommending.errors import (
    StaleCursorError,
)
from service.recommending.model import LoadedModel

router = APIRouter(tags=["lists"], route_class=CheckedRoute)


def _body(schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"requestBody": {"required": True, "content": content}}


@router.post(
    "/recommendations/group",
    operation_id="recommendToGroup",
    response_model=GroupAnswer,
    responses=responses(StaleCursorError, *BODY_FAILURES, cacheable=False),
    openapi_extra=_body("GroupBody"),
)
async def recommend_to_group(
    query: Annotated[GroupQuery, Query()], model: Model, bodies: HeldBodies, request: Request
) -> Response:
    """Recommend what several people should watch together: nothing that one gave up, and fair to the least happy."""
    async with bodies.read(request) as body:
        return await run_in_cpu_thread(request, _recommend, model, body, query)


@router.post(
    "/users/compare",
    operation_id="compareLists",
    response_model=ComparisonAnswer,
    responses=responses(*BODY_FAILURES, cacheable=False),
    openapi_extra=_body("PairBody"),
)
async def compare_lists(
    query: Annotated[CompareQuery, Query()], model: Model, bodies: HeldBodies, request: Request
) -> Response:
    """Compare two people's lists: how well their tastes fit, what both love, and where they disagree most."""
    async with bodies.read(request) as body:
        return await run_in_cpu_thread(request, _compare, model, body, query)


def _recommend(model: LoadedModel, body: bytearray, query: GroupQuery) -> Response:
    posted = read_lists(body, model.catalogue, GROUP)
    profiles = [model.similar_users.unseen_user(one.user_list) for one in posted]
    return group_response(model, posted, model.group_recommender.page(profiles, query.request()))


def _compare(model: LoadedModel, body: bytearray, query: CompareQuery) -> Response:
    first, second = posted = read_lists(body, model.catalogue, PAIR)
    comparison = model.comparisons.compare((first.user_list, second.user_list), query.limit)
    return comparison_response(model, posted, comparison)
