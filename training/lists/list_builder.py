"""Turns blocks of list rows into lists: by user, then by anime, and of duplicate rows the last one."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.cores import usable_cores
from training.dump.line_numbers import lines_of_rows
from training.dump.list_values import ListBlock
from training.dump.rejects import RejectedRows
from training.lists.interactions import Interactions

UNKNOWN_ANIME: Final = "anime_id is not in the catalogue"
DUPLICATE: Final = "same user and anime again in a later row (the last row counts)"

# A table from id to row takes 4 bytes per id: 64 MB at most. MyAnimeList's ids stay below 100,000, those of titles
# that demo data makes up below 10,000,000.
_MAX_TABLE_SIZE: Final = 1 << 24


@dataclass(frozen=True)
class ListRows:
    """Usable rows of a part of a source, in their order and in few bytes: users once per run of rows."""

    user_ids: NDArray[Any]  # texts, ascending; none where users are numbers
    run_users: NDArray[np.signedinteger]  # numbers, or which of the texts
    run_lengths: NDArray[np.int32]
    anime_rows: NDArray[np.integer]  # of the catalogue
    ratings: NDArray[np.uint8]
    statuses: NDArray[np.uint8]
    skipped: NDArray[np.int64]  # lines of the part that begin none of these rows


class ListBuilder:
    """Collects blocks of rows of a part; `anime_ids` are those of the catalogue, ascending."""

    def __init__(self, anime_ids: NDArray[np.int64], rejects: RejectedRows) -> None:
        self._anime_ids = anime_ids
        self._row_table = _row_table(anime_ids)
        self._row_dtype = np.min_scalar_type(len(anime_ids))
        self._rejects = rejects
        self._n_rows = 0
        self._unused = [np.array([], dtype=np.int64)]
        # Users of runs, lengths of runs, anime rows, ratings and statuses of each block.
        self._blocks: list[list[NDArray[Any]]] = []
        self._numbers: dict[str, int] = {}  # of users whose ids are texts, in the order they came

    def add(self, block: ListBlock) -> None:
        """Add a block; rows of anime that are not in the catalogue are rejected."""
        anime_rows, known = self._find_rows(block.anime_ids)
        if not known.all():
            unknown = block.take(~known)
            self._rejects.hold(unknown.part, unknown.rows, UNKNOWN_ANIME, unknown.as_text())
            block, anime_rows = block.take(known), anime_rows[known]
        if not len(block):
            return
        first, self._n_rows = self._n_rows, int(block.rows[-1]) + 1
        if self._n_rows - first != len(block):
            self._unused.append(np.setdiff1d(np.arange(first, self._n_rows), block.rows, assume_unique=True))
        starts = _starts_of_runs(block.user_ids)
        lengths = np.diff(starts, append=len(block)).astype(np.int32)
        rows = anime_rows.astype(self._row_dtype)
        self._blocks.append(
            [self._number_texts(block.user_ids[starts]), lengths, rows, block.ratings, block.statuses]
        )

    def rows(self, skipped: NDArray[np.int64]) -> ListRows:
        """Join all rows, of a part of which the `skipped` lines begin no row. The blocks are forgotten on the way."""
        # By code point, as whoever looks a text up compares.
        texts = np.array(sorted(self._numbers), dtype=np.str_)
        columns = []
        for dtype in (np.uint8, np.uint8, self._row_dtype, np.int32, np.int64):
            taken = [block.pop() for block in self._blocks]
            columns.append(np.concatenate(taken) if taken else np.empty(0, dtype))
        statuses, ratings, anime_rows, run_lengths, run_users = columns
        if len(texts):
            run_users = np.argsort([self._numbers[text] for text in texts.tolist()])[run_users]
        unused = lines_of_rows(np.concatenate(self._unused), skipped)
        return ListRows(texts, run_users, run_lengths, anime_rows, ratings, statuses, np.union1d(skipped, unused))

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


def build_lists(
    parts: Sequence[ListRows], anime_ids: NDArray[np.int64], first: int, last: int
) -> tuple[Interactions, NDArray[np.int64]]:
    """Sort the rows of users [first, last] into lists by user and anime; of duplicate rows the last one stays.

    ``parts`` are those of a whole source, in its order; users are ids or, of texts, their places among all. Gives the
    lists, and of the rows that do not count an array of shape (n, 6), dtype=int64: part, line, user row, anime row,
    rating and status.
    """
    texts, users = number_users(parts)
    picked = [(first <= run_users) & (run_users <= last) for run_users in users]
    entries = [_entries_of(kept, rows.run_lengths) for kept, rows in zip(picked, parts, strict=True)]
    run_users = np.concatenate([runs[kept] for runs, kept in zip(users, picked, strict=True)])
    run_lengths = np.concatenate([rows.run_lengths[kept] for rows, kept in zip(parts, picked, strict=True)])
    order = None
    if not (run_users[1:] >= run_users[:-1]).all():
        order = _stable_order(np.repeat(run_users, run_lengths))
        by_user = _stable_order(run_users)
        run_users, run_lengths = run_users[by_user], run_lengths[by_user]
    columns: list[NDArray[Any]] = [
        np.concatenate([getattr(rows, name)[each] for rows, each in zip(parts, entries, strict=True)], dtype=dtype)
        for name, dtype in (("anime_rows", np.int32), ("ratings", np.uint8), ("statuses", np.uint8))
    ]
    if order is not None:
        columns = [column[order] for column in columns]
    starts = _starts_of_runs(run_users)
    offsets = np.concatenate([[0], np.cumsum(np.add.reduceat(run_lengths, starts, dtype=np.int64))])
    user_ids = texts[run_users[starts]] if len(texts) else run_users[starts].astype(np.int64)
    lists = Interactions(user_ids, anime_ids, offsets, *columns)
    again, came_from = _sort_each_list(lists)
    cells = np.searchsorted(offsets, again, side="right") - 1, *(column[again] for column in columns)
    places = _places_of(parts, entries, came_from if order is None else order[came_from])
    if len(again):
        kept = np.ones(len(lists.anime_rows), dtype=bool)
        kept[again] = False
        lists = lists.keep_entries(kept)
    return lists, np.column_stack([*places, *cells]).astype(np.int64)


def number_users(parts: Sequence[ListRows]) -> tuple[NDArray[Any], list[NDArray[np.signedinteger]]]:
    """Return the ids of all users that are texts, ascending, and the users of each part's runs as numbers."""
    texts = np.unique(np.concatenate([rows.user_ids for rows in parts]))
    if not len(texts):
        return texts, [rows.run_users for rows in parts]
    return texts, [np.searchsorted(texts, rows.user_ids)[rows.run_users] for rows in parts]


