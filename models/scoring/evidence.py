"""What item weights say for a candidate, in numbers that a re-ranker can weigh.

How many supporting anime are on the list is no feature: it says little of an unseen user, and leaked the answer to
training users whose lists had decided the support of a rare anime (docs/experiments.md).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

EVIDENCE: Final = (
    "item score",
    "strongest weight",
    "three strongest weights",
    "ten strongest weights",
    "weighted ratings",
    "rating of the strongest",
    "weight of dropped titles",
    "weight of well-rated titles",
    "highest cosine",
)


def weigh_evidence(weights: Matrix, cosines: Matrix, seen: Matrix, ratings: Matrix, dropped: Matrix) -> Matrix:
    """Sum up what the titles of a list say for a candidate.

    Parameters
    ----------
    weights, cosines : ndarray of shape (n_pairs, n_weights), dtype=float32
        Of the anime that speak for the candidate of each pair.
    seen, ratings, dropped : ndarray of shape (n_pairs, n_weights), dtype=float32
        What the list of each pair says of them: 1 where seen, rating relative to the user's mean (0 where unrated or
        unseen), 1 where dropped or put on hold.

    Returns
    -------
    ndarray of shape (n_pairs, len(EVIDENCE)), dtype=float32
    """
    spoken = weights * seen
    strongest = np.argmax(spoken, axis=1)[:, None]
    ten = _highest(spoken, 10)
    columns = (
        spoken.sum(axis=1),
        np.take_along_axis(spoken, strongest, axis=1)[:, 0],
        _highest(ten, 3).sum(axis=1),
        ten.sum(axis=1),
        np.einsum("ij,ij->i", weights, ratings),
        np.take_along_axis(ratings, strongest, axis=1)[:, 0],
        np.einsum("ij,ij->i", weights, dropped),
        (weights * (ratings >= 0.75)).sum(axis=1),
        (cosines * seen).max(axis=1, initial=0.0),
    )
    return np.stack(columns, axis=1).astype(np.float32, copy=False)


def _highest(values: Matrix, k: int) -> Matrix:
    """Give the k highest of each row, in any order."""
    highest: Matrix = values if values.shape[1] <= k else np.partition(values, -k, axis=1)[:, -k:]
    return highest
