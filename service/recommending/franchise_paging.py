"""Pages of franchises: rankings in which each stands once, and what a card tells of its franchise."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.franchises import FranchiseOrder, Role
from models.scoring.top_k import Order, top_k_rows
from service.recommending.paging import RankedPage

Mask = NDArray[np.bool_]
Scores = NDArray[np.float32]
Rows = NDArray[np.int64]

_ROWS_PER_FRANCHISE: Final = 8


def franchises_of(bundle: Bundle) -> FranchiseOrder:
    """Give the franchises of a bundle. Make them once per model: they remember what every request needs."""
    return FranchiseOrder(bundle.franchise_codes, bundle.franchise_positions, bundle.franchise_roles)


@dataclass(frozen=True)
class Place:
    """What an anime is to its franchise and to a viewer.

    Attributes
    ----------
    role : Role
    next_after : list of int
        Row of the last entry before it that the viewer has seen, one of the main line if there is one; else empty.
    """

    role: Role
    next_after: list[int]


@dataclass(frozen=True)
class Cut:
    """Which part of a ranking is asked for."""

    offset: int
    limit: int
    order: Order


def rank_next_entries(
    scores: Scores, ranked: Mask, franchises: FranchiseOrder, seen: Mask, allowed: Mask, cut: Cut
) -> RankedPage:
    """Rank franchises for a viewer, each shown as what to watch next of it, and cut one page out.

    The same as cutting a page out of :func:`models.scoring.franchises.collapse_franchises`, without ranking every
    anime for it.

    Parameters
    ----------
    scores : ndarray of shape (n_anime,), dtype=float32
    ranked : ndarray of shape (n_anime,), dtype=bool
        Anime that may lend a franchise their score.
    franchises : FranchiseOrder
    seen : ndarray of shape (n_anime,), dtype=bool
        What the viewer has seen.
    allowed : ndarray of shape (n_anime,), dtype=bool
        Anime that may be shown.
    cut : Cut

    Returns
    -------
    RankedPage
        ``total`` counts franchises. ``least`` turns the ranking round: a franchise keeps the score of its best.
    """
    next_rows = franchises.next_rows(seen, allowed)
    shown = next_rows[franchises.codes]
    candidates = ranked & (shown >= 0)
    present = np.zeros(len(next_rows), dtype=bool)
    present[franchises.codes[candidates]] = True
    return rank_franchises(scores, candidates, shown, int(np.count_nonzero(present)), cut)


def rank_franchises(scores: Scores, candidates: Mask, shown: NDArray[np.integer], total: int, cut: Cut) -> RankedPage:
    """Rank franchises by their best candidate, and cut one page out.

    Parameters
    ----------
    scores : ndarray of shape (n_anime,), dtype=float32
    candidates : ndarray of shape (n_anime,), dtype=bool
        Anime that may lend a franchise their score.
    shown : ndarray of shape (n_anime,), dtype=integer
        The row that each anime's franchise is shown as: one per franchise.
    total : int
        How many franchises have a candidate.
    cut : Cut

    Returns
    -------
    RankedPage
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
    firsts = np.unique(shown[rows], return_index=True)[1]
    best: Rows = rows[np.sort(firsts)]
    return best


def places_of(anime_rows: list[int], seen_rows: NDArray[np.int32], franchises: FranchiseOrder) -> list[Place]:
    """Tell what the anime of a page are to their franchises.

    Parameters
    ----------
    anime_rows : list of int
    seen_rows : ndarray of shape (n_seen,), dtype=int32
        What the viewer has seen.
    franchises : FranchiseOrder

    Returns
    -------
    list of Place
        One per anime.
    """
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
    return [Place(Role(role), [row] if any_ else []) for role, row, any_ in zip(roles, last, found, strict=True)]
