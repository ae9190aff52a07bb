"""Is one method better than another on the same users? Tests on the differences, user by user."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from training.evaluation.metrics import Estimate

CONFIDENCE: Final = 0.95


@dataclass(frozen=True)
class Difference(Estimate):
    """A mean difference, of the method minus the baseline, with the interval of the paired t test.

    Attributes
    ----------
    p_t : float
        Two-sided p value of the paired t test.
    p_wilcoxon : float
        Two-sided p value of Wilcoxon's signed-rank test, which assumes no distribution.
    """

    p_t: float
    p_wilcoxon: float


def compare_paired(values: NDArray[np.float64], baseline: NDArray[np.float64]) -> Difference:
    """Compare two methods on the same users.

    Parameters
    ----------
    values, baseline : ndarray of shape (n,), dtype=float64
        A metric of the method and of the baseline, for the same users in the same order; n >= 1.

    Returns
    -------
    Difference
        With p values of 1 where no user tells them apart, or there is one user only.

    References
    ----------
    Student, "The Probable Error of a Mean", Biometrika 1908. Wilcoxon, "Individual Comparisons by Ranking Methods",
    Biometrics 1945.
    """
    differences = values - baseline
    mean, n = float(differences.mean()), len(differences)
    if n == 1 or not np.ptp(differences):
        # Without spread there is no scale to judge by: equal everywhere, or one user's word.
        return Difference(mean, mean, mean, n, 1.0, 1.0)
    test = stats.ttest_1samp(differences, 0.0)
    low, high = test.confidence_interval(CONFIDENCE)
    p_wilcoxon = stats.wilcoxon(differences).pvalue
    return Difference(mean, float(low), float(high), n, float(test.pvalue), float(p_wilcoxon))
