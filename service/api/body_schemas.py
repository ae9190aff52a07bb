"""What bodies with lists hold: their schemas, by which they are checked and described."""

from typing import Annotated, Any, Final, Literal, NamedTuple, NotRequired

from pydantic import ConfigDict, Field, Strict, TypeAdapter, WithJsonSchema

# pydantic wants this one before Python 3.12.
from typing_extensions import TypedDict

from service.api.group_params import CompareQuery, GroupQuery
from service.api.params import INT64_MAX, Parameters, RecommendationsQuery

MAX_LIST_ENTRIES: Final = 20_000
MAX_LISTS: Final = 10
MAX_LIST_NAME: Final = 100


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


class NamedList(ListBody):
    """The list of one of several people."""

    name: NotRequired[Annotated[str | None, Field(max_length=MAX_LIST_NAME, description="Sent back as it came")]]


class GroupBody(TypedDict):
    """Lists of several people: body of POST /recommendations/group."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]

    lists: Annotated[list[NamedList], Field(min_length=2, max_length=MAX_LISTS, description="One for each of them")]


class PairBody(TypedDict):
    """Lists of two people: body of POST /users/compare."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]

    lists: Annotated[list[NamedList], Field(min_length=2, max_length=2, description="One for each of them")]


class BodyShape(NamedTuple):
    """What a body has to look like, and how that is said."""

    adapter: TypeAdapter[Any]
    body: str
    fields: str
    query: type[Parameters]
    lists: str = ""


_OF_SEVERAL: Final = 'an object like {"lists": [{"name": "A", "ratings": [...]}, {"name": "B", "ratings": [...]}]}'
LIST: Final = BodyShape(
    TypeAdapter(ListBody),
    'an object like {"ratings": [{"anime_id": 1, "rating": 9, "status": "completed"}]}',
    "ratings",
    RecommendationsQuery,
)
GROUP: Final = BodyShape(TypeAdapter(GroupBody), _OF_SEVERAL, "lists", GroupQuery, f"2 to {MAX_LISTS} lists")
PAIR: Final = BodyShape(TypeAdapter(PairBody), _OF_SEVERAL, "lists", CompareQuery, "2 lists")

#: What is expected at each place; [] for any entry of a list.
EXPECTED: Final = {
    "lists[]": "an object with ratings, and name if there is one",
    "name": f"text of at most {MAX_LIST_NAME} characters, or null",
    "ratings": f"a list of at most {MAX_LIST_ENTRIES} entries",
    "ratings[]": "an object with anime_id, and rating and status where there are any",
    "anime_id": f"a whole number from 0 to {INT64_MAX}",
    "rating": "a whole number from 1 to 10; null or 0 for unrated",
    "status": "one of watching, completed, on_hold, dropped, plan_to_watch, or 1, 2, 3, 4, 6, or null",
}
