"""Recommending the user-based way: what the most similar users rate highly."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.user_list import UserList

N_NEIGHBOURS: Final = 50


@dataclass(frozen=True)
class NeighbourScores:
    """Scores by neighbours, with who supports what.

    Attributes
    ----------
    scores : ndarray of shape (n_anime,), dtype=float32
        Share of the neighbours' similarity that speaks for an anime, in [0, 1].
    weights : ndarray of shape (n_neighbours,), dtype=float32
        What each neighbour adds to the score of the anime they support; adds up to 1 (or 0: no neighbour).
    supported_rows : sequence of ndarray, dtype=int32
        For each neighbour, the anime rows they support.
    """

    scores: NDArray[np.float32]
    weights: NDArray[np.float32]
    supported_rows: Sequence[NDArray[np.int32]]

    def supporters_of(self, anime_row: int) -> NDArray[np.int64]:
        """Find who supports an anime.

        Parameters
        ----------
        anime_row : int

        Returns
        -------
        ndarray, dtype=int64
            Positions among the neighbours who have a say, the most similar first.
        """
        neighbours = enumerate(zip(self.weights.tolist(), self.supported_rows, strict=True))
        return np.array(
            [i for i, (weight, rows) in neighbours if weight > 0.0 and _holds(rows, anime_row)], dtype=np.int64
        )


def score_by_neighbours(
    n_anime: int, similarities: NDArray[np.float32], neighbour_lists: Sequence[UserList]
) -> NeighbourScores:
    """Score every anime by what similar users rate at or above their own 75th percentile.

    Parameters
    ----------
    n_anime : int
    similarities : ndarray of shape (n_neighbours,), dtype=float32
        Cosine of each neighbour to the user, best first. Neighbours at or below 0 have no say.
    neighbour_lists : sequence of UserList
        Their lists, in the same order.

    Returns
    -------
    NeighbourScores
    """
    positive = np.maximum(similarities, 0.0)
    total = float(positive.sum())
    weights = (positive / total if total > 0.0 else positive).astype(np.float32)
    supported = [neighbour.top_quarter_rows for neighbour in neighbour_lists]
    scores = np.zeros(n_anime, dtype=np.float32)
    for weight, rows in zip(weights, supported, strict=True):
        scores[rows] += weight
    # What all support may add up to a hair more than 1.
    return NeighbourScores(np.minimum(scores, np.float32(1.0)), weights, supported)


def _holds(ascending: NDArray[np.int32], value: int) -> bool:
    position = int(np.searchsorted(ascending, value))
    return position < len(ascending) and int(ascending[position]) == value
