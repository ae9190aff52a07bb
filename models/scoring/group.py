"""Scoring for several people at once: what is worth most to the least happy of them, and to all."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

# How much the least happy count against the mean of all. Chosen on validation users (docs/steering.md).
MISERY_WEIGHT: Final = 0.25


def group_scores(ranks: NDArray[np.integer], misery_weight: float = MISERY_WEIGHT) -> NDArray[np.float32]:
    """Score titles for a group by where each member would rank them.

    Ranks, not scores: those of a long list are higher than those of a short one, and it would decide alone.

    Parameters
    ----------
    ranks : ndarray of shape (n_members, n), dtype=integer
        Of each title among all, from 1.
    misery_weight : float, optional
        0..1: 0 is the mean of all, 1 the least happy alone.

    Returns
    -------
    ndarray of shape (n,), dtype=float32
        In (0, 1]: between the mean and the least of what the members' ranks are worth, as in a discounted gain.

    References
    ----------
    Least misery and its mixture with the mean: Amer-Yahia et al., "Group Recommendation: Semantics and Efficiency",
    VLDB 2009.
    """
    worth = 1.0 / np.log2(1.0 + ranks)
    scores: NDArray[np.float32] = (
        misery_weight * worth.min(axis=0) + (1.0 - misery_weight) * worth.mean(axis=0)
    ).astype(np.float32)
    return scores
