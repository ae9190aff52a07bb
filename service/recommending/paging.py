"""One page of a ranking: what every list answers with, before it is written as JSON."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.scoring.top_k import Order, top_k_rows


@dataclass(frozen=True)
class RankedPage:
    """One page of a ranking.

    Attributes
    ----------
    rows : list of int
        Anime or user rows, in order of rank.
    scores : list of float
        Their scores or similarities.
    offset, limit : int
        As asked for; the first row has rank ``offset + 1``.
    total : int
        Length of the whole ranking.
    scored_rows : list of int
        Whose score stands beside each row: its own, unless a franchise is shown as another of its entries.
    """

    rows: list[int]
    scores: list[float]
    offset: int
    limit: int
    total: int
    scored_rows: list[int]


def rank(
    scores: NDArray[np.float32], allowed: NDArray[np.bool_], offset: int, limit: int, order: Order = "most"
) -> RankedPage:
    """Rank the allowed rows and cut one page out.

    Parameters
    ----------
    scores : ndarray of shape (n,), dtype=float32
    allowed : ndarray of shape (n,), dtype=bool
        Rows that may appear; applied before anything is cut.
    offset, limit : int
    order : {"most", "least"}
    """
    total = int(np.count_nonzero(allowed))
    # Past the end there is nothing to rank.
    k = offset + limit if offset < total else 0
    rows = top_k_rows(scores, k, allowed=allowed, order=order)[offset:]
    listed: list[int] = rows.tolist()
    return RankedPage(listed, scores[rows].tolist(), offset, limit, total, listed)
