"""Paired tests of two methods on the same users."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from training.evaluation.metrics import Estimate

CONFIDENCE: Final = 0.95


@dataclass(frozen=True)
class Difference(Estimate):
    """A mean difference, method minus baseline, with the interval of the paired t test."""

    p_t: float  # two-sided, of the paired t test
    p_wilcoxon: float  # two-sided, of Wilcoxon's signed-rank test


def compare_paired(values: NDArray[np.float64], baseline: NDArray[np.float64]) -> Difference:
    """Compare two methods on the same users, in the same order.

    Without spread, or with one user, the p values are 1.

    References
    ----------
    Student, "The Probable Error of a Mean", Biometrika 1908. Wilcoxon, "Individual Comparisons by Ranking Methods",
    Biometrics 1945.
    """
    differences = values - baseline
    mean, n = float(differences.mean()), len(differences)
    if n == 1 or not np.ptp(differences):
        return Difference(mean, mean, mean, n, 1.0, 1.0)
    test = stats.ttest_1samp(differences, 0.0)
    low, high = test.confidence_interval(CONFIDENCE)
    p_wilcoxon = stats.wilcoxon(differences).pvalue
    return Difference(mean, float(low), float(high), n, float(test.pvalue), float(p_wilcoxon))
