"""Ranking metrics, as docs/architecture.md defines them: full ranking, never sampled.

References
----------
Recall@k with denominator min(k, targets) and NDCG@k as in Liang et al., "Variational Autoencoders for
Collaborative Filtering", WWW 2018.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

NORMAL_QUANTILE: Final = 1.96


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval.

    Attributes
    ----------
    mean, low, high : float
        The interval is mean -+ 1.96 standard errors; with one value it is the value itself.
    n : int
        Number of users or queries.
    """

    mean: float
    low: float
    high: float
    n: int


def estimate_mean(values: NDArray[np.float64]) -> Estimate:
    """Estimate a mean over users or queries.

    Parameters
    ----------
    values : ndarray of shape (n,), dtype=float64
        n >= 1.
    """
    mean = float(np.mean(values))
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    half = NORMAL_QUANTILE * spread / len(values) ** 0.5
    return Estimate(mean, mean - half, mean + half, len(values))


def recall_at(k: int, hit_places: NDArray[np.bool_], n_targets: int) -> float:
    """Share of the targets that are among the first k, where all could be.

    Parameters
    ----------
    k : int
    hit_places : ndarray of shape (>= k or shorter,), dtype=bool
    n_targets : int
        At least 1.

    Returns
    -------
    float
        In [0, 1].
    """
    return float(hit_places[:k].sum()) / min(k, n_targets)


def ndcg_at(k: int, hit_places: NDArray[np.bool_], n_targets: int) -> float:
    """Discounted gain of the first k places, scaled so that all targets on top give 1.

    Parameters
    ----------
    k : int
    hit_places : ndarray of shape (>= k or shorter,), dtype=bool
    n_targets : int
        At least 1.

    Returns
    -------
    float
        In [0, 1].
    """
    discounts = place_discounts(k)
    gain = discounts[: len(hit_places[:k])][hit_places[:k]].sum()
    return float(gain / discounts[: min(k, n_targets)].sum())


def graded_ndcg_at(k: int, gains: Sequence[float], all_gains: Sequence[float]) -> float:
    """Discounted gain of graded answers, scaled so that the best possible order gives 1.

    Parameters
    ----------
    k : int
    gains : sequence of float
        Gain of the answer at each place, best first.
    all_gains : sequence of float
        Gains of everything that could be found; at least one is positive.

    Returns
    -------
    float
        In [0, 1].
    """
    discounts = place_discounts(k)
    found = np.asarray(gains[:k], dtype=np.float64)
    ideal = np.sort(np.asarray(all_gains, dtype=np.float64))[::-1][:k]
    return float((found * discounts[: len(found)]).sum() / (ideal * discounts[: len(ideal)]).sum())


def place_discounts(k: int) -> NDArray[np.float64]:
    """Weight of each place: 1 / log2(place + 1), places from 1.

    Returns
    -------
    ndarray of shape (k,), dtype=float64
    """
    return 1.0 / np.log2(np.arange(2, k + 2))
