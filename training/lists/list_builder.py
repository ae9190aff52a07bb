"""Turns blocks of list rows into lists: by user, then by anime, and of duplicate rows the last one."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.cores import usable_cores
from training.dump.list_values import ListBlock
from training.dump.rejects import RejectedRows
from training.errors import InputError
from training.lists.interactions import Interactions

UNKNOWN_ANIME: Final = "anime_id is not in the catalogue"
DUPLICATE: Final = "same user and anime again in a later row (the last row counts)"

# A table from id to row takes 4 bytes per id: 64 MB at most. MyAnimeList's ids stay below 100,000, those of titles
# that demo data makes up below 10,000,000.
_MAX_TABLE_SIZE: Final = 1 << 24


class _Rows(NamedTuple):
    """A block of rows in few bytes: users once per run of rows, anime by row."""

    run_users: NDArray[np.signedinteger]
    run_lengths: NDArray[np.int32]
    anime_rows: NDArray[np.integer]
    ratings: NDArray[np.uint8]
    statuses: NDArray[np.uint8]
    part: str
    first_row: int  # of the part
    part_rows: NDArray[np.int64] | None  # None where they follow each other from the first

    def part_rows_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return self.first_row + rows if self.part_rows is None else self.part_rows[rows]


class ListBuilder:
    """Collects blocks of rows, then turns them into lists; `anime_ids` are those of the catalogue, ascending."""

    def __init__(self, anime_ids: NDArray[np.int64], rejects: RejectedRows) -> None:
        self._anime_ids = anime_ids
        self._row_table = _row_table(anime_ids)
        self._row_dtype = np.min_scalar_type(len(anime_ids))
        self._rejects = rejects
        self._blocks: list[_Rows] = []
        self._numbers: dict[str, int] = {}  # of users whose ids are texts, in the order they came

    def add(self, block: ListBlock) -> None:
        """Add a block; rows of anime that are not in the catalogue are rejected."""
        anime_rows, known = self._find_rows(block.anime_ids)
        if not known.all():
            unknown = block.take(~known)
            self._rejects.add_many(unknown.part, unknown.rows, UNKNOWN_ANIME, unknown.as_text())
            block, anime_rows = block.take(known), anime_rows[known]
        if not len(block):
            return
        starts = _starts_of_runs(block.user_ids)
        first_row, last_row = int(block.rows[0]), int(block.rows[-1])
        self._blocks.append(
            _Rows(
                self._number_texts(block.user_ids[starts]),
                np.diff(starts, append=len(block)).astype(np.int32),
                anime_rows.astype(self._row_dtype),
                block.ratings,
                block.statuses,
                block.part,
                first_row,
                None if last_row - first_row + 1 == len(block) else block.rows,
            )
        )

    def forget(self, part: str) -> None:
        """Forget the blocks of a part, which is to be read again."""
        self._blocks = [block for block in self._blocks if block.part != part]

    def build(self, source: str) -> Interactions:
        """Sort into lists by user and anime; of duplicate rows the last one stays, the others are rejected.

        Raises
        ------
        InputError
            If there is no row; names the source.
        """
        if not self._blocks:
            reasons = ", ".join(f"{count:,} x {reason}" for reason, count in self._rejects.counts.most_common(3))
            why = f"rejected: {reasons}" if reasons else "there is nothing below the header"
            raise InputError(f"{source}: has no usable row; {why}")
        run_users, run_lengths = self._join("run_users"), self._join("run_lengths")
        # By code point, as whoever looks a text up compares.
        texts = np.array(sorted(self._numbers), dtype=np.str_)
        if len(texts):
            run_users = np.argsort([self._numbers[text] for text in texts.tolist()])[run_users]
        order = None
        if not (run_users[1:] >= run_users[:-1]).all():
            order = _stable_order(np.repeat(run_users, run_lengths))
            by_user = _stable_order(run_users)
            run_users, run_lengths = run_users[by_user], run_lengths[by_user]
        columns = [self._join("anime_rows", np.int32), self._join("ratings"), self._join("statuses")]
        if order is not None:
            columns = [column[order] for column in columns]
        starts = _starts_of_runs(run_users)
        offsets = np.concatenate([[0], np.cumsum(np.add.reduceat(run_lengths, starts, dtype=np.int64))])
        user_ids = texts[run_users[starts]] if len(texts) else run_users[starts].astype(np.int64)
        lists = Interactions(user_ids, self._anime_ids, offsets, *columns)
        repeated, came_from = _sort_each_list(lists)
        if len(repeated):
            self._reject_duplicates(lists, repeated, came_from if order is None else order[came_from])
            kept = np.ones(len(lists.anime_rows), dtype=bool)
            kept[repeated] = False
            lists = lists.keep_entries(kept)
        return lists

    def _number_texts(self, user_ids: NDArray[Any]) -> NDArray[np.signedinteger]:
        """Give texts numbers, which take fewer bytes and sort faster; numbers stay as they are."""
        if user_ids.dtype.kind != "U":
            return user_ids
        return np.array([self._numbers.setdefault(text, len(self._numbers)) for text in user_ids.tolist()])

    def _find_rows(self, anime_ids: NDArray[np.signedinteger]) -> tuple[NDArray[np.integer], NDArray[np.bool_]]:
        """Return the rows of anime, and which of them are in the catalogue."""
        if self._row_table is not None:
            # Ids beyond the table are clipped to its last place, which is always -1.
            rows = self._row_table.take(anime_ids, mode="clip")
            return rows, rows >= 0
        rows = np.minimum(np.searchsorted(self._anime_ids, anime_ids), len(self._anime_ids) - 1)
        return rows, self._anime_ids[rows] == anime_ids

    def _join(self, attribute: str, dtype: type[np.generic] | None = None) -> NDArray[Any]:
        return np.concatenate([getattr(block, attribute) for block in self._blocks], dtype=dtype)

    def _reject_duplicates(
        self, lists: Interactions, entries: NDArray[np.int64], came_from: NDArray[np.int64]
    ) -> None:
        user_rows = np.searchsorted(lists.offsets, entries, side="right") - 1
        cells = (
            lists.user_ids[user_rows],
            lists.anime_ids[lists.anime_rows[entries]],
            lists.ratings[entries],
            lists.statuses[entries],
        )
        texts = np.array(
            [",".join(map(str, row)) for row in zip(*(column.tolist() for column in cells), strict=True)]
        )
        firsts = np.cumsum([0, *(len(block.anime_rows) for block in self._blocks)])
        numbers = np.searchsorted(firsts, came_from, side="right") - 1
        for number in np.unique(numbers).tolist():
            block, there = self._blocks[number], numbers == number
            rows = block.part_rows_of(came_from[there] - firsts[number])
            self._rejects.add_many(block.part, rows, DUPLICATE, texts[there].tolist())


def _row_table(anime_ids: NDArray[np.int64]) -> NDArray[np.int32] | None:
    """Make a table from id to row, -1 for no row; None where ids are too large for one."""
    if anime_ids[-1] >= _MAX_TABLE_SIZE:
        return None
    table = np.full(int(anime_ids[-1]) + 2, -1, dtype=np.int32)
    table[anime_ids] = np.arange(len(anime_ids), dtype=np.int32)
    return table


def _starts_of_runs(values: NDArray[Any]) -> NDArray[np.int64]:
    return np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))


def _stable_order(values: NDArray[np.signedinteger]) -> NDArray[np.int64]:
    """Return the order that sorts non-negative numbers, equal ones in their order."""
    n_bits = len(values).bit_length()
    if int(values.max()) >> (63 - n_bits):
        return np.argsort(values, kind="stable")
    # One number holds value and place, since a plain sort is many times faster than argsort.
    keys = values.astype(np.int64)
    keys <<= n_bits
    keys |= np.arange(len(values))
    keys.sort()
    keys &= (1 << n_bits) - 1
    return keys


def _sort_each_list(lists: Interactions) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sort lists by anime, in place; return where (now, before) entries are that repeat in the next one."""
    nothing = np.array([], dtype=np.int64)
    with ThreadPoolExecutor(usable_cores()) as pool:
        found = [(nothing, nothing), *pool.map(partial(_sort_group, lists), lists.groups_of_users())]
    repeated, came_from = (np.concatenate(part) for part in zip(*found, strict=True))
    return repeated, came_from


def _sort_group(lists: Interactions, group: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    first, last = group
    start, end = int(lists.offsets[first]), int(lists.offsets[last])
    rows = lists.anime_rows[start:end]
    rising = rows[1:] > rows[:-1]
    rising[lists.offsets[first + 1 : last] - start - 1] = True  # from one list to the next
    if rising.all():
        return np.array([], dtype=np.int64), np.array([], dtype=np.int64)
    lengths = np.diff(lists.offsets[first : last + 1])
    # Shape: (n_entries of the group,), a list's number and an anime's in one.
    places = np.repeat(np.arange(last - first) * lists.n_anime, lengths) + rows
    order = _stable_order(places)
    for column in (lists.anime_rows, lists.ratings, lists.statuses):
        column[start:end] = column[start:end][order]
    places = places[order]
    again = np.flatnonzero(places[1:] == places[:-1])
    return start + again, start + order[again]
