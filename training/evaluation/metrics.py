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
    """A mean with its 95 % interval: -+ 1.96 standard errors, or the value itself where there is one only."""

    mean: float
    low: float
    high: float
    n: int  # users or queries


def estimate_mean(values: NDArray[np.float64]) -> Estimate:
    """Estimate a mean over at least one user or query."""
    mean = float(np.mean(values))
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    half = NORMAL_QUANTILE * spread / len(values) ** 0.5
    return Estimate(mean, mean - half, mean + half, len(values))


def estimate_share(parts: NDArray[np.float64], totals: NDArray[np.float64]) -> Estimate:
    """Estimate a share over users who each have a part of a total, in all more than 0: a ratio of sums.

    References
    ----------
    Cochran, "Sampling Techniques", 1977, section 2.11: the standard error of a ratio.
    """
    share, n = float(parts.sum() / totals.sum()), len(parts)
    spread = float(np.std(parts - share * totals, ddof=1)) if n > 1 else 0.0
    half = NORMAL_QUANTILE * spread / (float(np.mean(totals)) * n**0.5)
    return Estimate(share, share - half, share + half, n)


def recall_at(k: int, hit_places: NDArray[np.bool_], n_targets: int) -> float:
    """Return the share of the targets among the first k places, of as many as could be there."""
    return float(hit_places[:k].sum()) / min(k, n_targets)


def ndcg_at(k: int, hit_places: NDArray[np.bool_], n_targets: int) -> float:
    """Return the discounted gain of the first k places, scaled so that all targets on top give 1."""
    discounts = place_discounts(k)
    gain = discounts[: len(hit_places[:k])][hit_places[:k]].sum()
    return float(gain / discounts[: min(k, n_targets)].sum())


def graded_ndcg_at(k: int, gains: Sequence[float], all_gains: Sequence[float]) -> float:
    """Return the discounted gain of graded answers, best first, scaled by the best order of `all_gains`."""
    discounts = place_discounts(k)
    found = np.asarray(gains[:k], dtype=np.float64)
    ideal = np.sort(np.asarray(all_gains, dtype=np.float64))[::-1][:k]
    return float((found * discounts[: len(found)]).sum() / (ideal * discounts[: len(ideal)]).sum())


def place_discounts(k: int) -> NDArray[np.float64]:
    """Return the weights of the first k places: 1 / log2(place + 1), places from 1."""
    return 1.0 / np.log2(np.arange(2, k + 2))
