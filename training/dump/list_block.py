"""Blocks of clean list rows, and the checks that every row must pass, whatever file it comes from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.scoring.user_list import Status
from training.dump import columns
from training.dump.rejects import RejectedRows

NEEDED: Final = (columns.USER_ID, columns.ANIME_ID, columns.RATING)
TYPES: Final = {
    columns.USER_ID: pa.int64(),
    columns.ANIME_ID: pa.int64(),
    # Some copies write 8.0; what is no whole number is caught after the parse.
    columns.RATING: pa.float32(),
    columns.STATUS: pa.int64(),
}
# What nearly every row fits in: a third of the bytes, and parsed in two thirds of the time.
NARROW_TYPES: Final = {
    columns.USER_ID: pa.int32(),
    columns.ANIME_ID: pa.int32(),
    columns.RATING: pa.uint8(),
    columns.STATUS: pa.uint8(),
}
# By status, for the 256 that a byte can hold.
_IS_STATUS: Final = np.isin(np.arange(256), [status for status in Status if status is not Status.UNKNOWN])


@dataclass(frozen=True)
class ListBlock:
    """A run of usable rows, one array per column."""

    user_ids: NDArray[Any]  # whole numbers, or str in all blocks of a file
    anime_ids: NDArray[np.signedinteger]
    ratings: NDArray[np.uint8]  # 1..10, 0 = unrated
    statuses: NDArray[np.uint8]
    lines: NDArray[np.int64]  # line in the file, the header being line 1; in Parquet files the row, from 1

    def __len__(self) -> int:
        return len(self.user_ids)

    def take(self, kept: NDArray[np.bool_]) -> "ListBlock":
        """Return the marked rows."""
        if kept.all():
            return self
        return ListBlock(
            self.user_ids[kept], self.anime_ids[kept], self.ratings[kept], self.statuses[kept], self.lines[kept]
        )

    def as_text(self) -> list[str]:
        """Return the rows as comma-separated text, for the file of rejected rows."""
        cells = (self.user_ids, self.anime_ids, self.ratings, self.statuses)
        return [",".join(map(str, row)) for row in zip(*(column.tolist() for column in cells), strict=True)]


def check_values(
    file_name: str,
    cells: dict[str, NDArray[Any]],  # by standard name; without a status, everything is completed
    lines: NDArray[np.int64],
    rejects: RejectedRows,
    read_texts: Callable[[], list[str]],
) -> ListBlock:
    """Keep the rows with valid values, reject the others; `read_texts` is called only if there are any."""
    ratings, user_ids, anime_ids = cells[columns.RATING], cells[columns.USER_ID], cells[columns.ANIME_ID]
    statuses = cells.get(columns.STATUS, np.full(len(lines), int(Status.COMPLETED), dtype=np.uint8))
    checks = (
        ("rating outside 0..10 or no whole number", ~_is_rating(ratings)),
        ("unknown watching_status", ~_is_status(statuses)),
        ("negative id", (user_ids < 0) | (anime_ids < 0)),
    )
    wrong = np.zeros(len(lines), dtype=bool)
    for reason, fails in checks:
        rows = np.flatnonzero(fails & ~wrong)
        if len(rows):
            texts = read_texts()
            rejects.add_many(file_name, lines[rows].tolist(), reason, [texts[row] for row in rows.tolist()])
        wrong |= fails
    if wrong.any():
        user_ids, anime_ids, ratings, statuses, lines = (
            column[~wrong] for column in (user_ids, anime_ids, ratings, statuses, lines)
        )
    ratings, statuses = ratings.astype(np.uint8, copy=False), statuses.astype(np.uint8, copy=False)
    return ListBlock(user_ids, anime_ids, ratings, statuses, lines)


def _is_rating(ratings: NDArray[Any]) -> NDArray[np.bool_]:
    # Written so that NaN is wrong too.
    marks: NDArray[np.bool_] = (ratings >= 0) & (ratings <= 10)
    return marks if ratings.dtype == np.uint8 else marks & (ratings == np.rint(ratings))


def _is_status(statuses: NDArray[Any]) -> NDArray[np.bool_]:
    marks: NDArray[np.bool_] = _IS_STATUS[statuses & 0xFF]
    return marks if statuses.dtype == np.uint8 else marks & (statuses >> 8 == 0)
