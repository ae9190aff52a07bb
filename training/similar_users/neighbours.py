"""The nearest users of every user, group by group in matrix products."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from models.cores import usable_cores
from training.similar_users.groups import GroupedUsers, Matrix
from training.support.compiled import compiled
from training.support.engine import LOCAL, Engine, over_ranges

Rows = NDArray[np.int64]

# Users at a time: the more, the larger the matrix products.
_BLOCK: Final = 16_384
# A product of a block and a group: 64 MB at most, which only a single group of many comes near.
_MAX_COSINES: Final = 1 << 24
# Users whose cosines to all groups stay in the cache.
_SLICE: Final = 1024
# Each holds a product, and what its block's users found: 100 to 150 MB.
_MAX_THREADS: Final = 4
# Groups so much nearer come first: the sooner the best are found, the less has to be looked at twice.
_FIRST: Final = 0.25
_NEAR, _IN_REACH = 2, 1
# A reach that no two cosines are apart.
EVERYWHERE: Final = 4.0
# Below every cosine.
_NOBODY: Final = np.float32(-2.0)
# Another product may round the last bits another way.
_ROUNDING: Final = np.float32(1e-6)


@dataclass(frozen=True)
class EarlierNeighbours:
    """The nearest users of those who are as they were, found before others came, changed or went."""

    # Shape: (n_same,). Who they are, in rows as of then and as of now.
    rows_before: Rows
    rows: Rows
    # Shape: (n_same, k). In rows as of now, best first; -1 for who changed or went.
    nearest: NDArray[np.int32]
    # Shape: (n_same,). The cosine to the last of them, as it was.
    least: NDArray[np.float32]


def neighbours_of_all(users: GroupedUsers, k: int, reach: float, engine: Engine = LOCAL) -> NDArray[np.int32]:
    """Find the k nearest of every user: as nearest_of, in the order of the rows."""
    nearest = np.empty((len(users.rows), k), dtype=np.int32)
    nearest[users.rows] = over_ranges(engine, _nearest_between, (users,), len(users.rows), _length(users), k, reach)
    return nearest


def _nearest_between(users: GroupedUsers, first: int, last: int, k: int, reach: float) -> NDArray[np.int32]:
    return nearest_of(users, np.arange(first, last), k, reach)


def update_neighbours(
    users: GroupedUsers, embeddings: Matrix, earlier: EarlierNeighbours, reach: float
) -> NDArray[np.int32]:
    """Find the nearest of every user as `neighbours_of_all` does, where most users are as they were.

    Who came or changed is looked for anew, and compared with all others. Of these only those are looked for anew who
    lost a neighbour whose place nobody as near takes.
    """
    nearest = np.empty((len(embeddings), earlier.nearest.shape[1]), dtype=np.int32)
    others = np.delete(np.arange(len(embeddings)), earlier.rows)

    def merge(start: int) -> Rows:
        block = slice(start, start + _SLICE)
        rows, kept, least = earlier.rows[block], earlier.nearest[block], earlier.least[block]
        nearest[rows] = kept
        cosines = embeddings[rows] @ embeddings[others].T  # (n_rows, n_others)
        touched = (kept < 0).any(axis=1) | (cosines.max(axis=1, initial=_NOBODY) >= least)
        rows, kept, least = rows[touched], kept[touched], least[touched]
        best = np.einsum("ukj,uj->uk", embeddings[kept], embeddings[rows])
        best[kept < 0] = _NOBODY
        order = np.argsort(-best, axis=1, kind="stable")
        best, kept = (np.take_along_axis(array, order, axis=1) for array in (best, kept))
        nobody = np.full(len(rows), -1)
        _keep_best(cosines[touched], np.arange(len(rows)), nobody, others.astype(np.int32), best, kept)
        nearest[rows] = kept
        lost: Rows = rows[best[:, -1] < least - _ROUNDING]
        return lost

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(min(_MAX_THREADS, usable_cores())) as pool:
        short = list(pool.map(merge, range(0, len(earlier.rows), _SLICE)))
    again = np.concatenate([others, *short])
    if len(again):
        nearest[again] = nearest_of(users, np.argsort(users.rows)[again], nearest.shape[1], reach)
    return nearest


def _length(users: GroupedUsers) -> int:
    """Choose how many users to look at in one product: the bits of a cosine depend on who is in it."""
    return int(min(_BLOCK, max(1, _MAX_COSINES // np.diff(users.offsets).max())))


def nearest_of(users: GroupedUsers, places: Rows, k: int, reach: float) -> NDArray[np.int32]:
    """Find the nearest users of some, given as places in the order of the groups; no user is their own neighbour.

    A user looks into the groups whose cosine to them is at most ``reach`` lower than that of the nearest group, and
    into all groups where these hold fewer than k others. Where all are in reach, the answer is exact. Gives rows of
    shape (n, k), best first; ties go to the lower row.
    """
    length = _length(users)
    blocks = [places[start : start + length] for start in range(0, len(places), length)]
    # Much of the work is not matrix products: a thread per core with products of one thread each keeps both busy.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(min(_MAX_THREADS, usable_cores())) as pool:
        found = list(pool.map(lambda block: _nearest_of_block(users, block, k, reach), blocks))
    return np.concatenate(found)


def _nearest_of_block(users: GroupedUsers, places: Rows, k: int, reach: float) -> NDArray[np.int32]:
    queries, n_groups = users.embeddings[places], len(users.centroids)
    marks = _mark_groups(queries, users.centroids, reach)
    cosines = np.full((len(places), k), _NOBODY)
    rows = np.full((len(places), k), np.iinfo(np.int32).max, dtype=np.int32)
    for mark, group in itertools.product((_NEAR, _IN_REACH), range(n_groups)):
        who, members = np.flatnonzero(marks[group] == mark), users.members(group)
        if len(who):
            found = queries[who] @ users.embeddings[members].T  # (n_who, n_members)
            _keep_best(found, who, places[who] - members.start, users.rows[members], cosines, rows)
    short = np.flatnonzero(cosines[:, -1] == _NOBODY)
    if len(short):
        rows[short] = _nearest_of_block(users, places[short], k, EVERYWHERE)
    return rows


def _mark_groups(queries: Matrix, centroids: Matrix, reach: float) -> NDArray[np.uint8]:
    """Mark which groups are near each query or in its reach, shape (n_groups, n_queries)."""
    marks = np.empty((len(centroids), len(queries)), dtype=np.uint8)
    for start in range(0, len(queries), _SLICE):
        cosines = queries[start : start + _SLICE] @ centroids.T
        away = cosines.max(axis=1, keepdims=True) - cosines
        marks[:, start : start + _SLICE] = np.where(away <= reach * _FIRST, _NEAR, away <= reach).T
    return marks


@compiled
def _keep_best(
    found: Any, askers: Any, themselves: Any, found_rows: Any, cosines: Any, rows: Any
) -> None:  # pragma: no cover - compiled
    """Put what is better than the worst of an asker's best in its place; the best of each lie in order."""
    last = cosines.shape[1] - 1
    for number in range(len(askers)):
        best, best_rows = cosines[askers[number]], rows[askers[number]]
        for at in range(found.shape[1]):
            cosine, row = found[number, at], found_rows[at]
            if cosine < best[last] or (cosine == best[last] and row > best_rows[last]) or at == themselves[number]:
                continue
            place = last
            while place > 0 and (
                best[place - 1] < cosine or (best[place - 1] == cosine and best_rows[place - 1] > row)
            ):
                best[place], best_rows[place] = best[place - 1], best_rows[place - 1]
                place -= 1
            best[place], best_rows[place] = cosine, row
