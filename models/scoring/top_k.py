"""The best k of a score vector, exactly and repeatably."""

from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

Order = Literal["most", "least"]

# A sample of every sixteenth tells about where the k-th lies: what is above need not be partitioned.
_SAMPLE_STEP: Final = 16
_LEAST_TO_SAMPLE: Final = 4_096


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
        threshold = _kth_lowest(keys, k)
        kept = np.flatnonzero(keys <= threshold)
        rows, keys = rows[kept], keys[kept]
    best: NDArray[np.int64] = rows[np.argsort(keys, kind="stable")[:k]]
    return best


def _kth_lowest(keys: NDArray[np.floating[Any]], k: int) -> Any:
    if len(keys) >= max(_LEAST_TO_SAMPLE, 4 * k):
        sample = keys[::_SAMPLE_STEP]
        # Twice as far into the sample as the k-th should be, so that it is nearly never too short.
        place = 2 * k // _SAMPLE_STEP + _SAMPLE_STEP
        low = keys[keys <= np.partition(sample, place)[place]]
        if len(low) >= k:
            keys = low
    return np.partition(keys, k - 1)[k - 1]
