"""The best k of a score vector, exactly and repeatably."""

from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

Order = Literal["most", "least"]

_STRETCHES_PER_KEY: Final = 4
_SHORTEST_STRETCH: Final = 8


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
        kept = np.flatnonzero(keys <= _bound(keys, k))
        rows, keys = rows[kept], keys[kept]
        if k < len(rows):
            # Keep everything tied with the k-th best: the partition alone would pick among ties at random.
            kept = np.flatnonzero(keys <= np.partition(keys, k - 1)[k - 1])
            rows, keys = rows[kept], keys[kept]
    best: NDArray[np.int64] = rows[np.argsort(keys, kind="stable")[:k]]
    return best


def _bound(keys: NDArray[np.floating[Any]], k: int) -> Any:
    """Give a bound that the k lowest keys do not pass, and few others.

    The k-th lowest among the lowest of many stretches: k keys at least are as low. Looking for minima costs a tenth
    of partitioning everything.
    """
    length = len(keys) // (_STRETCHES_PER_KEY * k)
    if length < _SHORTEST_STRETCH:
        return np.inf
    n_stretches = len(keys) // length
    lowest = keys[: n_stretches * length].reshape(n_stretches, length).min(axis=1)
    return np.partition(lowest, k - 1)[k - 1]
