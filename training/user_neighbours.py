"""The nearest users of every user, group by group in matrix products."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

Matrix = NDArray[np.float32]
Rows = NDArray[np.int64]

_BLOCK: Final = 8192
# A product of a block and a group: 64 MB at most, which only a single group of many comes near.
_MAX_COSINES: Final = 1 << 24
_N_THREADS: Final = 2
# The groups nearest to a user say how near the k-th neighbour is at least.
_N_FIRST: Final = 16
# As many best values per neighbour that is wanted: the more, the nearer the bound is to the truth.
_N_BESTS: Final = 5
# Below every cosine.
_NOBODY: Final = np.float32(-2.0)
# Cosines become whole numbers in steps far below what float32 tells apart.
_STEPS: Final = 2.0**30
_LARGEST_KEY: Final = np.iinfo(np.int64).max


@dataclass(frozen=True)
class GroupedUsers:
    """Users in the order of their groups.

    Attributes
    ----------
    embeddings : ndarray of shape (n_users, embedding_size), dtype=float32
        Unit rows, group by group.
    rows : ndarray of shape (n_users,), dtype=int32
        Which user each is.
    offsets : ndarray of shape (n_groups + 1,), dtype=int64
        Group g lies at [offsets[g], offsets[g + 1]).
    centroids : ndarray of shape (n_groups, embedding_size), dtype=float32
        Unit rows.
    """

    embeddings: Matrix
    rows: NDArray[np.int32]
    offsets: NDArray[np.int64]
    centroids: Matrix

    def members(self, group: int) -> Matrix:
        """Give the embeddings of a group."""
        return self.embeddings[self.offsets[group] : self.offsets[group + 1]]


def neighbours_of_all(users: GroupedUsers, k: int, n_probed: int) -> NDArray[np.int32]:
    """Find the nearest users of every user, among those of the groups nearest to them.

    Where all groups are looked into, the answer is exact.

    Parameters
    ----------
    users : GroupedUsers
    k : int
        Below the number of users.
    n_probed : int
        Into how many groups to look for each user.

    Returns
    -------
    ndarray of shape (n_users, k), dtype=int32
        Best first; ties go to the lower row. No user is their own neighbour.
    """
    nearest = np.empty((len(users.rows), k), dtype=np.int32)
    block_length = int(min(_BLOCK, max(1, _MAX_COSINES // np.diff(users.offsets).max())))

    def fill(start: int) -> None:
        places = np.arange(start, min(start + block_length, len(nearest)))
        nearest[users.rows[places]] = nearest_of(users, places, k, n_probed)

    # Much of the work is not matrix products: a thread per core with products of one thread each keeps both busy.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(_N_THREADS) as pool:
        list(pool.map(fill, range(0, len(nearest), block_length)))
    return nearest


def nearest_of(users: GroupedUsers, places: Rows, k: int, n_probed: int) -> NDArray[np.int32]:
    """Find the nearest users of some, as :func:`neighbours_of_all` does of all.

    Parameters
    ----------
    users : GroupedUsers
    places : ndarray of shape (n,), dtype=int64
        Whose, as places in the order of the groups; at most 65,536.
    k : int
        Below the number of users.
    n_probed : int
        Into how many groups to look for each user.

    Returns
    -------
    ndarray of shape (n, k), dtype=int32
        Rows, best first; ties go to the lower row.
    """
    queries = users.embeddings[places]
    n_groups = len(users.centroids)
    n_probed = min(n_probed, n_groups)
    to_groups = queries @ users.centroids.T  # (B, G)
    n_first = min(_N_FIRST, n_probed)
    limits = np.partition(to_groups, (n_groups - n_probed, n_groups - n_first), axis=1)
    bounds = _lower_bounds(users, queries, to_groups >= limits[:, n_groups - n_first, None], k)
    probed = to_groups >= limits[:, n_groups - n_probed, None]
    del to_groups, limits
    askers, found, cosines = _hits(users, queries, probed, bounds)
    keys = ((1.0 - cosines.astype(np.float64)) * _STEPS).astype(np.int64) << 32
    keys |= users.rows[found]
    keys[found == places[askers]] = _LARGEST_KEY
    return _smallest_keys(askers, keys, len(queries), k)


def _visits(probed: NDArray[np.bool_]) -> Iterator[tuple[int, Rows]]:
    """Go through the groups that somebody looks into, with who does."""
    groups, askers = np.nonzero(probed.T)
    visited, starts = np.unique(groups, return_index=True)
    for group, start, stop in zip(visited.tolist(), starts, [*starts[1:], len(askers)], strict=True):
        yield group, askers[start:stop]


def _lower_bounds(users: GroupedUsers, queries: Matrix, first: NDArray[np.bool_], k: int) -> Matrix:
    """Find a cosine that the k nearest users of each query reach, the query itself among them not counted.

    Each group is dealt into as many heaps as there are places for it, and the best of each heap counts: k + 1 heaps
    whose best reach a cosine hold as many users who do. Sorting heaps' bests is far cheaper than sorting users.
    """
    n_first = int(first.sum(axis=1).max())
    n_heaps = -(-_N_BESTS * (k + 1) // n_first)
    bests = np.full((len(queries), n_first, n_heaps), _NOBODY)  # (B, F, H)
    turns = np.cumsum(first, axis=1, dtype=np.int32) - 1
    for group, askers in _visits(first):
        cosines = queries[askers] @ users.members(group).T  # (b, m)
        heaps = np.full((len(askers), n_heaps), _NOBODY)
        for start in range(0, cosines.shape[1], n_heaps):
            dealt = cosines[:, start : start + n_heaps]
            np.maximum(heaps[:, : dealt.shape[1]], dealt, out=heaps[:, : dealt.shape[1]])
        bests[askers, turns[askers, group]] = heaps
    flat = bests.reshape(len(queries), -1)
    place = flat.shape[1] - (k + 1)
    flat.partition(place, axis=1)
    return flat[:, place, None].copy()


def _hits(
    users: GroupedUsers, queries: Matrix, probed: NDArray[np.bool_], bounds: Matrix
) -> tuple[NDArray[np.uint16], Rows, NDArray[np.float32]]:
    """Find everybody in the probed groups who reaches the bound: who asks, place of the hit, its cosine."""
    found: list[tuple[NDArray[np.uint16], Rows, NDArray[np.float32]]] = []
    for group, askers in _visits(probed):
        cosines = queries[askers] @ users.members(group).T  # (b, m)
        flat = np.flatnonzero(cosines >= bounds[askers])
        who, places = np.divmod(flat, cosines.shape[1])
        found.append((askers[who].astype(np.uint16), places + users.offsets[group], cosines.ravel()[flat]))
    whose, where, how_near = zip(*found, strict=True)
    return np.concatenate(whose), np.concatenate(where), np.concatenate(how_near)


def _smallest_keys(askers: NDArray[np.uint16], keys: Rows, n_askers: int, k: int) -> NDArray[np.int32]:
    """Take the rows of everybody's k smallest keys, smallest first."""
    # 16 bits, so that numpy sorts by radix.
    order = np.argsort(askers, kind="stable")
    counts = np.bincount(askers, minlength=n_askers)
    places = np.arange(len(keys)) - np.repeat(np.cumsum(counts) - counts, counts)
    table = np.full((n_askers, int(counts.max())), _LARGEST_KEY)
    table[askers[order], places] = keys[order]
    table.partition(k - 1, axis=1)
    best = np.sort(table[:, :k], axis=1)
    rows: NDArray[np.int32] = (best & 0xFFFFFFFF).astype(np.int32)
    return rows
