"""Lists as they come, and what answers to them look like; see :mod:`service.api.answers`."""

from typing import Annotated, Final, Literal, NotRequired

from pydantic import ConfigDict, Field, Strict, WithJsonSchema

# pydantic wants this one before Python 3.12.
from typing_extensions import TypedDict

from service.api.answers import (
    Answer,
    Method,
    ModelVersion,
    NoEvidence,
    Notes,
    Pagination,
    RecommendedAnime,
    Rule,
    SimilarUser,
)
from service.api.params import INT64_MAX

MAX_LIST_ENTRIES: Final = 20_000


class ListEntry(TypedDict):
    """An anime on somebody's list."""

    # Dictionaries rather than models: a list of a thousand is checked in a third of the time.
    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]

    anime_id: Annotated[int, Field(ge=0, le=INT64_MAX, description="MyAnimeList id", examples=[1])]
    # 9.0 is a whole number too: that is how pandas writes a column with gaps.
    rating: NotRequired[
        Annotated[
            Annotated[float, Strict(), Field(ge=0, le=10)] | None,
            WithJsonSchema(
                {
                    "type": ["integer", "null"],
                    "minimum": 0,
                    "maximum": 10,
                    "description": "1 to 10; null or 0 for unrated",
                    "examples": [9],
                }
            ),
        ]
    ]
    status: NotRequired[
        Annotated[
            Literal["watching", "completed", "on_hold", "dropped", "plan_to_watch", 1, 2, 3, 4, 6, None],
            # One list of words, numbers and null is no type to the generators of clients: they leave its routes out.
            WithJsonSchema(
                {
                    "anyOf": [
                        {"type": "string", "enum": ["watching", "completed", "on_hold", "dropped", "plan_to_watch"]},
                        {"type": "integer", "enum": [1, 2, 3, 4, 6]},
                        {"type": "null"},
                    ],
                    "description": "MyAnimeList's numbers will do. Plans are no evidence; "
                    "without a status, it was seen",
                    "examples": ["completed"],
                }
            ),
        ]
    ]


class ListBody(TypedDict):
    """Somebody's list: body of POST /recommendations and POST /users/similar."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]

    ratings: Annotated[
        list[ListEntry],
        Field(max_length=MAX_LIST_ENTRIES, description="In any order. Of an anime that comes twice, the last counts"),
    ]


class ListSummary(Answer):
    """What became of the entries of a list: they add up to n_entries."""

    n_entries: Annotated[int, Field(ge=0, description="Entries that came")]
    n_seen: Annotated[int, Field(ge=0, description="Anime the answer goes by")]
    n_plan_to_watch: Annotated[int, Field(ge=0, description="Planned anime: not recommended, and no evidence")]
    n_unknown: Annotated[int, Field(ge=0, description="Anime the model does not know")]
    n_overruled: Annotated[int, Field(ge=0, description="Entries overruled by a later one for the same anime")]


class _OfList(Answer):
    """What answers to lists have in common."""

    model_version: ModelVersion
    list_summary: ListSummary
    unknown_anime_ids: Annotated[list[int], Field(description="Ids on the list that the model does not know")]
    repeated_anime_ids: Annotated[list[int], Field(description="Ids that came more than once; the last entry counts")]
    no_evidence: NoEvidence
    notes: Notes


class ListSimilarUsersAnswer(_OfList):
    """Answer of POST /users/similar."""

    data: list[SimilarUser]
    pagination: Pagination


class ListRecommendationsAnswer(_OfList):
    """Answer of POST /recommendations."""

    method: Method
    rule: Rule
    data: list[RecommendedAnime]
    pagination: Pagination
