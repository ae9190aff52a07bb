"""What routes ask FastAPI for: ids of paths, query strings, and the model that answers."""

import re
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Annotated, Any, Final, Literal, LiteralString

from fastapi import Depends, Path, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from models.bundle.manifest import SimilarAnimeMethod
from models.scoring.neighbours import NeighbourRule
from models.scoring.ranking import Cut, Order
from service.api.cursors import MAX_OFFSET, begin_at_cursor, require_current
from service.api.validation import MAX_PARAMETERS, query_schemas, refuse_repeats
from service.recommending.model import LoadedModel, Readiness
from service.recommending.requests import Filters, MethodName, RecommendationsRequest, SimilarAnimeRequest

INT64_MAX: Final = 2**63 - 1
INT32_MAX: Final = 2**31 - 1
MAX_LIMIT: Final = 100
MAX_QUERY_LENGTH: Final = 200
MAX_EXCLUDED: Final = 1_000
MAX_NAMES: Final = 50


def _written_as(pattern: str, expected: LiteralString, read: Callable[[str], object]) -> BeforeValidator:
    """Take only texts of a pattern: pydantic would take "1_0", "1.0" and " 1 " for whole numbers too."""

    def check(value: object) -> object:
        if not isinstance(value, str):
            return value
        if not re.fullmatch(pattern, value):
            raise PydanticCustomError("text", expected)
        return read(value)

    return BeforeValidator(check)


# These stand after the bounds: pydantic then applies the bounds to the number and shows them in the schema.
DIGITS: Final = _written_as(r"-?[0-9]{1,19}", "a whole number", int)
DECIMAL: Final = _written_as(r"-?[0-9]{1,19}(\.[0-9]{1,19})?", "a number", float)
Truth = Annotated[bool, _written_as("true|false", "true or false", lambda text: text == "true")]
Id = Annotated[int, Field(ge=0, le=INT64_MAX), DIGITS]
AnimeId = Annotated[int, Path(ge=0, le=INT64_MAX, description="MyAnimeList id of an anime", examples=[1]), DIGITS]
Name = Annotated[str, Field(max_length=100)]
Names = Annotated[tuple[Name, ...], Field(max_length=MAX_NAMES)]
Members = Annotated[int, Field(ge=0, le=INT32_MAX), DIGITS]
Year = Annotated[int, Field(ge=1900, le=2100), DIGITS]
OptionalNumber = Annotated[float, Field(ge=0, le=10), DECIMAL] | SkipJsonSchema[None]
OptionalMembers = Members | SkipJsonSchema[None]
OptionalYear = Year | SkipJsonSchema[None]
OptionalCursor = Annotated[str, Field(max_length=40)] | SkipJsonSchema[None]


class Parameters(BaseModel):
    """Query parameters of a route. Others than these are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NoParameters(Parameters):
    """For routes that take none."""


class Paging(Parameters):
    """Which part of a list."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="Rows on a page"), DIGITS] = 10
    offset: Annotated[int, Field(ge=0, le=MAX_OFFSET, description="Rows to skip"), DIGITS] = 0
    cursor: Annotated[OptionalCursor, Field(description="next_cursor of the page before, instead of offset")] = None

    @model_validator(mode="before")
    @classmethod
    def _begin_at_cursor(cls, values: Any) -> Any:
        return begin_at_cursor(values) if isinstance(values, dict) and values.get("cursor") is not None else values


class AnimeQuery(Paging):
    """Paging, and filters that apply before the page is cut: a page is short only where the list ends."""

    # Factories: an empty list as the default is nothing that generators of clients understand.
    type: Names = Field(default_factory=tuple, description="Any of these types: TV, Movie, OVA, ONA, Special, Music")
    genre: Names = Field(default_factory=tuple, description="All of these genres, case-insensitive")
    any_genre: Names = Field(default_factory=tuple, description="At least one of these genres, case-insensitive")
    exclude_genre: Names = Field(default_factory=tuple, description="None of these genres, case-insensitive")
    min_score: Annotated[OptionalNumber, Field(description="Least mean score of the catalogue")] = None
    min_members: Annotated[OptionalMembers, Field(description="Least number of members")] = None
    max_members: Annotated[OptionalMembers, Field(description="Greatest number of members: hidden gems")] = None
    year_from: Annotated[OptionalYear, Field(description="First year of airing")] = None
    year_to: Annotated[OptionalYear, Field(description="Last year of airing")] = None
    exclude: tuple[Id, ...] = Field(
        default_factory=tuple, max_length=MAX_EXCLUDED, description="Ids of anime that must not appear"
    )
    include_adult: Annotated[Truth, Field(description="Whether adult anime may appear")] = False

    def filters(self) -> Filters:
        """Give the filters apart from the paging."""
        return Filters(
            self.type,
            self.genre,
            self.exclude_genre,
            self.min_score,
            self.min_members,
            self.max_members,
            self.year_from,
            self.year_to,
            self.exclude,
            self.include_adult,
            self.any_genre,
        )

    @model_validator(mode="after")
    def _check_ranges(self) -> "AnimeQuery":
        for low, high in (("year_from", "year_to"), ("min_members", "max_members")):
            least, greatest = getattr(self, low), getattr(self, high)
            if least is not None and greatest is not None and least > greatest:
                raise PydanticCustomError(
                    "range",
                    "at most {high}, which is {greatest}",
                    {"parameter": low, "high": high, "greatest": greatest, "received": least},
                )
        return self


