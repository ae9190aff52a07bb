"""Rankings of franchises the slow way: the whole ranking of anime, with one entry kept per franchise."""

import numpy as np
from numpy.typing import NDArray

from models.scoring.franchises import FranchiseOrder

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
Scores = NDArray[np.float32]


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
