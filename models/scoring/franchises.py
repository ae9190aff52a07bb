"""One entry per franchise: the next one to watch, where the best-ranked of its members stood.

The rule. Within a franchise, entries have a place in the order in which to watch it, and a role. Only the main line
has to be watched in order: an entry is *ready* when every main-line entry before it is seen. A franchise is shown as

1. its first unseen main-line entry, if the filters allow it;
2. otherwise as a side story that is ready, unseen and allowed, otherwise as such an extra: the first in order;
3. otherwise not at all. If filters hide the season that comes next, no later season takes its place.

So nobody is offered season 3 before seasons 1 and 2, and an OVA of season 1 only to those who have seen season 1. To
somebody who has seen nothing of a franchise, only its first entry can be shown.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
Scores = NDArray[np.float32]


class Role(IntEnum):
    """What an entry is to its franchise. Lower is shown first."""

    MAIN = 0  # what has to be watched in order: seasons, and films that continue them
    SIDE = 1  # stands beside the main line and nothing builds on it: films, OVAs, spin-offs
    EXTRA = 2  # recaps, specials, music videos, shorts


@dataclass(frozen=True)
class FranchiseOrder:
    """Which anime belong together, and in what order to watch them. Make it once per model.

    Attributes
    ----------
    codes : ndarray of shape (n_anime,), dtype=int32
        Franchise of each anime, from 0 without gaps.
    positions : ndarray of shape (n_anime,), dtype=int16
        Place in the order in which to watch the franchise, from 0 without gaps.
    roles : ndarray of shape (n_anime,), dtype=uint8
        See :class:`Role`. At position 0 stands a main-line entry.
    """

    codes: NDArray[np.int32]
    positions: NDArray[np.int16]
    roles: NDArray[np.uint8]

    @cached_property
    def n_franchises(self) -> int:
        """Number of franchises; an anime that belongs to nothing else is one."""
        return int(self.codes.max()) + 1 if len(self.codes) else 0

    @cached_property
    def _order(self) -> Rows:
        """All rows, franchise by franchise, each in the order to watch it."""
        return np.lexsort((self.positions, self.codes)).astype(np.int64)

    @cached_property
    def _starts(self) -> Rows:
        """Where each franchise begins in ``_order``."""
        return np.searchsorted(self.codes[self._order], np.arange(self.n_franchises)).astype(np.int64)

    @cached_property
    def _places(self) -> tuple[Mask, NDArray[np.int32], NDArray[np.int32]]:
        """Give, by place in ``_order``: whether it is of the main line, its franchise, and its key."""
        roles = self.roles[self._order].astype(np.int32)
        keys = roles * len(roles) + self._ascending
        return roles == int(Role.MAIN), self.codes[self._order], keys.astype(np.int32)

    @cached_property
    def _ascending(self) -> NDArray[np.int32]:
        return np.arange(len(self.codes), dtype=np.int32)

    def next_rows(self, seen: Mask, allowed: Mask) -> Rows:
        """Find what to show of every franchise.

        Parameters
        ----------
        seen : ndarray of shape (n_anime,), dtype=bool
            What the user has seen.
        allowed : ndarray of shape (n_anime,), dtype=bool
            What the filters let through.

        Returns
        -------
        ndarray of shape (n_franchises,), dtype=int64
            Anime rows; -1 where nothing of the franchise may be shown.
        """
        if not len(self.codes):
            return np.empty(0, dtype=np.int64)
        main, owners, keys = self._places
        n = len(main)
        unseen = ~seen[self._order]
        # Nothing past the first unseen entry of the main line is ready. A key of the main line is its place.
        last_ready = np.minimum.reduceat(np.where(unseen & main, keys, np.int32(n)), self._starts)
        shown = unseen & allowed[self._order] & (self._ascending <= last_ready[owners])
        best = np.minimum.reduceat(np.where(shown, keys, np.int32(len(Role) * n)), self._starts)
        return np.where(best < len(Role) * n, self._order[best % n], -1)


def collapse_franchises(
    rows: NDArray[np.integer], scores: Scores, franchises: FranchiseOrder, seen: Mask, allowed: Mask
) -> tuple[Rows, Scores]:
    """Turn a ranking of anime into one of franchises, each shown as what to watch next of it.

    Parameters
    ----------
    rows : ndarray of shape (n,), dtype=integer
        Anime rows, best first. A franchise stands where its first row stands; franchises without one are left out.
    scores : ndarray of shape (n,), dtype=float32
        Their scores.
    franchises : FranchiseOrder
    seen : ndarray of shape (n_anime,), dtype=bool
        What the user has seen.
    allowed : ndarray of shape (n_anime,), dtype=bool
        What the filters let through: only these are shown.

    Returns
    -------
    rows : ndarray of shape (m,), dtype=int64
        What is shown, best first, one per franchise. Cut pages from this, not from what came in.
    scores : ndarray of shape (m,), dtype=float32
        The score of the best-ranked member of each.
    """
    codes = franchises.codes[rows]
    # Of several assignments to one place the last one stays, so the first rank of a franchise is written last.
    first = np.full(franchises.n_franchises, -1, dtype=np.int32)
    first[codes[::-1]] = np.arange(len(rows) - 1, -1, -1, dtype=np.int32)
    shown = franchises.next_rows(seen, allowed)
    kept = np.zeros(len(rows), dtype=bool)
    kept[first[(first >= 0) & (shown >= 0)]] = True
    ranks = np.flatnonzero(kept)
    return shown[codes[ranks]], scores[ranks]


def collapse_similar(
    rows: NDArray[np.integer], scores: Scores, franchises: FranchiseOrder, query_row: int, allowed: Mask
) -> tuple[Rows, Scores]:
    """Turn a ranking of similar anime into one of other franchises, each shown as its first entry.

    Who asks is unknown, so they are taken to have seen nothing of them; the query's whole franchise is left out.

    Parameters
    ----------
    rows, scores
        As in :func:`collapse_franchises`.
    franchises : FranchiseOrder
    query_row : int
        The anime that was asked about.
    allowed : ndarray of shape (n_anime,), dtype=bool
        What the filters let through. A franchise whose first entry they hide is left out.

    Returns
    -------
    rows, scores
        As from :func:`collapse_franchises`.
    """
    others = allowed & (franchises.codes != franchises.codes[query_row])
    return collapse_franchises(rows, scores, franchises, np.zeros_like(allowed), others)
