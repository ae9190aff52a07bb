"""Recommending the user-based way, by one of two rules, and the nearest users as evidence for the re-ranker.

``weighted``: what the most similar users have seen, each user with a fitted weight. The list is written as a sum of
the neighbours' lists, by a ridge regression, and what else that sum holds is recommended; similarity to a power would
count ten users of one kind ten times. ``top-quarter``, the rule of the notebook this project began with: what the
most similar users rate at or above their own 75th percentile.

References
----------
The user-based side of Ning and Karypis, "SLIM: Sparse Linear Methods for Top-N Recommender Systems", ICDM 2011, with
the ridge of Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019, on the nearest users only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.scoring.user_list import SeenLists, Support, UserList

Matrix = NDArray[np.float32]
Vector = NDArray[np.float32]

NeighbourRule = Literal["weighted", "top-quarter"]
DEFAULT_RULE: Final[NeighbourRule] = "weighted"

N_WEIGHTED_NEIGHBOURS: Final = 200
# Of the rule "top-quarter".
N_NEIGHBOURS: Final = 50
N_NEIGHBOURS_OF_RULE: Final[dict[NeighbourRule, int]] = {
    "weighted": N_WEIGHTED_NEIGHBOURS,
    "top-quarter": N_NEIGHBOURS,
}

# Of the mean square of the neighbours' lists.
RIDGE: Final = 2.0
# Rare titles show more of a taste: each counts in the regression by popularity to minus this power.
IDF_POWER: Final = 0.3
# Scores are divided by popularity to this power (0 would leave popular anime their lead, 1 take all of it).
POPULARITY_POWER: Final = 0.25

# Of the re-ranker: the few nearest users, and a wider neighbourhood.
NEIGHBOURHOOD_SIZES: Final = (25, 60)
# Near users outweigh the many far ones.
_SIMILARITY_POWER: Final = 4.0


@dataclass(frozen=True)
class WeightedNeighbours:
    """Scores by fitted neighbours, and how they came about."""

    scores: Vector  # (n_anime,), 0 for what no neighbour has seen; below 0 where those who have count against it
    weights: Vector  # (n_neighbours,), what each adds to what they have seen, before the discount for popularity
    _gram: Matrix
    _theirs: SeenLists
    _idf: Vector
    _discounts: Vector

    def contributions(self, support: Support, anime_rows: NDArray[np.integer]) -> Matrix:
        """Split the scores of some anime into what each anime of the list adds, shape (m, n).

        The weights are linear in the list that they were fitted to, ``support``, so the parts add up exactly.
        ``anime_rows`` holds no row twice.
        """
        if not len(self._theirs.rows):
            return np.zeros((len(anime_rows), len(support.rows)), dtype=np.float32)
        holders = self._holders(anime_rows) * self._discounts[anime_rows]  # (k, m)
        owners = self._holders(support.rows) * (self._idf[support.rows] * support.weights)  # (k, n)
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
    """Fits the weights of neighbours. Make it once per model, of how many lists hold each anime, plans left out."""

    def __init__(self, popularity: NDArray[np.integer]) -> None:
        counts = np.maximum(popularity, 1).astype(np.float64)
        self._idf: Vector = (counts**-IDF_POWER).astype(np.float32)
        self._roots: Vector = np.sqrt(self._idf)
        self._discounts: Vector = (counts**-POPULARITY_POWER).astype(np.float32)

    def fit(self, support: Support, theirs: SeenLists) -> WeightedNeighbours:
        """Write a user's list as a sum of what the most similar users have seen."""
        n_anime, k = len(self._discounts), len(theirs)
        idf = self._idf[theirs.rows]
        gram = self._overlaps(theirs)
        diagonal = np.arange(k)
        gram[diagonal, diagonal] = theirs.sum_up(idf)
        gram[diagonal, diagonal] += np.float32(RIDGE) * (np.trace(gram) / np.float32(max(k, 1)) + np.float32(1e-6))
        mine = np.zeros(n_anime, dtype=np.float32)
        mine[support.rows] = support.weights
        overlap = theirs.sum_up(idf * mine[theirs.rows])
        weights: Vector = np.linalg.solve(gram, overlap) if k else np.zeros(0, dtype=np.float32)
        scores = np.bincount(theirs.rows, weights[theirs.owners], minlength=n_anime) * self._discounts
        return WeightedNeighbours(scores.astype(np.float32), weights, gram, theirs, self._idf, self._discounts)

    def _overlaps(self, theirs: SeenLists) -> Matrix:
        """Give how much each two neighbours have in common, shape (k, k); the diagonal holds nothing of use."""
        # What only one neighbour has seen is in common with no other: it goes into one column that is then left out.
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


