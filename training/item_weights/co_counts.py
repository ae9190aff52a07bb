"""How many lists hold both anime of every pair: the one pass over all rows that learning in closed form needs.

Anime are numbered by popularity, and users taken in blocks that fit the processor's cache. Of the most popular anime
each user has a row of bytes, which are added up; the others are counted along the lists (docs/performance.md).
"""

from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.user_list import Status
from training.lists.interactions import Interactions
from training.support.compiled import compiled, on_all_threads
from training.support.engine import LOCAL, Engine

Square = NDArray[np.float32]

_USERS_PER_BLOCK: Final = 4096
# How many of the most popular anime stand in bytes. With the users of a block they are 8 MB.
_N_DENSE: Final = 2048
# So many ones fit into a byte.
_MOST_PER_BYTE: Final = 255
# float32 counts so many lists one by one.
_MOST_PER_FLOAT: Final = 1 << 24


def co_counts(train: Interactions, engine: Engine = LOCAL) -> Square:
    """Count how many lists hold both anime of every pair, plan-to-watch left out, shape (n_anime, n_anime), float32.

    Symmetric; the diagonal counts the lists that hold an anime. Counts above 2**24 are rounded. Each of an engine's
    tasks reads all lists, and counts every n-th anime's row.
    """
    n_tasks = max(1, engine.n_machines)
    parts = list(engine.map(_count_rows, [train], [(number, n_tasks) for number in range(n_tasks)]))
    counts: Square = parts[0]
    if n_tasks > 1 or counts.dtype != np.float32 or not counts.flags.writeable:
        counts = engine.empty((train.n_anime, train.n_anime), np.float32)
        for number, part in enumerate(parts):
            counts[number::n_tasks] = part
    ranks = _by_popularity(train)
    mirror(counts)
    on_all_threads(partial(_reorder_columns, counts, ranks))
    on_all_threads(partial(_reorder_rows, counts, ranks))
    return counts


def _by_popularity(train: Interactions) -> NDArray[np.int32]:
    ranks = np.empty(train.n_anime, dtype=np.int32)
    ranks[np.argsort(-train.popularity(), kind="stable")] = np.arange(train.n_anime)
    return ranks


def _count_rows(train: Interactions, number: int, n_tasks: int) -> NDArray[Any]:
    """Count the pairs of the anime of ranks number, number + n_tasks, ... with those more popular; a row for each."""
    n_anime, ranks = train.n_anime, _by_popularity(train)
    dtype = np.uint32 if train.n_users > _MOST_PER_FLOAT else np.float32
    counts = np.zeros((len(range(number, n_anime, n_tasks)), n_anime), dtype=dtype)
    for start in range(0, train.n_users, _USERS_PER_BLOCK):
        offsets, seen = _lists_by_rank(train, start, min(start + _USERS_PER_BLOCK, train.n_users), ranks)
        block = _invert(offsets, seen, n_anime, min(_N_DENSE, n_anime))
        on_all_threads(partial(_count_anime, *block, counts, (number, n_tasks)))
    return counts


def mirror(matrix: Square) -> None:
    """Copy the lower triangle of a C-contiguous matrix to the upper one, in place."""
    on_all_threads(partial(_mirror, matrix))


@compiled
def _mirror(matrix: Any, first: int, step: int) -> None:  # pragma: no cover - compiled
    # Tile by tile, since a line of the cache that is fetched for a column holds sixteen numbers of it.
    size, tile = len(matrix), 64
    for top in range(first * tile, size, step * tile):
        for left in range(0, top + 1, tile):
            for row in range(top, min(top + tile, size)):
                for column in range(left, min(left + tile, row)):
                    matrix[column, row] = matrix[row, column]


@compiled
def _reorder_columns(matrix: Any, ranks: Any, first: int, step: int) -> None:  # pragma: no cover - compiled
    """Move each anime's column from its rank's place, in every step-th row."""
    by_rank = np.empty(len(matrix), np.float32)
    for row in range(first, len(matrix), step):
        by_rank[:] = matrix[row]
        for anime_row in range(len(ranks)):
            matrix[row, anime_row] = by_rank[ranks[anime_row]]


