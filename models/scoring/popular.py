"""Scoring by popularity, the same for all users: for lists without evidence."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

# An anime as popular as this share of them keeps half of what sets its mean score apart; a lesser-known one less.
_TRUSTED_POPULARITY_QUANTILE: Final = 0.9


def popular_scores(popularity: NDArray[np.integer], mean_scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Score well-rated anime that many have seen; all arrays are of shape (n_anime,).

    A score is a tenth of the mean score (1..10, 0 = unknown), drawn to the mean of all scores where few lists hold
    the anime. Plans do not count as ``popularity``.
    """
    counts = popularity.astype(np.float64)
    scored = mean_scores > 0
    if scored.any():
        overall = float(mean_scores[scored].mean())
        trusted = max(float(np.quantile(counts[scored], _TRUSTED_POPULARITY_QUANTILE)), 1.0)
    else:
        overall, trusted = 0.0, 1.0
    own = np.where(scored, mean_scores, overall)
    drawn = (counts * own + trusted * overall) / (counts + trusted)
    scores: NDArray[np.float32] = (drawn / 10.0).astype(np.float32)
    return scores
