"""Recommending the user-based way, by one of two rules.

``weighted``: what the most similar users have seen, each with a fitted weight, see
:mod:`models.scoring.neighbour_weights`. ``top-quarter``, the rule of the notebook this project began with: what the
most similar users rate at or above their own 75th percentile.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.scoring.neighbour_weights import N_WEIGHTED_NEIGHBOURS
from models.scoring.user_list import UserList

NeighbourRule = Literal["weighted", "top-quarter"]
DEFAULT_RULE: Final[NeighbourRule] = "weighted"

# Of the rule "top-quarter".
N_NEIGHBOURS: Final = 50

N_NEIGHBOURS_OF_RULE: Final[dict[NeighbourRule, int]] = {
    "weighted": N_WEIGHTED_NEIGHBOURS,
    "top-quarter": N_NEIGHBOURS,
}


@dataclass(frozen=True)
class NeighbourScores:
    """Scores by neighbours, with who supports what.

    Attributes
    ----------
    scores : ndarray of shape (n_anime,), dtype=float32
        In [0, 1]. By the rule "top-quarter", the share of the neighbours' similarity that speaks for an anime.
    weights : ndarray of shape (n_neighbours,), dtype=float32
        What each neighbour adds to the score of the anime they support, before any correction for popularity; adds
        up to 1 (or 0: no neighbour).
    supported_rows : sequence of ndarray, dtype=int32
        For each neighbour, the anime rows they support.
    """

    scores: NDArray[np.float32]
    weights: NDArray[np.float32]
    supported_rows: Sequence[NDArray[np.int32]]

    def supporters_of(self, anime_row: int) -> NDArray[np.int64]:
        """Find who supports an anime.

        Returns
        -------
        ndarray, dtype=int64
            Positions among the neighbours who have a say, the most similar first.
        """
        return self.supporters_of_each([anime_row])[0]

    def supporters_of_each(self, anime_rows: Sequence[int]) -> list[NDArray[np.int64]]:
        """Find who supports each of some anime.

        Parameters
        ----------
        anime_rows : sequence of int
            No row twice.

        Returns
        -------
        list of ndarray, dtype=int64
            As from :meth:`supporters_of`, one per anime.
        """
        supported, owners = _flatten(self.supported_rows)
        wanted = np.zeros(len(self.scores), dtype=bool)
        wanted[np.asarray(anime_rows, dtype=np.int64)] = True
        kept = wanted[supported] & (self.weights[owners] > 0.0)
        supported, owners = supported[kept], owners[kept]
        return [owners[supported == row] for row in anime_rows]


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
    """
    weights = _shares(np.maximum(similarities, 0.0))
    supported = [neighbour.top_quarter_rows for neighbour in neighbour_lists]
    scores = np.zeros(n_anime, dtype=np.float32)
    for weight, rows in zip(weights, supported, strict=True):
        scores[rows] += weight
    # What all support may add up to a hair more than 1.
    return NeighbourScores(np.minimum(scores, np.float32(1.0)), weights, supported)


def _shares(values: NDArray[np.floating]) -> NDArray[np.float32]:
    total = float(values.sum())
    return (values / total if total > 0.0 else values).astype(np.float32)


def _flatten(rows: Sequence[NDArray[np.int32]]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Put lists of rows end to end, with the position of the list that each came from."""
    owners = np.repeat(np.arange(len(rows), dtype=np.int64), [len(some) for some in rows])
    return np.concatenate([np.empty(0, dtype=np.int32), *rows]), owners
