"""One page of a ranking: what every list answers with, before it is written as JSON."""

import numpy as np
from numpy.typing import NDArray

from models.scoring.ranked_page import RankedPage
from models.scoring.top_k import Order, top_k_rows

__all__ = ["RankedPage", "rank"]


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
