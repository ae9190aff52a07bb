"""Scoring by popularity, the same for all users: for lists without evidence."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

# An anime as popular as this share of them keeps half of what sets its mean score apart; a lesser-known one less.
_TRUSTED_POPULARITY_QUANTILE: Final = 0.9


def popular_scores(popularity: NDArray[np.integer], mean_scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Score well-rated anime that many have seen.

    Parameters
    ----------
    popularity : ndarray of shape (n_anime,), dtype=integer
        How many lists hold each anime, plans left out.
    mean_scores : ndarray of shape (n_anime,), dtype=float32
        1..10, 0 = unknown.

    Returns
    -------
    ndarray of shape (n_anime,), dtype=float32
        A tenth of the mean score, which is drawn to the mean of all scores where few have seen an anime.
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
