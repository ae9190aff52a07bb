"""Recommendations that were computed before they are asked for: ``python -m service.precompute``.

For each user what is particular to their answer, without the cards, compressed. A page is put together of it the way
it always is, so what is served is what would have been computed.
"""

import sqlite3
import weakref
import zlib
from functools import lru_cache, partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from service.api.params import RecommendationsQuery
from service.api.rendering import WrittenPage
from service.version import own_version

_SOME_ROWS: Final = """
    SELECT * FROM (SELECT user_row FROM answers ORDER BY user_row LIMIT 2) UNION
    SELECT * FROM (SELECT user_row FROM answers ORDER BY user_row DESC LIMIT 1)
"""


class About(BaseModel):
    """What was answered, and with what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_version: str
    software_version: str = own_version()
    query: RecommendationsQuery
    n_answers: int = 0


class PrecomputedAnswers:
    """The answers of one model to one query, by user.

    The connection, closed with these answers, has a table ``answers (user_row, page)`` of pages from :func:`pack`.
    """

    def __init__(self, about: About, connection: sqlite3.Connection) -> None:
        self.query = about.query
        self.n_answers = about.n_answers
        self._connection = connection
        self._is_part = lru_cache(maxsize=256)(partial(_is_part, about.query))
        weakref.finalize(self, connection.close)

    def user_rows(self) -> NDArray[np.int64]:
        """Find the users who have an answer, ascending, by reading the whole file."""
        found = self._connection.execute("SELECT user_row FROM answers ORDER BY user_row")
        return np.array([row for (row,) in found], dtype=np.int64)

    def some_user_rows(self) -> list[int]:
        """Find up to three users who have an answer: the first two and the last."""
        return [row for (row,) in self._connection.execute(_SOME_ROWS)]

    def find(self, user_row: int, query: RecommendationsQuery) -> WrittenPage | None:
        """Find the answer to a query; None for another query, a later page, a user without an answer, or damage."""
        if not self.n_answers or not self._is_part(query):
            return None
        try:
            found = self._connection.execute(
                "SELECT page FROM answers WHERE user_row = ?", (int(user_row),)
            ).fetchone()
            return unpack(found[0], user_row, query) if found else None
        except (sqlite3.Error, zlib.error, ValueError, TypeError):
            return None


def _is_part(answered: RecommendationsQuery, query: RecommendationsQuery) -> bool:
    """Whether a page lies within the one that was answered."""
    whole = query.model_copy(update={"limit": answered.limit, "offset": 0})
    return whole == answered and query.offset + query.limit <= answered.limit


def pack(page: WrittenPage, user_row: int) -> bytes:
    """Write a page as few bytes, the first of which are a checksum of the rest and of whose page it is."""
    rows = b",".join(b"%d" % row for row in page.anime_rows)
    # JSON holds no such byte.
    packed = zlib.compress(b"\0".join([page.fields, b"%d" % page.total, rows, *page.rows]))
    return zlib.crc32(packed, user_row).to_bytes(4, "big") + packed


def unpack(packed: bytes, user_row: int, query: RecommendationsQuery) -> WrittenPage:
    """Read the part that a query asks for of what :func:`pack` wrote.

    Raises
    ------
    ValueError
        If the bytes were changed, or are those of another user.
    """
    if zlib.crc32(packed[4:], user_row).to_bytes(4, "big") != packed[:4]:
        raise ValueError(f"the answer of row {user_row} is not what was written")
    fields, total, anime_rows, *rows = zlib.decompress(packed[4:]).split(b"\0")
    part = slice(query.offset, query.offset + query.limit)
    shown = [int(row) for row in anime_rows.split(b",")[part]] if rows else []
    return WrittenPage(fields, shown, rows[part], query.offset, query.limit, int(total))
