"""Lists that come in the body of a request: received within bounds, checked, and turned into rows."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import anyio
import numpy as np
import orjson
from fastapi import Depends, Request
from pydantic import ValidationError

from models.scoring.user_list import Status, UserList
from service.api.answers import NoEvidenceReason
from service.api.body_schemas import EXPECTED, LIST, BodyShape
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

_STATUS_CODES: Final[dict[str | int | None, int]] = {
    None: int(Status.UNKNOWN),
    **{status.name.lower(): int(status) for status in Status if status is not Status.UNKNOWN},
    **{int(status): int(status) for status in Status if status is not Status.UNKNOWN},
}


@dataclass(frozen=True)
class PostedList:
    """A list that was sent, in rows, and what became of its entries."""

    user_list: UserList  # the anime the model learned
    n_entries: int
    new_anime_ids: list[int]  # in the order they came: in the catalogue, but on too few lists to learn from
    unknown_anime_ids: list[int]  # in the order they came
    repeated_anime_ids: list[int]  # in the order they came; the last entry of each counts
    name: str | None = None  # of one of several lists

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
    return _posted(_parse(body, LIST), catalogue)


def read_lists(body: bytes | bytearray, catalogue: Catalogue, shape: BodyShape) -> list[PostedList]:
    """Read several lists, JSON of a shape.

    Raises
    ------
    InvalidRequestError
        As for :func:`read_list`.
    """
    return [_posted(one, catalogue) for one in _parse(body, shape)["lists"]]


def _posted(listed: Any, catalogue: Catalogue) -> PostedList:
    entries = listed["ratings"]
    # A dictionary keeps the last of each, where the first stood.
    last = {entry["anime_id"]: entry for entry in entries}
    rows = np.array([-1 if row is None else row for row in catalogue.rows_of(last)], dtype=np.int32)
    ratings = np.array([entry.get("rating") or 0 for entry in last.values()], dtype=np.uint8)
    statuses = np.array([_STATUS_CODES[entry.get("status")] for entry in last.values()], dtype=np.uint8)
    is_new = rows >= catalogue.n_known
    known = np.argsort(rows)[np.count_nonzero(rows < 0) : len(rows) - np.count_nonzero(is_new)]
    anime_ids = list(last)
    return PostedList(
        UserList(rows[known], ratings[known], statuses[known]),
        len(entries),
        [anime_ids[place] for place in np.flatnonzero(is_new).tolist()],
        [anime_ids[place] for place in np.flatnonzero(rows < 0).tolist()],
        _repeated([entry["anime_id"] for entry in entries]) if len(last) < len(entries) else [],
        listed.get("name"),
    )


def _repeated(anime_ids: Sequence[int]) -> list[int]:
    seen: set[int] = set()
    repeated: dict[int, None] = {}
    for anime_id in anime_ids:
        if anime_id in seen:
            repeated[anime_id] = None
        seen.add(anime_id)
    return list(repeated)


def _parse(body: bytes | bytearray, shape: BodyShape) -> Any:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        received = f"{error.msg}, line {error.lineno} column {error.colno}" if body.strip() else "nothing"
        raise InvalidRequestError([Issue("body", "JSON, as UTF-8", received)], f"send {shape.body}") from error
    try:
        parsed = shape.adapter.validate_python(content)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        issues = [_issue(fault, shape) for fault in faults[:MAX_ISSUES]]
        raise InvalidRequestError(issues, n_faults=len(faults)) from error
    lists = [("", content)] if shape is LIST else [(f"lists[{n}].", one) for n, one in enumerate(content["lists"])]
    issues = [
        issue
        for prefix, listed in lists
        for place, entry in enumerate(listed["ratings"])
        # Asked here too: nearly no entry is worth a call.
        if entry.get("status") is True or (entry.get("rating") or 0) % 1
        for issue in _missed(f"{prefix}ratings[{place}]", entry)
    ]
    if issues:
        raise InvalidRequestError(issues)
    return parsed


def _missed(place: str, entry: dict[str, Any]) -> Iterator[Issue]:
    """Find what pydantic lets pass: true is the number 1 to it, and 1e-40 a multiple of 1."""
    if entry.get("status") is True:
        yield Issue(f"{place}.status", EXPECTED["status"], "true")
    rating = entry.get("rating")
    if rating is not None and rating % 1:
        yield Issue(f"{place}.rating", EXPECTED["rating"], _in_words(rating))


def _issue(fault: Any, shape: BodyShape) -> Issue:
    location = fault["loc"]
    received = None if fault["type"] == "missing" else _in_words(fault["input"])
    if fault["type"] == "extra_forbidden":
        return Issue(_place(location), _why_extra(location, shape), received)
    expected = EXPECTED | {"body": shape.body, "lists": shape.lists}
    # The place of an entry has no name of its own.
    name = "body" if not location else f"{location[-2]}[]" if isinstance(location[-1], int) else location[-1]
    return Issue(_place(location), expected[name], received)


def _place(location: Sequence[str | int]) -> str:
    """Write a place as ``ratings[3].rating``; names that the client made up are cut short."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part[:MAX_NAME]}" for part in location]
    return "".join(parts).removeprefix(".") or "body"


def _why_extra(location: Sequence[str | int], shape: BodyShape) -> str:
    if "ratings" in location[:-1]:
        return "no such field; an entry has anime_id, rating, status"
    if len(location) > 1:
        return "no such field; a list has ratings, and perhaps name"
    if location[0] in shape.query.model_fields:
        return f"in the query string (?{location[0]}=...), as for known users; the body has {shape.fields} alone"
    return f"no such field; the body has {shape.fields} alone"


def _in_words(value: object) -> str:
    """Write what came as JSON, so that its type shows; of anything large only what it is."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return orjson.dumps(value[:MAX_TEXT] if isinstance(value, str) else value).decode()