def _entries_of(kept: NDArray[np.bool_], run_lengths: NDArray[np.int32]) -> slice | NDArray[np.int64]:
    """Return the entries of the marked runs: without their numbers where these follow each other."""
    if kept.all():
        return slice(0, int(run_lengths.sum(dtype=np.int64)))
    runs = np.flatnonzero(kept)
    if not len(runs) or runs[-1] - runs[0] + 1 > len(runs):
        return np.flatnonzero(np.repeat(kept, run_lengths))
    start = int(run_lengths[: runs[0]].sum(dtype=np.int64))
    return slice(start, start + int(run_lengths[runs[0] : runs[-1] + 1].sum(dtype=np.int64)))


def _places_of(
    parts: Sequence[ListRows], entries: Sequence[slice | NDArray[np.int64]], picked: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return from which part, and which line, came what was picked of the parts' entries."""
    ends = np.cumsum([each.stop - each.start if isinstance(each, slice) else len(each) for each in entries])
    numbers, lines = np.searchsorted(ends, picked, side="right"), np.empty_like(picked)
    for number in np.unique(numbers).tolist():
        each, own = entries[number], picked[numbers == number] - (ends[number - 1] if number else 0)
        rows = own + each.start if isinstance(each, slice) else each[own]
        lines[numbers == number] = lines_of_rows(rows, parts[number].skipped)
    return numbers, lines


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
