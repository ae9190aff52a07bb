"""Reads where the next page of a list begins, as `rendering.write_cursor` wrote it.

A cursor is of one model: in another's list that place means nothing.
"""

import base64
import zlib
from typing import Any, Final

from pydantic_core import PydanticCustomError

from service.recommending.errors import StaleCursorError

MAX_OFFSET: Final = 1_000_000


def read_cursor(cursor: str) -> tuple[int, int]:
    """Read the model's mark and the offset of a cursor.

    Raises
    ------
    ValueError
        If it is none.
    """
    text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    mark, offset = int(text[:8], 16), int(text[8:], 16)
    if f"{mark:08x}{offset:x}" != text or not 0 <= offset <= MAX_OFFSET:
        raise ValueError(f"no mark with an offset up to {MAX_OFFSET}: {text}")
    return mark, offset


def begin_at_cursor(parameters: dict[str, Any]) -> dict[str, Any]:
    """Put the offset of a cursor in its place among parameters: queries that mean the same are equal.

    Raises
    ------
    PydanticCustomError
        If it is none, or came beside an offset.
    """
    of_cursor = {"parameter": "cursor"}
    if "offset" in parameters:
        raise PydanticCustomError("range", "no offset beside it: a cursor says where to begin", of_cursor)
    try:
        _, offset = read_cursor(parameters["cursor"])
    except ValueError as error:
        raise PydanticCustomError("range", "next_cursor of an answer", of_cursor) from error
    return {name: value for name, value in parameters.items() if name != "cursor"} | {"offset": offset}


def require_current(cursor: str, model_version: str) -> None:
    """Refuse the cursor of another model; what is no cursor is left to those who read it.

    Raises
    ------
    StaleCursorError
        If it is one.
    """
    try:
        mark, _ = read_cursor(cursor)
    except ValueError:
        return
    if mark != zlib.crc32(model_version.encode()):
        raise StaleCursorError(model_version)
