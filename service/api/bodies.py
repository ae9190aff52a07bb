"""Lists that come in the body of a request: received within bounds, checked, and turned into rows."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NotRequired

import anyio
import numpy as np
import orjson
from fastapi import Depends, Request
from pydantic import ConfigDict, Field, Strict, TypeAdapter, ValidationError, WithJsonSchema

# pydantic wants this one before Python 3.12.
from typing_extensions import TypedDict

from models.scoring.user_list import Status, UserList
from service.api.answers import NoEvidenceReason
from service.api.params import INT64_MAX, RecommendationsQuery
from service.recommending.catalogue import Catalogue
from service.recommending.errors import (
    MAX_ISSUES,
    MAX_NAME,
    MAX_TEXT,
    BodyTimeoutError,
    BodyTooLargeError,
    BusyError,
    InvalidRequestError,
    Issue,
    MediaTypeError,
)

# The longest list that is read, written at length: 200 bytes an entry.
MAX_BODY_BYTES: Final = 4_000_000
# What all bodies of a process may hold, each from its first byte until it is answered. uvicorn's limit_concurrency
# would count connections, idle ones too, and refuse probes and remembered answers with plain text.
MAX_HELD_BYTES: Final = 64_000_000
MAX_LIST_ENTRIES: Final = 20_000


def _require_json(request: Request) -> None:
    media_type = request.headers.get("content-type")
    if media_type is None or media_type.partition(";")[0].strip().lower() != "application/json":
        raise MediaTypeError(media_type)
    if (encoding := request.headers.get("content-encoding", "identity")).lower() != "identity":
        raise MediaTypeError(encoding)


class Bodies:
    """The bodies that one application holds; each may take ``timeout_s`` to arrive."""

    def __init__(self, timeout_s: float, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._n_held_bytes = 0

    @contextlib.asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytearray]:
        """Read the body of a request, and hold it.

        Raises
        ------
        BodyTooLargeError
            If it is too large; the rest is not waited for.
        BodyTimeoutError
            If it takes too long to arrive.
        BusyError
            If there is no room for it beside the others.
        """
        body = bytearray()
        try:
            await self._fill(body, request)
            yield body
        finally:
            self._n_held_bytes -= len(body)

    async def _fill(self, body: bytearray, request: Request) -> None:
        try:
            with anyio.fail_after(self._timeout_s):
                async for chunk in request.stream():
                    if len(body) + len(chunk) > self._max_bytes:
                        raise BodyTooLargeError(self._max_bytes)
                    if self._n_held_bytes + len(chunk) > MAX_HELD_BYTES:
                        raise BusyError
                    self._n_held_bytes += len(chunk)
                    body += chunk
        except TimeoutError as error:
            raise BodyTimeoutError(self._timeout_s) from error


async def get_bodies(request: Request) -> Bodies:
    """Give the application's reader of bodies for a request whose body claims to be plain JSON."""
    _require_json(request)
    bodies: Bodies = request.app.state.bodies
    return bodies


HeldBodies = Annotated[Bodies, Depends(get_bodies)]


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


_BODY: Final = TypeAdapter(ListBody)
_STATUS_CODES: Final[dict[str | int | None, int]] = {
    None: int(Status.UNKNOWN),
    **{status.name.lower(): int(status) for status in Status if status is not Status.UNKNOWN},
    **{int(status): int(status) for status in Status if status is not Status.UNKNOWN},
}
_ENTRY: Final = "an object with anime_id, and rating and status where there are any"
_EXPECTED: Final = {
    "body": 'an object like {"ratings": [{"anime_id": 1, "rating": 9, "status": "completed"}]}',
    "ratings": f"a list of at most {MAX_LIST_ENTRIES} entries",
    "anime_id": f"a whole number from 0 to {INT64_MAX}",
    "rating": "a whole number from 1 to 10; null or 0 for unrated",
    "status": "one of watching, completed, on_hold, dropped, plan_to_watch, or 1, 2, 3, 4, 6, or null",
}


@dataclass(frozen=True)
class PostedList:
    """A list that was sent, in rows, and what became of its entries."""

    user_list: UserList  # the anime the model learned
    n_entries: int
    new_anime_ids: list[int]  # in the order they came: in the catalogue, but on too few lists to learn from
    unknown_anime_ids: list[int]  # in the order they came
    repeated_anime_ids: list[int]  # in the order they came; the last entry of each counts

    @property
    def n_seen(self) -> int:
        """How many known anime are on the list that are more than planned: what answers go by."""
        return len(self.user_list.seen_rows)

    @property
    def n_planned(self) -> int:
        """How many known anime on the list are planned."""
        return len(self.user_list.anime_rows) - self.n_seen

    @property
    def no_evidence(self) -> NoEvidenceReason | None:
        """Why there is nothing to go by; None where there is something, as far as the list can tell."""
        if not self.n_entries:
            return "empty_list"
        if not len(self.user_list.anime_rows):
            return "only_new_anime" if self.new_anime_ids else "only_unknown_ids"
        if self.n_seen:
            return None if len(self.user_list.liked_rows) else "only_dislikes"
        return "only_plan_to_watch"