class SteeredQuery(AnimeQuery):
    """The same, with a ranking whose first 100 rows can be re-ordered."""

    novelty: Annotated[
        float, Field(ge=0, le=1, description="0: what fits best first; 1: what fewest have seen"), DECIMAL
    ] = 0.0
    diversity: Annotated[
        float,
        Field(ge=0, le=1, description="0: what fits best first; 1: what is least like the rows before"),
        DECIMAL,
    ] = 0.0


class SimilarAnimeQuery(SteeredQuery):
    """Query of GET /anime/{anime_id}/similar."""

    order: Annotated[Order, Field(description="least: the most dissimilar first")] = "most"
    method: Annotated[
        SimilarAnimeMethod | SkipJsonSchema[None],
        Field(
            description="How similarity is measured; without it, what measured best. content is for new anime, and "
            "the only way for them"
        ),
    ] = None
    collapse_franchise: Annotated[
        Truth, Field(description="One entry per franchise, the first one to watch, and none of the anime's own")
    ] = True

    def request(self) -> SimilarAnimeRequest:
        """Give what is asked in plain values."""
        return SimilarAnimeRequest(
            self.offset,
            self.limit,
            self.order,
            self.novelty,
            self.diversity,
            self.filters(),
            self.method,
            self.collapse_franchise,
        )


class OptionsOfRecommending(SteeredQuery):
    """What recommendations for one and for several have in common."""

    order: Annotated[Order, Field(description="least: the least fitting first")] = "most"
    method: Annotated[
        MethodName | SkipJsonSchema[None],
        Field(description="How anime are scored; without it, what measured best (GET /model tells)"),
    ] = None
    rule: Annotated[
        NeighbourRule | SkipJsonSchema[None],
        Field(
            description="With method=neighbours: weighted (default) or top-quarter, what they rate at or above "
            "their own 75th percentile"
        ),
    ] = None
    include_plan_to_watch: Annotated[Truth, Field(description="Whether anime the user plans to watch may appear")] = (
        False
    )
    include_disliked_franchises: Annotated[
        Truth, Field(description="Whether what comes after a dropped or low-rated entry of a franchise may appear")
    ] = False
    collapse_franchise: Annotated[
        Truth, Field(description="One entry per franchise: the next one to watch of it")
    ] = True

    def request(self) -> RecommendationsRequest:
        """Give what is asked in plain values."""
        return RecommendationsRequest(
            self.offset,
            self.limit,
            self.order,
            self.novelty,
            self.diversity,
            self.filters(),
            self.method,
            self.rule,
            self.collapse_franchise,
            self.include_plan_to_watch,
            self.include_disliked_franchises,
        )


class RecommendationsQuery(OptionsOfRecommending):
    """Query of GET /users/{user_id}/recommendations and of POST /recommendations."""

    include_new: Annotated[
        Truth, Field(description="Whether new anime may appear, where they fit: at every fifth place, ten at most")
    ] = False

    def request(self) -> RecommendationsRequest:
        """Give what is asked in plain values."""
        return replace(super().request(), include_new=self.include_new)


class SimilarUsersQuery(Paging):
    """Query of GET /users/{user_id}/similar and of POST /users/similar."""

    order: Annotated[Order, Field(description="least: the most dissimilar first")] = "most"
    method: Annotated[
        Literal["embedding"] | SkipJsonSchema[None], Field(description="How similarity is measured")
    ] = None

    def request(self) -> Cut:
        """Give what is asked in plain values."""
        return Cut(self.offset, self.limit, self.order)


# All of them async: FastAPI calls others in a thread, on which a request waits longer than on most answers.


async def get_readiness(request: Request) -> Readiness:
    """Give the application's readiness."""
    readiness: Readiness = request.app.state.readiness
    return readiness


async def get_model(request: Request) -> LoadedModel:
    """Give the model that answers.

    Raises
    ------
    NotReadyError, ModelRefusedError
        If there is none.
    """
    return model_of(request)


def model_of(request: Request) -> LoadedModel:
    """Give the model that answers a request: from its first use on the same, though another may be swapped in."""
    scope = request.scope
    if "model" not in scope:
        scope["model"] = request.app.state.readiness.model()
    model: LoadedModel = scope["model"]
    return model


async def take_no_query(query: Annotated[NoParameters, Query()]) -> None:
    """Refuse any query parameter."""
    del query


Ready = Annotated[Readiness, Depends(get_readiness)]
Model = Annotated[LoadedModel, Depends(get_model)]
NO_QUERY = Depends(take_no_query)


class CheckedRoute(APIRoute):
    """A route that refuses what FastAPI lets pass: of a parameter that may come once it takes the last.

    A class of routes (https://fastapi.tiangolo.com/how-to/custom-request-and-route/) costs less than a dependency.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Give what answers: FastAPI's own handler, after the check."""
        handle = super().get_route_handler()
        takes_cursor = "cursor" in query_schemas(self.endpoint)

        async def check_and_handle(request: Request) -> Response:
            n_more = request.scope["query_string"].count(b"&")
            # Many are not even taken apart.
            if n_more >= MAX_PARAMETERS or (n_more and len(request.query_params) <= n_more):
                refuse_repeats(request)
            if takes_cursor and b"cursor=" in request.scope["query_string"]:
                require_current(request.query_params.get("cursor", ""), model_of(request).version)
            return await handle(request)

        return check_and_handle
