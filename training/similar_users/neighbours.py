"""The nearest users of every user, group by group in matrix products."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from models.cores import usable_cores
from training.similar_users.groups import GroupedUsers, Matrix
from training.support.compiled import compiled

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
# Cosines that are compared with the least of the best at once.
_STRETCH: Final = 32
# A reach that no two cosines are apart.
EVERYWHERE: Final = 4.0
# Below every cosine.
_NOBODY: Final = np.float32(-2.0)


def neighbours_of_all(users: GroupedUsers, k: int, reach: float) -> NDArray[np.int32]:
    """Find the k nearest of every user: as nearest_of, in the order of the rows."""
    nearest = np.empty((len(users.rows), k), dtype=np.int32)
    nearest[users.rows] = nearest_of(users, np.arange(len(users.rows)), k, reach)
    return nearest


def nearest_of(users: GroupedUsers, places: Rows, k: int, reach: float) -> NDArray[np.int32]:
    """Find the nearest users of some, given as places in the order of the groups; no user is their own neighbour.

    A user looks into the groups whose cosine to them is at most ``reach`` lower than that of the nearest group, and
    into all groups where these hold fewer than k others. Where all are in reach, the answer is exact. Gives rows of
    shape (n, k), best first; ties go to the lower row.
    """
    length = int(min(_BLOCK, max(1, _MAX_COSINES // np.diff(users.offsets).max())))
    blocks = [places[start : start + length] for start in range(0, len(places), length)]
    # Much of the work is not matrix products: a thread per core with products of one thread each keeps both busy.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(min(_MAX_THREADS, usable_cores())) as pool:
        found = list(pool.map(lambda block: _nearest_of_block(users, block, k, reach), blocks))
    return np.concatenate(found)


def _nearest_of_block(users: GroupedUsers, places: Rows, k: int, reach: float) -> NDArray[np.int32]:
    queries, n_groups = users.embeddings[places], len(users.centroids)
    askers, starts = _visits(_look_around(queries, users.centroids, reach))
    cosines = np.full((len(places), k), _NOBODY)
    rows = np.full((len(places), k), np.iinfo(np.int32).max, dtype=np.int32)
    for visit in np.flatnonzero(np.diff(starts)).tolist():
        who, members = askers[starts[visit] : starts[visit + 1]], users.members(visit % n_groups)
        found = queries[who] @ users.embeddings[members].T  # (n_who, n_members)
        _keep_best(found, who, places[who] - members.start, users.rows[members], cosines, rows)
    best: NDArray[np.int32] = np.take_along_axis(rows, np.lexsort((rows, -cosines)), axis=1)
    short = np.flatnonzero((cosines == _NOBODY).any(axis=1))
    if len(short):
        best[short] = _nearest_of_block(users, places[short], k, EVERYWHERE)
    return best


def _look_around(queries: Matrix, centroids: Matrix, reach: float) -> NDArray[np.uint8]:
    """Mark what is in reach of each query, shape (n_queries, n_groups): 2 for the nearest groups, 1 for others."""
    marks = np.empty((len(queries), len(centroids)), dtype=np.uint8)
    cosines = np.empty((min(_SLICE, len(queries)), len(centroids)), dtype=np.float32)
    for start in range(0, len(queries), _SLICE):
        some = queries[start : start + _SLICE]
        np.matmul(some, centroids.T, out=cosines[: len(some)])
        _mark(cosines[: len(some)], reach, marks[start : start + _SLICE])
    return marks


@compiled
def _mark(cosines: Any, reach: float, marks: Any) -> None:  # pragma: no cover - compiled
    for query in range(len(cosines)):
        line = cosines[query]
        nearest = line.max()
        for group in range(len(line)):
            away = nearest - line[group]
            marks[query, group] = np.uint8(away <= reach) + np.uint8(away <= reach * _FIRST)


@compiled
def _visits(marks: Any) -> Any:  # pragma: no cover - compiled
    """List who looks into which group: the nearest groups of everybody first, then the others.

    Gives queries, and where those of each visit start: visit v is to group v, or v - n_groups for the others.
    """
    n_queries, n_groups = marks.shape
    starts = np.zeros(2 * n_groups + 1, np.int64)
    for query in range(n_queries):
        for group in range(n_groups):
            starts[1 + group] += marks[query, group] == 2
            starts[1 + group + n_groups] += marks[query, group] == 1
    starts = np.cumsum(starts)
    free = starts[:-1].copy()
    askers = np.empty(starts[-1], np.int64)
    for query in range(n_queries):
        for group in range(n_groups):
            if marks[query, group]:
                visit = group + n_groups * (2 - marks[query, group])
                askers[free[visit]] = query
                free[visit] += 1
    return askers, starts


@compiled
def _keep_best(
    found: Any, askers: Any, themselves: Any, found_rows: Any, cosines: Any, rows: Any
) -> None:  # pragma: no cover - compiled
    """Put what is better than the worst of an asker's best in its place.

    The best of each lie in a heap: the worst of them first, both below it in places 2 i + 1 and 2 i + 2.
    """
    n_found = found.shape[1]
    for number in range(len(askers)):
        line = found[number]
        heap, heap_rows = cosines[askers[number]], rows[askers[number]]
        for start in range(0, n_found, _STRETCH):
            stop = min(start + _STRETCH, n_found)
            # Nearly always none: adding up marks is what a vector unit does at once.
            n_good = 0
            for place in range(start, stop):
                n_good += line[place] >= heap[0]
            if n_good == 0:
                continue
            for place in range(start, stop):
                cosine, row = line[place], found_rows[place]
                if place == themselves[number] or cosine < heap[0] or (cosine == heap[0] and row > heap_rows[0]):
                    continue
                _replace_worst(heap, heap_rows, cosine, row)


@compiled
def _replace_worst(heap: Any, heap_rows: Any, cosine: Any, row: Any) -> None:  # pragma: no cover - compiled
    parent = 0
    while True:
        worse = 2 * parent + 1
        if worse >= len(heap):
            break
        if worse + 1 < len(heap) and (
            heap[worse + 1] < heap[worse]
            or (heap[worse + 1] == heap[worse] and heap_rows[worse + 1] > heap_rows[worse])
        ):
            worse += 1
        if cosine < heap[worse] or (cosine == heap[worse] and row > heap_rows[worse]):
            break
        heap[parent], heap_rows[parent] = heap[worse], heap_rows[worse]
        parent = worse
    heap[parent], heap_rows[parent] = cosine, row
