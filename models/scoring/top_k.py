"""The best k of a score vector, exactly and repeatably."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Order = Literal["most", "least"]


def top_k_rows(
    scores: NDArray[np.floating[Any]],
    k: int,
    *,
    allowed: NDArray[np.bool_] | None = None,
    order: Order = "most",
) -> NDArray[np.int64]:
    """Find the rows with the k highest (or lowest) scores.

    Parameters
    ----------
    scores : ndarray of shape (n,), dtype=float32 or float64
        Higher is better. No NaN.
    k : int
        Length of the list; a short list is short, where fewer rows are allowed.
    allowed : ndarray of shape (n,), dtype=bool, optional
        Rows that may appear; all by default. Applied before the k are taken.
    order : {"most", "least"}
        ``"least"`` gives the lowest scores, lowest first.

    Returns
    -------
    ndarray of shape (min(k, number of allowed rows),), dtype=int64
        Best first; ties go to the lower row, so that pages neither repeat nor miss a row.
    """
    rows = np.arange(len(scores)) if allowed is None else np.flatnonzero(allowed)
    keys = scores[rows] if order == "least" else -scores[rows]
    if k < len(rows):
        if k <= 0:
            return rows[:0]
        # Keep everything tied with the k-th best: the partition alone would pick among ties at random.
        threshold = np.partition(keys, k - 1)[k - 1]
        kept = np.flatnonzero(keys <= threshold)
        rows, keys = rows[kept], keys[kept]
    best: NDArray[np.int64] = rows[np.argsort(keys, kind="stable")[:k]]
    return best
