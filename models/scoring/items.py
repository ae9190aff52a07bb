"""Scoring by item-to-item weights, the same weights as evidence for the re-ranker, and what is seen together.

Each anime is scored by the few that support it most; their weights are fitted together (docs/experiments.md). Source:
Steck, "Autoencoders that don't overfit towards the Identity" (EDLAE), NeurIPS 2020.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.user_list import Support, join_ranges

Matrix = NDArray[np.float32]
Scores = NDArray[np.float32]

# Viewers who watch what all users watch, added to those of each title: Bell and Koren, "Scalable Collaborative
# Filtering with Jointly Derived Neighborhood Interpolation Weights", ICDM 2007.
SHRINKAGE: Final = 20.0
# A long list is represented by so many of its titles: as good (docs/experiments.md), in a third of the time.
MOST_CO_SEEN: Final = 64
# How many supporting anime are on the list is no feature: it means little for an unseen user, and leaked the answer
# to training users whose lists had decided the support of a rare anime (docs/experiments.md).
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


@dataclass(frozen=True)
class ItemWeights:
    """For every anime, the anime that support it most. All arrays have shape (n_anime, n_weights)."""

    rows: NDArray[np.int32]  # row j: the anime that support anime j; never j itself
    values: NDArray[np.float32]  # what each adds to the score of j when it is on a list; some are negative
    cosines: NDArray[np.float32]  # of the two anime's columns of who has seen them; no part of the score

    def score(self, support: Support) -> Scores:
        """Score every anime for a list; 0 for an anime that nothing on the list supports."""
        supported, values, starts = self.by_support
        rows = support.rows
        places = join_ranges(starts[rows], starts[rows + 1])
        weights = values[places] * np.repeat(support.weights, starts[rows + 1] - starts[rows])
        total = np.bincount(supported[places], weights, minlength=len(self.rows))
        scores: Scores = total.astype(np.float32)
        return scores

    @cached_property
    def by_support(self) -> tuple[NDArray[np.integer], Scores, NDArray[np.int64]]:
        """The weights by supporting anime: what each supports, ascending, the weights, and where each one's begin."""
        support = self.rows.ravel()
        # Sixteen bits sort in linear time.
        small = np.uint16 if len(self.rows) <= 1 << 16 else np.int32
        order = np.argsort(support.astype(small), kind="stable")
        supported = (order // max(self.rows.shape[1], 1)).astype(small)
        starts = np.concatenate(([0], np.cumsum(np.bincount(support, minlength=len(self.rows)))))
        return supported, self.values.ravel()[order], starts.astype(np.int64)

    def contributions(self, support: Support, anime_rows: NDArray[np.integer]) -> Scores:
        """Split the scores of some anime into what each anime of a list adds, shape (len(anime_rows), n_support)."""
        place_on_list = np.full(len(self.rows), -1, dtype=np.int64)
        place_on_list[support.rows] = np.arange(len(support.rows))
        places = place_on_list[self.rows[anime_rows]]  # (m, n_weights)
        contributions = np.zeros((len(anime_rows), len(support.rows)), dtype=np.float32)
        who, which = np.nonzero(places >= 0)
        contributions[who, places[who, which]] = self.values[anime_rows][who, which]
        return contributions * support.weights


def weights_of(bundle: Bundle) -> ItemWeights:
    """Give the item weights of a model, of width 0 where the bundle holds none."""
    return ItemWeights(bundle.item_weight_rows, bundle.item_weight_values, bundle.item_weight_cosines)


def weigh_evidence(weights: Matrix, cosines: Matrix, seen: Matrix, ratings: Matrix, dropped: Matrix) -> Matrix:
    """Sum up the evidence of a list for each candidate, shape (n_pairs, len(EVIDENCE)).

    All parameters have shape (n_pairs, n_weights), for the anime that support a candidate: ``seen`` is 1 where the
    list holds them, ``ratings`` are relative to the user's mean (0 where unrated or unseen), ``dropped`` is 1 where
    they were dropped or put on hold.
    """
    present = weights * seen
    strongest = np.argmax(present, axis=1)[:, None]
    ten = _highest(present, 10)
    columns = (
        present.sum(axis=1),
        np.take_along_axis(present, strongest, axis=1)[:, 0],
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


@dataclass(frozen=True)
class CoSeen:
    """How the share of users who have seen an anime changes among those who have seen another.

    Both arrays have shape (n_anime, n_co_seen).
    """

    rows: NDArray[np.int32]  # row i: the anime whose share changes most among those who have seen i
    values: NDArray[np.float32]  # by how much; some are negative

    def shares(self, support: Support, popularity: Scores) -> Scores:
        """Give how likely a user has seen each anime, by the mean over their list, or 64 of it from first to last.

        Parameters
        ----------
        support : Support
        popularity : ndarray of shape (n_anime,), dtype=float32
            Share of all users who have seen each anime: what is given for an empty list.

        Returns
        -------
        ndarray of shape (n_anime,), dtype=float32
            In [0, 1].
        """
        if not len(support.rows):
            return popularity
        n = len(support.rows)
        some = np.arange(n) if n <= MOST_CO_SEEN else np.arange(MOST_CO_SEEN) * (n - 1) // (MOST_CO_SEEN - 1)
        listed, weights = support.rows[some], support.weights[some]
        rows, values = self.rows[listed], self.values[listed] * weights[:, None]
        changes = np.bincount(rows.ravel(), values.ravel(), minlength=len(popularity)) / weights.sum()
        shares: Scores = np.clip(popularity + changes, 0.0, 1.0).astype(np.float32)
        return shares
