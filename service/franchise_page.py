"""Pages of franchises: rankings in which each stands once, and what a card tells of its franchise."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.scoring.franchises import FranchiseOrder, Role, collapse_franchises, collapse_similar
from models.scoring.top_k import Order, top_k_rows
from service.ranked_page import RankedPage

Mask = NDArray[np.bool_]
Scores = NDArray[np.float32]
Rows = NDArray[np.int64]

_ROWS_PER_FRANCHISE: Final = 6
_ROWS_TO_SPARE: Final = 20


def franchises_of(bundle: Bundle) -> FranchiseOrder:
    """Give the franchises of a bundle. Make them once per model: they remember what every request needs.

    Parameters
    ----------
    bundle : Bundle

    Returns
    -------
    FranchiseOrder
    """
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

    def collapse(rows: Rows) -> tuple[Rows, Scores]:
        return collapse_franchises(rows, scores[rows], franchises, seen, allowed)

    return _rank(scores, ranked, franchises, collapse, cut)


def rank_similar_franchises(
    similarities: Scores, franchises: FranchiseOrder, query_row: int, allowed: Mask, cut: Cut
) -> RankedPage:
    """Rank the other franchises by similarity to an anime, each shown as its first entry, and cut one page out.

    Parameters
    ----------
    similarities : ndarray of shape (n_anime,), dtype=float32
    franchises : FranchiseOrder
    query_row : int
    allowed : ndarray of shape (n_anime,), dtype=bool
    cut : Cut

    Returns
    -------
    RankedPage
        As from :func:`rank_next_entries`.
    """

    def collapse(rows: Rows) -> tuple[Rows, Scores]:
        return collapse_similar(rows, similarities[rows], franchises, query_row, allowed)

    return _rank(similarities, allowed, franchises, collapse, cut)


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
    codes, positions = franchises.codes[seen_rows], franchises.positions[seen_rows]
    # One key to take the greatest of: the main line before everything else, then the later position.
    keys = positions.astype(np.int64) + np.where(franchises.roles[seen_rows] == int(Role.MAIN), 1 << 16, 0)
    places = []
    for row in anime_rows:
        before = np.flatnonzero((codes == franchises.codes[row]) & (positions < franchises.positions[row]))
        last = [int(seen_rows[before[np.argmax(keys[before])]])] if len(before) else []
        places.append(Place(Role(int(franchises.roles[row])), last))
    return places


def _rank(
    scores: Scores,
    ranked: Mask,
    franchises: FranchiseOrder,
    collapse: Callable[[Rows], tuple[Rows, Scores]],
    cut: Cut,
) -> RankedPage:
    unranked = np.flatnonzero(ranked)
    total = len(collapse(unranked)[0])
    end = min(cut.offset + cut.limit, total)
    k = len(unranked)
    if cut.order == "most":
        # The head of the ranking nearly always holds enough franchises, and sorting is most of the work.
        k = min(k, _ROWS_PER_FRANCHISE * end + _ROWS_TO_SPARE) if cut.offset < total else 0
    rows = top_k_rows(scores, k, allowed=ranked)
    shown, shown_scores = collapse(rows)
    if k < len(unranked) and cut.offset < total and len(shown) < end:
        rows = top_k_rows(scores, len(unranked), allowed=ranked)
        shown, shown_scores = collapse(rows)
    return _cut_page(rows, (shown, shown_scores), franchises, cut, total)


def _cut_page(
    rows: Rows, collapsed: tuple[Rows, Scores], franchises: FranchiseOrder, cut: Cut, total: int
) -> RankedPage:
    shown, scores = collapsed
    if cut.order == "least":
        turned = np.lexsort((shown, scores))
        shown, scores = shown[turned], scores[turned]
    page = slice(cut.offset, cut.offset + cut.limit)
    # The best row of each franchise is written last, and so is the one that stays.
    best = np.empty(franchises.n_franchises, dtype=np.int64)
    best[franchises.codes[rows[::-1]]] = rows[::-1]
    scored_rows = best[franchises.codes[shown[page]]].tolist()
    return RankedPage(shown[page].tolist(), scores[page].tolist(), cut.offset, cut.limit, total, scored_rows)
