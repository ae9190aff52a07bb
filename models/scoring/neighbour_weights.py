"""Recommending the user-based way, each similar user with the weight that tells best what is on the list.

Similarity to a power counts ten users of one kind ten times. Here the neighbours' weights are fitted together: the
list is written as a sum of the neighbours' lists, by a ridge regression, and what else that sum holds is recommended.

References
----------
The user-based side of Ning and Karypis, "SLIM: Sparse Linear Methods for Top-N Recommender Systems", ICDM 2011, with
the ridge of Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019, on the nearest users only.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.seen_lists import SeenLists

Matrix = NDArray[np.float32]
Vector = NDArray[np.float32]

N_WEIGHTED_NEIGHBOURS: Final = 200
# Of the mean square of the neighbours' lists.
RIDGE: Final = 2.0
# Rare titles tell more of a taste: each counts in the regression by popularity to minus this power.
IDF_POWER: Final = 0.3
# Scores are divided by popularity to this power (0 would leave popular anime their lead, 1 take all of it).
POPULARITY_POWER: Final = 0.25


@dataclass(frozen=True)
class WeightedNeighbours:
    """Scores by fitted neighbours, and how they came about.

    Attributes
    ----------
    scores : ndarray of shape (n_anime,), dtype=float32
        0 for what no neighbour has seen; below 0 where those who have count against it.
    weights : ndarray of shape (n_neighbours,), dtype=float32
        What each neighbour adds to the anime they have seen, before the discount for popularity.
    """

    scores: Vector
    weights: Vector
    _gram: Matrix
    _theirs: SeenLists
    _idf: Vector
    _discounts: Vector

    def contributions(self, seen_rows: NDArray[np.integer], anime_rows: NDArray[np.integer]) -> Matrix:
        """Split the scores of some anime into what each anime of the list adds.

        The weights are linear in the list, so the parts add up exactly.

        Parameters
        ----------
        seen_rows : ndarray of shape (n,), dtype=integer
            The list that the weights were fitted to.
        anime_rows : ndarray of shape (m,), dtype=integer
            No row twice.

        Returns
        -------
        ndarray of shape (m, n), dtype=float32
        """
        if not len(self._theirs.rows):
            return np.zeros((len(anime_rows), len(seen_rows)), dtype=np.float32)
        holders = self._holders(anime_rows) * self._discounts[anime_rows]  # (k, m)
        owners = self._holders(seen_rows) * self._idf[seen_rows]  # (k, n)
        contributions: Matrix = (np.linalg.solve(self._gram, holders).T @ owners).astype(np.float32)
        return contributions

    def _holders(self, rows: NDArray[np.integer]) -> Matrix:
        """Mark which neighbour has seen which of some anime, shape (n_neighbours, n)."""
        place_of = np.full(len(self._idf), -1, dtype=np.int32)
        place_of[rows] = np.arange(len(rows))
        places = place_of[self._theirs.rows]
        kept = np.flatnonzero(places >= 0)
        held = np.zeros((len(self.weights), len(rows)), dtype=np.float32)
        held[self._theirs.owners[kept], places[kept]] = 1.0
        return held


class NeighbourRegression:
    """Fits the weights of neighbours. Make it once per model.

    Parameters
    ----------
    popularity : ndarray of shape (n_anime,), dtype=integer
        How many lists hold each anime, plans left out.
    """

    def __init__(self, popularity: NDArray[np.integer]) -> None:
        counts = np.maximum(popularity, 1).astype(np.float64)
        self._idf: Vector = (counts**-IDF_POWER).astype(np.float32)
        self._roots: Vector = np.sqrt(self._idf)
        self._discounts: Vector = (counts**-POPULARITY_POWER).astype(np.float32)

    def fit(self, seen_rows: NDArray[np.integer], theirs: SeenLists) -> WeightedNeighbours:
        """Write a list as a sum of neighbours' lists.

        Parameters
        ----------
        seen_rows : ndarray of shape (n,), dtype=integer
            What the user has seen.
        theirs : SeenLists
            What each of the most similar users has seen.
        """
        n_anime, k = len(self._discounts), len(theirs)
        idf = self._idf[theirs.rows]
        gram = self._overlaps(theirs)
        diagonal = np.arange(k)
        gram[diagonal, diagonal] = theirs.sum_up(idf)
        gram[diagonal, diagonal] += np.float32(RIDGE) * (np.trace(gram) / np.float32(max(k, 1)) + np.float32(1e-6))
        mine = np.zeros(n_anime, dtype=np.float32)
        mine[seen_rows] = 1.0
        overlap = theirs.sum_up(idf * mine[theirs.rows])
        weights: Vector = np.linalg.solve(gram, overlap) if k else np.zeros(0, dtype=np.float32)
        scores = np.bincount(theirs.rows, weights[theirs.owners], minlength=n_anime) * self._discounts
        return WeightedNeighbours(scores.astype(np.float32), weights, gram, theirs, self._idf, self._discounts)

    def _overlaps(self, theirs: SeenLists) -> Matrix:
        """Tell how much each two neighbours have in common, shape (k, k); the diagonal holds nothing of use."""
        # What one neighbour alone has seen is in common with nobody: it goes into one column that is then left out.
        is_shared = np.bincount(theirs.rows, minlength=len(self._roots)) > 1
        shared = np.flatnonzero(is_shared)
        column_of = np.full(len(is_shared), len(shared))
        column_of[shared] = np.arange(len(shared))
        width = len(shared) + 1
        holds = np.zeros(len(theirs) * width, dtype=np.float32)
        holds[theirs.owners * width + column_of[theirs.rows]] = 1.0
        weighted = holds.reshape(len(theirs), width)[:, :-1] * self._roots[shared]
        gram: Matrix = weighted @ weighted.T
        return gram