@compiled
def _reorder_rows(matrix: Any, ranks: Any, first: int, step: int) -> None:  # pragma: no cover - compiled
    """Move each anime's row from its rank's place, in one of `step` runs of columns, without a second matrix."""
    size = len(matrix)
    start, end = size * first // step, size * (first + 1) // step
    moved = np.zeros(size, np.bool_)
    kept = np.empty(end - start, np.float32)
    for beginning in range(size):
        if moved[beginning]:
            continue
        # Along the ring of rows that take each other's places.
        kept[:] = matrix[beginning, start:end]
        row = beginning
        while ranks[row] != beginning:
            matrix[row, start:end] = matrix[ranks[row], start:end]
            moved[row] = True
            row = ranks[row]
        matrix[row, start:end] = kept
        moved[row] = True


def _lists_by_rank(
    train: Interactions, start: int, end: int, ranks: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return offsets and the ranks of the anime that users [start, end) have seen."""
    first, last = train.offsets[start], train.offsets[end]
    seen = train.statuses[first:last] != int(Status.PLAN_TO_WATCH)
    ends = np.concatenate([[0], np.cumsum(seen, dtype=np.int64)])
    return ends[train.offsets[start : end + 1] - first], ranks[train.anime_rows[first:last][seen]]


@compiled
def _invert(offsets: Any, ranks: Any, n_anime: int, n_dense: int) -> Any:  # pragma: no cover - compiled
    """Turn lists into who has seen each anime, the dense part of every list, and the rest of it by rank."""
    n_users = len(offsets) - 1
    starts = np.zeros(n_anime + 1, np.int64)
    for rank in ranks:
        starts[rank + 1] += 1
    for rank in range(n_anime):
        starts[rank + 1] += starts[rank]
    free = starts[:-1].copy()
    holders = np.empty(len(ranks), np.int32)
    dense = np.zeros((n_users, n_dense), np.uint8)
    rest_offsets = np.zeros(n_users + 1, np.int64)
    for user in range(n_users):
        rest_offsets[user + 1] = rest_offsets[user]
        for entry in range(offsets[user], offsets[user + 1]):
            rank = ranks[entry]
            holders[free[rank]] = user
            free[rank] += 1
            if rank < n_dense:
                dense[user, rank] = 1
            else:
                rest_offsets[user + 1] += 1
    # Going through the anime in order puts every list in order.
    rest = np.empty(rest_offsets[n_users], np.int32)
    free = rest_offsets[:-1].copy()
    for rank in range(n_dense, n_anime):
        for user in holders[starts[rank] : starts[rank + 1]]:
            rest[free[user]] = rank
            free[user] += 1
    return starts, holders, dense, rest_offsets, rest


@compiled
def _count_anime(  # noqa: PLR0913, PLR0917 - compiled code takes arrays, not objects
    starts: Any, holders: Any, dense: Any, rest_offsets: Any, rest: Any, lower: Any, task: Any, first: int, step: int
) -> None:  # pragma: no cover - compiled
    """Count the pairs of every step-th of a task's anime, each with those more popular than itself."""
    n_dense = dense.shape[1]
    sums = np.zeros(n_dense, np.uint8)
    for place_in_task in range(first, len(lower), step):
        rank, row = task[0] + place_in_task * task[1], lower[place_in_task]
        width = min(rank + 1, n_dense)
        for start in range(starts[rank], starts[rank + 1], _MOST_PER_BYTE):
            sums[:width] = 0
            for place in range(start, min(start + _MOST_PER_BYTE, starts[rank + 1])):
                ones = dense[holders[place]]
                for other in range(width):
                    sums[other] += ones[other]
            for other in range(width):
                row[other] += sums[other]
        if rank >= n_dense:
            for place in range(starts[rank], starts[rank + 1]):
                holder = holders[place]
                for entry in range(rest_offsets[holder], rest_offsets[holder + 1]):
                    other = rest[entry]
                    if other > rank:
                        break
                    row[other] += 1
