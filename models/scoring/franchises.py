"""One entry per franchise: the next one to watch, where the best-ranked of its members stood.

The rule. Within a franchise, entries have a place in the order in which to watch it, and a role. Only the main line
has to be watched in order: an entry is *ready* when every main-line entry before it is seen. A franchise is shown as

1. its first unseen main-line entry, if the filters allow it;
2. otherwise as a side story that is ready, unseen and allowed, otherwise as such an extra: the first in order;
3. otherwise not at all. If filters hide the season that comes next, no later season takes its place.

So season 3 is not offered before seasons 1 and 2, and an OVA of season 1 only to those who have seen season 1. Of a
franchise that the user has not begun, only the first entry can be shown.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.ranking import Cut, RankedPage, top_k_rows
from models.scoring.user_list import join_ranges

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
Scores = NDArray[np.float32]

_ROWS_PER_FRANCHISE: Final = 8


class Role(IntEnum):
    """What an entry is to its franchise. Lower is shown first."""

    MAIN = 0  # what has to be watched in order: seasons, and films that continue them
    SIDE = 1  # stands beside the main line and nothing builds on it: films, OVAs, spin-offs
    EXTRA = 2  # recaps, specials, music videos, shorts


_ROLES: Final = tuple(Role)


@dataclass(frozen=True)
class FranchiseOrder:
    """Which anime belong together, and in what order to watch them: arrays of shape (n_anime,).

    Make it once per model. At position 0 stands a main-line entry.
    """

    codes: NDArray[np.int32]  # franchise of each anime, from 0 without gaps
    positions: NDArray[np.int16]  # place in the order in which to watch the franchise, from 0 without gaps
    roles: NDArray[np.uint8]  # see Role

    @cached_property
    def n_franchises(self) -> int:
        """Number of franchises; an anime that belongs to nothing else is one."""
        return int(self.codes.max()) + 1 if len(self.codes) else 0

    @cached_property
    def code_indices(self) -> NDArray[np.intp]:
        """The codes as numpy wants an index: of others it would make these at each look."""
        return self.codes.astype(np.intp)

    @cached_property
    def _order(self) -> Rows:
        """All rows, franchise by franchise, each in the order to watch it."""
        return np.lexsort((self.positions, self.codes)).astype(np.int64)

    @cached_property
    def _starts(self) -> Rows:
        """Where each franchise begins in ``_order``."""
        return np.searchsorted(self.codes[self._order], np.arange(self.n_franchises)).astype(np.int64)

    @cached_property
    def _firsts(self) -> Rows:
        """The first entry of each franchise."""
        return self._order[self._starts]

    @cached_property
    def _ends(self) -> Rows:
        return np.append(self._starts[1:], len(self.codes))

    def after_disliked(self, liked_rows: NDArray[np.integer], disliked_rows: NDArray[np.integer]) -> Mask:
        """Mark what comes after an entry that a user dislikes, where they like nothing that comes later still."""
        marks = np.zeros(len(self.codes), dtype=bool)
        if not len(disliked_rows):
            return marks
        last_liked = np.full(self.n_franchises, -1, dtype=np.int64)
        np.maximum.at(last_liked, self.codes[liked_rows], self.positions[liked_rows])
        codes, positions = self.codes[disliked_rows], self.positions[disliked_rows]
        given_up = positions > last_liked[codes]
        if not given_up.any():
            return marks
        # A position is a place within the stretch of the franchise.
        first_after = self._starts[codes] + positions + 1
        marks[self._order[join_ranges(first_after[given_up], self._ends[codes[given_up]])]] = True
        return marks

    def next_rows(self, seen: Mask, allowed: Mask) -> Rows:
        """Find the row to show of every franchise; -1 where nothing of it may be shown.

        ``seen`` is what the user has seen, ``allowed`` what the filters let through; both have shape (n_anime,).
        """
        # Of a franchise that is not begun, only the first entry is ready.
        next_rows = np.where(allowed[self._firsts], self._firsts, -1)
        is_begun = np.zeros(self.n_franchises, dtype=bool)
        is_begun[self.codes[seen]] = True
        begun = np.flatnonzero(is_begun)
        if not len(begun):
            return next_rows
        starts, ends = self._starts[begun], self._ends[begun]
        rows = self._order[join_ranges(starts, ends)]
        n, sizes = len(rows), ends - starts
        starts, places = np.cumsum(sizes) - sizes, np.arange(len(rows))
        unseen, roles = ~seen[rows], self.roles[rows].astype(np.int64)
        # Nothing past the first unseen entry of the main line is ready.
        last_ready = np.minimum.reduceat(np.where(unseen & (roles == int(Role.MAIN)), places, n), starts)
        shown = unseen & allowed[rows] & (places <= np.repeat(last_ready, sizes))
        best = np.minimum.reduceat(np.where(shown, roles * n + places, len(Role) * n), starts)
        next_rows[begun] = np.where(best < len(Role) * n, rows[best % n], -1)
        return next_rows


class Place(NamedTuple):
    """What an anime is to its franchise and to a user."""

    role: Role
    next_after: list[int]  # row of the last entry before it that the user has seen, of the main line if there is one


def franchises_of(bundle: Bundle) -> FranchiseOrder:
    """Give the franchises of a bundle."""
    return FranchiseOrder(bundle.franchise_codes, bundle.franchise_positions, bundle.franchise_roles)


def places_of(anime_rows: list[int], seen_rows: NDArray[np.int32], franchises: FranchiseOrder) -> list[Place]:
    """Give what each anime of a page is to its franchise, and to a user who has seen some rows."""
    if not anime_rows:
        return []
    positions = franchises.positions[seen_rows].astype(np.int64)
    # One key to take the greatest of: the main line before everything else, then the later position.
    keys = 1 + positions + np.where(franchises.roles[seen_rows] == int(Role.MAIN), 1 << 16, 0)
    # Shape: (n_page, n_seen)
    before = franchises.codes[seen_rows] == franchises.codes[anime_rows][:, None]
    before &= positions < franchises.positions[anime_rows][:, None]
    keyed = np.where(before, keys, 0)
    last = seen_rows[keyed.argmax(axis=1)].tolist() if len(seen_rows) else anime_rows
    roles = franchises.roles[anime_rows].tolist()
    found = before.any(axis=1).tolist()
    return [Place(_ROLES[role], [row] if any_ else []) for role, row, any_ in zip(roles, last, found, strict=True)]


def rank_next_entries(
    scores: Scores, ranked: Mask, franchises: FranchiseOrder, seen: Mask, allowed: Mask, cut: Cut
) -> RankedPage:
    """Rank franchises for a user, each shown as what to watch next of it, and cut one page out.

    Arrays have shape (n_anime,). ``ranked`` are the anime that may lend a franchise their score, ``allowed`` those
    that may be shown. ``total`` counts franchises.
    """
    next_rows = franchises.next_rows(seen, allowed)
    shown = next_rows[franchises.code_indices]
    candidates = ranked & (shown >= 0)
    # What is shown of a franchise is itself allowed, so it has a candidate where all that is allowed is ranked.
    present = next_rows >= 0
    if ranked is not allowed:
        present = np.bincount(franchises.codes[candidates], minlength=len(next_rows)) > 0
    return rank_franchises(scores, candidates, shown, int(np.count_nonzero(present)), cut)


def rank_similar_franchises(
    scores: Scores, franchises: FranchiseOrder, query_row: int, allowed: Mask, cut: Cut
) -> RankedPage:
    """Rank the franchises similar to an anime, each shown as its first entry; its own franchise is left out.

    Who asks is unknown, so they are taken to have seen nothing: a franchise whose first entry is not allowed is left
    out.
    """
    others = allowed & (franchises.codes != franchises.codes[query_row])
    return rank_next_entries(scores, others, franchises, np.zeros_like(others), others, cut)


def rank_franchises(scores: Scores, candidates: Mask, shown: NDArray[np.integer], total: int, cut: Cut) -> RankedPage:
    """Rank franchises by their best candidate, and cut one page out.

    Parameters
    ----------
    scores : ndarray of shape (n_anime,), dtype=float32
    candidates : ndarray of shape (n_anime,), dtype=bool
        Anime that may lend a franchise their score.
    shown : ndarray of shape (n_anime,), dtype=integer
        The row that each anime's franchise is shown as.
    total : int
        How many franchises have a candidate.
    cut : Cut
        ``least`` turns the ranking round: a franchise keeps the score of its best.
    """
    n_candidates = int(np.count_nonzero(candidates))
    end = min(cut.offset + cut.limit, total) if cut.offset < total else 0
    # The head of the ranking nearly always holds enough franchises, and sorting is most of the work.
    k = n_candidates if cut.order == "least" else min(_ROWS_PER_FRANCHISE * end, n_candidates)
    best = _best_rows(scores, candidates, shown, k)
    if len(best) < end:
        best = _best_rows(scores, candidates, shown, n_candidates)
    rows = shown[best]
    if cut.order == "least":
        turned = np.lexsort((rows, scores[best]))
        best, rows = best[turned], rows[turned]
    best, rows = best[cut.offset : end], rows[cut.offset : end]
    return RankedPage(rows.tolist(), scores[best].tolist(), cut.offset, cut.limit, total, best.tolist())


def _best_rows(scores: Scores, candidates: Mask, shown: NDArray[np.integer], k: int) -> Rows:
    """Find the best row of each franchise among the k best candidates, the best first."""
    rows = top_k_rows(scores, k, allowed=candidates)
    # From the last to the first, so that the first place of each is what stays: for few rows faster than numpy.
    places = dict(zip(shown[rows[::-1]].tolist(), range(len(rows) - 1, -1, -1), strict=True))
    return rows[sorted(places.values())]
