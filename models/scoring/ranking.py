"""From scores to a page: the best k rows, exactly and repeatably."""

from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Order = Literal["most", "least"]

_STRETCHES_PER_KEY: Final = 4
_SHORTEST_STRETCH: Final = 64


@dataclass(frozen=True)
class Cut:
    """Which part of a ranking is asked for, and from which end."""

    offset: int = 0
    limit: int = 10
    order: Order = "most"


class RankedPage(NamedTuple):
    """One page of a ranking; its first row has rank ``offset + 1``."""

    rows: list[int]
    scores: list[float]
    offset: int
    limit: int
    total: int  # length of the whole ranking
    scored_rows: list[int]  # whose scores these are: another row's where a franchise is shown as another entry


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
    scores : ndarray of shape (n,)
        No NaN.
    k : int
        The list is shorter where fewer rows are allowed.
    allowed : ndarray of shape (n,), dtype=bool, optional
        Rows that may appear; all by default.

    Returns
    -------
    ndarray, dtype=int64
        Best first; ties go to the lower row, so that pages neither repeat nor miss a row.
    """
    keys = scores if order == "least" else -scores
    n_allowed = len(keys)
    if allowed is not None:
        keys, n_allowed = np.where(allowed, keys, np.inf), int(np.count_nonzero(allowed))
    if k <= 0 or not n_allowed:
        return np.empty(0, dtype=np.int64)
    k = min(k, n_allowed)
    kept = keys <= _bound(keys, k)
    if allowed is not None:
        kept &= allowed
    rows = np.flatnonzero(kept)
    # Everything tied with the k-th best is kept so far: a partition alone would pick among ties at random.
    best: NDArray[np.int64] = rows[np.argsort(keys[rows], kind="stable")[:k]]
    return best


def rank(scores: NDArray[np.float32], allowed: NDArray[np.bool_], cut: Cut) -> RankedPage:
    """Rank the allowed rows and cut one page out; both arrays have shape (n,)."""
    total = int(np.count_nonzero(allowed))
    # Past the end there is nothing to rank.
    k = cut.offset + cut.limit if cut.offset < total else 0
    rows = top_k_rows(scores, k, allowed=allowed, order=cut.order)[cut.offset :]
    listed: list[int] = rows.tolist()
    return RankedPage(listed, scores[rows].tolist(), cut.offset, cut.limit, total, listed)


def _bound(keys: NDArray[np.floating[Any]], k: int) -> Any:
    """Give the k-th lowest key."""
    length = len(keys) // (_STRETCHES_PER_KEY * k)
    if length >= _SHORTEST_STRETCH:
        # The k-th lowest minimum of many stretches is passed by few keys: that costs a tenth of partitioning all.
        n_stretches = len(keys) // length
        lowest = keys[: n_stretches * length].reshape(n_stretches, length).min(axis=1)
        keys = keys[keys <= np.partition(lowest, k - 1)[k - 1]]
    return np.partition(keys, k - 1)[k - 1]