def neighbourhood_shares(n_anime: int, similarities: Vector, theirs: SeenLists) -> Matrix:
    """Give what share of each neighbourhood has seen each anime, shape (n_anime, len(NEIGHBOURHOOD_SIZES)).

    In [0, 1]; neighbours weigh by their similarity to a power, those at or below 0 not at all.
    """
    weights = np.maximum(similarities, 0.0).astype(np.float64) ** _SIMILARITY_POWER
    of_entries = np.repeat(weights, np.diff(theirs.ends))
    # As bincount wants them: of other integers it makes these by a slower way.
    rows = theirs.rows.astype(np.intp, copy=False)
    shares = np.empty((len(NEIGHBOURHOOD_SIZES), n_anime), dtype=np.float32)
    inner, start = np.zeros(n_anime), 0
    for column, end in enumerate(NEIGHBOURHOOD_SIZES):
        ring = slice(theirs.ends[min(start, len(theirs))], theirs.ends[min(end, len(theirs))])
        inner += np.bincount(rows[ring], weights=of_entries[ring], minlength=n_anime)
        start = end
        np.divide(inner, max(float(weights[:end].sum()), 1e-9), out=shares[column], casting="same_kind")
    return shares.T


@dataclass(frozen=True)
class NeighbourScores:
    """Scores by the rule "top-quarter", with who supports what."""

    scores: Vector  # (n_anime,), in [0, 1]: the share of the neighbours' similarity that supports an anime
    weights: Vector  # (n_neighbours,), what each adds to what they support; adds up to 1, or 0 without neighbours
    supported_rows: Sequence[NDArray[np.int32]]  # for each neighbour, the anime rows they support

    def supporters_of(self, anime_rows: Sequence[int]) -> list[NDArray[np.int64]]:
        """Find who supports each of some anime, no row twice: positions among the neighbours, most similar first."""
        owners = np.repeat(np.arange(len(self.supported_rows)), [len(rows) for rows in self.supported_rows])
        supported = np.concatenate([np.empty(0, dtype=np.int32), *self.supported_rows])
        wanted = np.zeros(len(self.scores), dtype=bool)
        wanted[np.asarray(anime_rows, dtype=np.int64)] = True
        kept = wanted[supported] & (self.weights[owners] > 0.0)
        supported, owners = supported[kept], owners[kept]
        return [owners[supported == row] for row in anime_rows]


def score_by_neighbours(n_anime: int, similarities: Vector, neighbour_lists: Sequence[UserList]) -> NeighbourScores:
    """Score every anime by what similar users rate at or above their own 75th percentile.

    ``similarities`` are the cosines of the neighbours, best first; those at or below 0 are left out.
    """
    kept = np.maximum(similarities, 0.0)
    total = float(kept.sum())
    weights = (kept / total if total > 0.0 else kept).astype(np.float32)
    supported = [neighbour.top_quarter_rows for neighbour in neighbour_lists]
    scores = np.zeros(n_anime, dtype=np.float32)
    for weight, rows in zip(weights, supported, strict=True):
        scores[rows] += weight
    # What all support may add up to a hair more than 1.
    return NeighbourScores(np.minimum(scores, np.float32(1.0)), weights, supported)
