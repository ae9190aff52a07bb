"""What the cells of a list row mean, whatever source they come from, and the checks that every row must pass."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.bundle.layout import MAX_USER_ID_LENGTH
from models.scoring.user_list import Status
from training.dump import columns
from training.dump.rejects import RejectedRows
from training.errors import InputError

NEEDED: Final = (columns.USER_ID, columns.ANIME_ID, columns.RATING)
WANTED: Final = (*NEEDED, columns.STATUS)
NO_RATING: Final = "rating outside 0..10 or no whole number"
_NO_USER_NUMBER: Final = (f"{columns.USER_ID} is no number", f"{columns.USER_ID} is out of range", "negative id")
# Where fewer rows are at fault, the end is waited for.
_CLEARLY_TEXTS: Final = 1_000
NO_STATUS: Final = "unknown watching_status"

# What people and programs write for "nothing", in lower case.
BLANKS: Final = frozenset({"", "null", "nan", "none", "na", "n/a", "<na>", "\\n", "-", "unknown", "unrated"})
_STATUS_WORDS: Final = {
    Status.WATCHING: ("watching", "currently watching", "current"),
    Status.COMPLETED: ("completed", "complete", "watched", "finished", "rewatching", "repeating"),
    Status.ON_HOLD: ("on hold", "onhold", "paused"),
    Status.DROPPED: ("dropped",),
    Status.PLAN_TO_WATCH: ("plan to watch", "plantowatch", "planning", "planned", "ptw"),
}
_STATUSES: Final = {
    word: int(status) for status, words in _STATUS_WORDS.items() for word in (*words, str(int(status)))
}
# Also 1.0 and 1,234: copies that went through pandas or a spreadsheet.
_WHOLE: Final = re.compile(r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.0*)?")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]*)?(?:e[+-]?[0-9]+)?", re.IGNORECASE)
_MOST: Final = 2**63

# A rating of a hundred points, or of twenty, is no slip of the pen.
_OTHER_SCALE: Final = 20
# Fewer are slips of somebody's hand.
_MANY_FRACTIONS: Final = 20


class TextUserIdsError(Exception):
    """Tells whoever reads lists that user ids are texts, and to begin anew: ``0012`` was read as a number so far."""


class _Column(NamedTuple):
    """The values of a column, and why some cannot be used; no reasons where all can, "" where one can."""

    values: NDArray[Any]
    reasons: NDArray[np.object_] | None = None


@dataclass(frozen=True)
class ListBlock:
    """A run of usable rows of one part, one array per column."""

    part: str
    rows: NDArray[np.int64]  # which rows of the part they are, from 0, ascending
    user_ids: NDArray[Any]  # whole numbers, or str in all blocks of a source
    anime_ids: NDArray[np.signedinteger]
    ratings: NDArray[np.uint8]  # 1..10, 0 = unrated
    statuses: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.user_ids)

    def take(self, kept: NDArray[np.bool_]) -> "ListBlock":
        """Return the marked rows."""
        arrays: tuple[Any, ...] = (self.rows, self.user_ids, self.anime_ids, self.ratings, self.statuses)
        return ListBlock(self.part, *(array[kept] for array in arrays))

    def as_text(self) -> list[str]:
        """Return the rows as comma-separated text, for the file of rejected rows."""
        cells = (self.user_ids, self.anime_ids, self.ratings, self.statuses)
        return [",".join(map(str, row)) for row in zip(*(column.tolist() for column in cells), strict=True)]


class UserIds:
    """Reads the user ids of a source: whole numbers, or texts where most rows have something else."""

    def __init__(self, *, are_texts: bool = False) -> None:
        self._are_texts = are_texts
        self.counts = (0, 0)  # rows that name a user, and those among them where it is no number

    def read(self, cells: pa.Array) -> _Column:
        """Read a column.

        Raises
        ------
        TextUserIdsError
            If it has become clear that ids are texts.
        """
        if self._are_texts:
            return _read_distinct(cells, _read_name, np.str_)
        column = _read_ids(columns.USER_ID, cells)
        n_rows, n_texts = self.counts
        n_rows += len(cells)
        if column.reasons is not None:
            n_texts += int(np.isin(column.reasons, _NO_USER_NUMBER).sum())
            n_rows -= int((column.reasons == f"{columns.USER_ID} is missing").sum())
        self.counts = (n_rows, n_texts)
        if n_texts > _CLEARLY_TEXTS and are_mostly_texts(*self.counts):
            raise TextUserIdsError
        return column


def are_mostly_texts(n_rows: int, n_texts: int) -> bool:
    """Whether so many rows without a number for their user are most: then all user ids are texts."""
    return 2 * n_texts > n_rows


def read_block(
    part: str, first_row: int, batch: pa.RecordBatch, rejects: RejectedRows, user_ids: UserIds
) -> ListBlock:
    """Read the cells of a batch; reject rows that cannot be used. Without a status, all titles are completed.

    Raises
    ------
    InputError
        If a column holds something else than text and numbers, or ratings on another scale.
    TextUserIdsError
        If it has become clear that user ids are texts.
    """
    cells = {name: _plain(part, name, batch.column(name)) for name in WANTED if name in batch.schema.names}
    read = {
        columns.USER_ID: user_ids.read(cells[columns.USER_ID]),
        columns.ANIME_ID: _read_ids(columns.ANIME_ID, cells[columns.ANIME_ID]),
        columns.RATING: _read_ratings(part, cells[columns.RATING]),
    }
    if columns.STATUS in cells:
        read[columns.STATUS] = _read_distinct(cells[columns.STATUS], _read_status, np.uint8)
    else:
        read[columns.STATUS] = _Column(np.full(batch.num_rows, int(Status.COMPLETED), dtype=np.uint8))
    rows = np.arange(first_row, first_row + batch.num_rows)
    values: list[Any] = [read[name].values for name in WANTED]
    block = ListBlock(part, rows, *values)
    faults = [column.reasons for column in read.values() if column.reasons is not None]
    if not faults:
        return block
    reasons = faults[0]
    for others in faults[1:]:
        reasons = np.where(reasons == "", others, reasons)
    for reason in sorted(set(reasons.tolist()) - {""}):
        wrong = np.flatnonzero(reasons == reason)
        rejects.hold(part, rows[wrong], reason, _texts(cells, wrong))
    return block.take(reasons == "")


def _read_name(cell: Any) -> tuple[str, str]:
    name = "" if cell is None else str(cell).strip().strip("\0")
    # People may be called None or Unknown.
    if name in {"", "NULL", "NaN", "nan", "\\N"}:
        return "", f"{columns.USER_ID} is missing"
    if "\ufffd" in name:
        return "", "bytes that are no UTF-8"
    return (name, "") if len(name) <= MAX_USER_ID_LENGTH else ("", f"{columns.USER_ID} is too long")


def read_whole(cell: Any) -> int | None:
    """Read a whole number; None where it is none."""
    text = _text(cell)
    if not _WHOLE.fullmatch(text):
        return None
    return int(text.partition(".")[0].replace(",", "")) if len(text) < 30 else _MOST


def _read_ids(name: str, cells: pa.Array) -> _Column:
    values = _cast(cells)
    if values is not None and (len(values) == 0 or values.min() >= 0):
        return _Column(values)
    return _read_distinct(cells, partial(_read_id, name), np.int64)


def _cast(cells: pa.Array) -> NDArray[np.signedinteger] | None:
    """Read whole numbers the fast way; None if they are not all such."""
    if cells.null_count or pa.types.is_floating(cells.type):
        return None
    if pa.types.is_string(cells.type):
        letters = cells.buffers()[2]
        # pyarrow takes 0x10 for 16.
        if letters is None or any(mark in letters.to_pybytes() for mark in (b"x", b"X")):
            return None
    try:
        whole = cells if pa.types.is_signed_integer(cells.type) else cells.cast(pa.int64())
        values: NDArray[np.signedinteger] = whole.to_numpy()
    except pa.ArrowInvalid:
        return None
    return values


def _read_id(name: str, cell: Any) -> tuple[int, str]:
    number = read_whole(cell)
    if number is None:
        text = _text(cell)
        if text.lower() in BLANKS:
            return 0, f"{name} is missing"
        return 0, "bytes that are no UTF-8" if "\ufffd" in text else f"{name} is no number"
    if abs(number) >= _MOST:
        return 0, f"{name} is out of range"
    return number, "negative id" if number < 0 else ""


def _read_ratings(part: str, cells: pa.Array) -> _Column:
    ratings = _read_distinct(cells, _read_rating, np.int16)
    most = ratings.values.max(initial=0)
    if most >= _OTHER_SCALE and np.count_nonzero(ratings.values > 10) * 2 > np.count_nonzero(ratings.values):
        raise InputError(
            f"{part}: ratings go up to {most}, and 0..10 is expected; scale them (rating / {10 if most > 20 else 2}) "
            "and leave unrated titles at 0 or blank"
        )
    if ratings.reasons is not None:
        between = (ratings.values > 0) & (ratings.values <= 10)
        n_fractions = np.count_nonzero((ratings.reasons == NO_RATING) & between)
        if n_fractions >= _MANY_FRACTIONS and 4 * n_fractions > np.count_nonzero(ratings.values):
            raise InputError(
                f"{part}: {n_fractions:,} ratings are fractions, and whole numbers 0..10 are expected; scale them "
                "(five stars with halves: rating * 2) or round them"
            )
    return _Column(ratings.values.astype(np.uint8), ratings.reasons)


def _read_rating(cell: Any) -> tuple[int, str]:
    """Read a rating: 0 where it is blank or, as in the dump of 2016, -1: seen but unrated."""
    text = _text(cell)
    if text.lower() in BLANKS:
        return 0, ""
    if not _NUMBER.fullmatch(text):
        return 0, "bytes that are no UTF-8" if "\ufffd" in text else "rating is no number"
    number = float(text.replace(",", "."))
    if number == -1:
        return 0, ""
    # The number of a row that cannot be used tells of another scale.
    return (int(number) if 0 <= number <= 100 else 0), "" if number in range(11) else NO_RATING


def _read_status(cell: Any) -> tuple[int, str]:
    text = _text(cell).lower()
    word = re.sub(r"[\s_-]+", " ", text) if text[:1].isalpha() else str(read_whole(text))
    if word in _STATUSES:
        return _STATUSES[word], ""
    if text in BLANKS:
        return 0, f"{columns.STATUS} is missing"
    return 0, "bytes that are no UTF-8" if "\ufffd" in text else NO_STATUS


def _read_distinct(cells: pa.Array, read: Callable[[Any], tuple[int | str, str]], dtype: type[np.generic]) -> _Column:
    """Read every distinct cell once."""
    encoded = cells.dictionary_encode(null_encoding="encode")
    found = [read(cell) for cell in encoded.dictionary.to_pylist()]
    places = encoded.indices.to_numpy()
    values = np.array([value for value, _ in found], dtype=dtype)[places]
    reasons = np.array([reason for _, reason in found], dtype=object)
    return _Column(values, reasons[places] if any(reason for _, reason in found) else None)


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip().strip("\"'").strip()


def _plain(part: str, name: str, cells: pa.Array) -> pa.Array:
    # Cells as text or numbers.
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    texts = (pa.types.is_large_string, pa.types.is_string_view, pa.types.is_binary)
    if any(is_text(cells.type) for is_text in texts):
        return cells.cast(pa.string())
    number = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null)
    if not any(is_kind(cells.type) for is_kind in (pa.types.is_string, *number)):
        raise InputError(f"{part}: column {name} holds {cells.type}; text or numbers are expected")
    return cells


def _texts(cells: dict[str, pa.Array], rows: NDArray[np.int64]) -> list[str]:
    picked = [column.take(pa.array(rows)).to_pylist() for column in cells.values()]
    return [",".join("" if cell is None else str(cell) for cell in row) for row in zip(*picked, strict=True)]