def read_list(body: bytes | bytearray, catalogue: Catalogue) -> PostedList:
    """Read a list, JSON as :class:`ListBody` describes it.

    Raises
    ------
    InvalidRequestError
        If the body is no JSON or no such list; each fault with the place of the entry.
    """
    entries = _parse(body)["ratings"]
    # A dictionary keeps the last of each, where the first stood.
    last = {entry["anime_id"]: entry for entry in entries}
    rows = catalogue.rows_of(last)
    of_catalogue = [(row, entry) for row, entry in zip(rows, last.values(), strict=True) if row is not None]
    return PostedList(
        _in_rows([(row, entry) for row, entry in of_catalogue if not catalogue.is_new(row)]),
        len(entries),
        [entry["anime_id"] for row, entry in of_catalogue if catalogue.is_new(row)],
        [anime_id for anime_id, row in zip(last, rows, strict=True) if row is None],
        _repeated([entry["anime_id"] for entry in entries]) if len(last) < len(entries) else [],
    )


def _in_rows(known: Sequence[tuple[int, Any]]) -> UserList:
    n = len(known)
    rows = np.fromiter((row for row, _ in known), dtype=np.int32, count=n)
    ratings = np.fromiter((entry.get("rating") or 0 for _, entry in known), dtype=np.uint8, count=n)
    statuses = np.fromiter((_STATUS_CODES[entry.get("status")] for _, entry in known), dtype=np.uint8, count=n)
    order = np.argsort(rows)
    return UserList(rows[order], ratings[order], statuses[order])


def _repeated(anime_ids: Sequence[int]) -> list[int]:
    seen: set[int] = set()
    repeated: dict[int, None] = {}
    for anime_id in anime_ids:
        if anime_id in seen:
            repeated[anime_id] = None
        seen.add(anime_id)
    return list(repeated)


def _parse(body: bytes | bytearray) -> ListBody:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        received = f"{error.msg}, line {error.lineno} column {error.colno}" if body.strip() else "nothing"
        raise InvalidRequestError([Issue("body", "JSON, as UTF-8", received)], f"send {_EXPECTED['body']}") from error
    try:
        parsed = _BODY.validate_python(content)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        raise InvalidRequestError(list(map(_issue, faults[:MAX_ISSUES])), n_faults=len(faults)) from error
    issues = [issue for place, entry in enumerate(content["ratings"]) for issue in _missed(place, entry)]
    if issues:
        raise InvalidRequestError(issues)
    return parsed


def _missed(place: int, entry: dict[str, Any]) -> Iterator[Issue]:
    """Find what pydantic lets pass: true is the number 1 to it, and 1e-40 a multiple of 1."""
    if entry.get("status") is True:
        yield Issue(f"ratings[{place}].status", _EXPECTED["status"], "true")
    rating = entry.get("rating")
    if rating is not None and rating % 1:
        yield Issue(f"ratings[{place}].rating", _EXPECTED["rating"], _in_words(rating))


def _issue(fault: Any) -> Issue:
    place = _place(fault["loc"])
    received = None if fault["type"] == "missing" else _in_words(fault["input"])
    if fault["type"] == "extra_forbidden":
        return Issue(place, _why_extra(fault["loc"]), received)
    last = fault["loc"][-1] if fault["loc"] else "body"
    return Issue(place, _ENTRY if isinstance(last, int) else _EXPECTED[last], received)


def _place(location: Sequence[str | int]) -> str:
    """Write a place as ``ratings[3].rating``; names that the client made up are cut short."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part[:MAX_NAME]}" for part in location]
    return "".join(parts).removeprefix(".") or "body"


def _why_extra(location: Sequence[str | int]) -> str:
    if len(location) > 1:
        return "no such field; an entry has anime_id, rating, status"
    if location[0] in RecommendationsQuery.model_fields:
        return f"in the query string (?{location[0]}=...), as for known users; the body has ratings alone"
    return "no such field; the body has ratings alone"


def _in_words(value: object) -> str:
    """Write what came as JSON, so that its type shows; of anything large only what it is."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return orjson.dumps(value[:MAX_TEXT] if isinstance(value, str) else value).decode()
