"""Recommendations that were worked out before anybody asked: ``python -m service.precompute``.

For each user what is particular to their answer, without the cards, compressed. A page is put together of it the way
it always is, so what is served is what would have been worked out.
"""

import mmap
import zlib
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.api.params import RecommendationsQuery
from service.precompute.written_page import WrittenPage


class PrecomputedAnswers:
    """The answers of one model to one query, by user.

    Parameters
    ----------
    query : RecommendationsQuery
        What was asked for each user; from its first row on.
    offsets : ndarray of shape (n_users + 1,), dtype=int64
        Answer of user row u: bytes [offsets[u], offsets[u + 1]); none where that is empty.
    answers : bytes-like
        From :func:`pack`, back to back.
    """

    def __init__(self, query: RecommendationsQuery, offsets: NDArray[np.int64], answers: bytes | mmap.mmap) -> None:
        self.query = query
        #: How many users have an answer.
        self.n_answers = int(np.count_nonzero(offsets[1:] > offsets[:-1]))
        self._offsets = offsets
        self._answers = answers
        self._is_part = lru_cache(maxsize=256)(self._find_whether_part)

    def user_rows(self) -> NDArray[np.int64]:
        """Find the users who have an answer.

        Returns
        -------
        ndarray of shape (n_answers,), dtype=int64
            Ascending.
        """
        return np.flatnonzero(self._offsets[1:] > self._offsets[:-1])

    def find(self, user_row: int, query: RecommendationsQuery) -> WrittenPage | None:
        """Find the answer to a query.

        Returns
        -------
        WrittenPage or None
            None where it has to be worked out: another query or a later page, a user without an answer, damage.
        """
        if not len(self._answers) or not self._is_part(query):
            return None
        start, end = self._offsets[user_row : user_row + 2].tolist()
        if start == end:
            return None
        try:
            return unpack(self._answers[start:end], query)
        except (zlib.error, ValueError):
            return None

    def _find_whether_part(self, query: RecommendationsQuery) -> bool:
        """Tell whether a page lies within the one that was answered."""
        whole = query.model_copy(update={"limit": self.query.limit, "offset": 0})
        return whole == self.query and query.offset + query.limit <= self.query.limit


NO_ANSWERS: Final = PrecomputedAnswers(RecommendationsQuery(limit=1), np.zeros(1, dtype=np.int64), b"")


def pack(page: WrittenPage) -> bytes:
    """Write a page as few bytes.

    Returns
    -------
    bytes
        Its checksum included.
    """
    rows = b",".join(b"%d" % row for row in page.anime_rows)
    # JSON holds no such byte.
    return zlib.compress(b"\0".join([page.fields, b"%d" % page.total, rows, *page.rows]))


def unpack(packed: bytes, query: RecommendationsQuery) -> WrittenPage:
    """Read what :func:`pack` wrote.

    Parameters
    ----------
    packed : bytes
    query : RecommendationsQuery
        Asks for the packed page or a part of it.

    Raises
    ------
    zlib.error, ValueError
        If the bytes were changed.
    """
    fields, total, anime_rows, *rows = zlib.decompress(packed).split(b"\0")
    part = slice(query.offset, query.offset + query.limit)
    shown = [int(row) for row in anime_rows.split(b",")[part]] if rows else []
    return WrittenPage(fields, shown, rows[part], query.offset, query.limit, int(total))
