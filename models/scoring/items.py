"""Scoring by item-to-item weights, the same weights as evidence for the re-ranker, and what is seen together.

Each anime is scored by the few that support it most; their weights are fitted together (docs/experiments.md). Source:
Steck, "Autoencoders that don't overfit towards the Identity" (EDLAE), NeurIPS 2020.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.user_list import Support, join_ranges

Matrix = NDArray[np.float32]
Scores = NDArray[np.float32]

# Viewers who watch what all users watch, added to those of each title: Bell and Koren, "Scalable Collaborative
# Filtering with Jointly Derived Neighborhood Interpolation Weights", ICDM 2007.
SHRINKAGE: Final = 20.0
# A long list is represented by so many of its titles: as good (docs/experiments.md), in a fifth of the time.
MOST_CO_SEEN: Final = 32
# Of the strongest weights, those that one feature adds up.
_MOST_SUMMED: Final = 10
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
)


@dataclass(frozen=True)
class ItemWeights:
    """For every anime, the anime that support it most. All arrays have shape (n_anime, n_weights)."""

    rows: NDArray[np.int32]  # row j: the anime that support anime j; never j itself
    values: NDArray[np.float32]  # what each adds to the score of j when it is on a list; some are negative

    def score(self, support: Support) -> Scores:
        """Score every anime for a list; 0 for an anime that nothing on the list supports."""
        return self.of(support.rows).score(support.weights)

    def of(self, rows: NDArray[np.integer]) -> "WeightsOfList":
        """Pick the weights of what some anime support; no row twice."""
        entries, starts = self.by_support
        first, last = starts[rows], starts[rows + 1]
        found = entries[join_ranges(first, last)]
        which = np.repeat(np.arange(len(rows)), last - first)
        # As numpy wants an index: it would be turned into one at each look.
        return WeightsOfList(self.rows.shape, which, found["supported"].astype(np.intp), found["value"])

    @cached_property
    def by_support(self) -> tuple[NDArray[np.void], NDArray[np.int64]]:
        """The weights by supporting anime: what each supports, ascending, by what weight, and where each one's begin.

        What belongs together lies together: a list looks at places all over the memory, and waits at each.
        """
        support = self.rows.ravel()
        # Sixteen bits sort in linear time.
        small = np.uint16 if len(self.rows) <= 1 << 16 else np.int32
        order = np.argsort(support.astype(small), kind="stable")
        entries = np.empty(len(order), dtype=[("supported", np.int32), ("value", np.float32)])
        entries["supported"] = order // max(self.rows.shape[1], 1)
        entries["value"] = self.values.ravel()[order]
        starts = np.concatenate(([0], np.cumsum(np.bincount(support, minlength=len(self.rows)))))
        return entries, starts.astype(np.int64)

    def contributions(self, support: Support, anime_rows: NDArray[np.integer]) -> Scores:
        """Split the scores of some anime into what each anime of a list adds, shape (len(anime_rows), n_support)."""
        place_on_list = np.full(len(self.rows), -1, dtype=np.int64)
        place_on_list[support.rows] = np.arange(len(support.rows))
        places = place_on_list[self.rows[anime_rows]]  # (m, n_weights)
        contributions = np.zeros((len(anime_rows), len(support.rows)), dtype=np.float32)
        who, which = np.nonzero(places >= 0)
        contributions[who, places[who, which]] = self.values[anime_rows][who, which]
        return contributions * support.weights


@dataclass(frozen=True)
class WeightsOfList:
    """The item weights of what a list supports, end to end, in arrays of shape (n,)."""

    shape: tuple[int, ...]  # (n_anime, n_weights)
    which: NDArray[np.int64]  # which of the list supports, ascending
    supported: NDArray[np.integer]  # anime row
    values: Scores

    def score(self, counts: Scores) -> Scores:
        """Score every anime, shape (n_anime,), where each of the list counts something, shape (n_list,)."""
        total = np.bincount(self.supported, self.values * counts[self.which], minlength=self.shape[0])
        return total.astype(np.float32)

    def evidence(self, candidates: NDArray[np.integer], counts: Scores, ratings: Scores, dropped: Scores) -> Matrix:
        """Sum up the evidence of the list for m candidates, shape (len(EVIDENCE), m).

        Of what is on the list there are three arrays of shape (n_list,): what it counts, its rating relative to the
        user's mean (0 where unrated), and 1 where it was dropped or put on hold.
        """
        m = len(candidates)
        place_of = np.full(self.shape[0], -1, dtype=np.min_scalar_type(-m - 1))
        place_of[candidates] = np.arange(m)
        owners = place_of[self.supported]
        kept = np.flatnonzero(owners >= 0)
        # Candidate by candidate: sixteen bits sort in linear time.
        kept = kept[np.argsort(owners[kept], kind="stable")]
        owners, which, values = owners[kept].astype(np.intp), self.which[kept], self.values[kept]
        sizes = np.bincount(owners, minlength=m)
        slots = np.arange(len(kept)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        counted, rated = counts[which], ratings[which]
        strengths = values * counted
        # Zeros stand for the weights of what is not on the list, as many of them as can be among the strongest.
        width = min(int(sizes.max(initial=0)) + _MOST_SUMMED, self.shape[1])
        weights = np.zeros((m, width), dtype=np.float32)
        weights.ravel()[owners * width + slots] = strengths
        weights.sort(axis=1)
        strongest = weights[:, -1]
        # Backwards, so that of equals the first is what stays.
        leading = np.flatnonzero((strengths > 0.0) & (strengths == strongest[owners]))[::-1]
        rating_of_strongest = np.zeros(m, dtype=np.float32)
        rating_of_strongest[owners[leading]] = rated[leading]

        def add_up(parts: Scores) -> NDArray[Any]:
            return np.bincount(owners, parts, minlength=m)

        columns = (
            add_up(strengths),
            strongest,
            weights[:, -3:].sum(axis=1),
            weights[:, -_MOST_SUMMED:].sum(axis=1),
            add_up(values * rated),
            rating_of_strongest,
            add_up(values * dropped[which]),
            add_up(values * (rated >= 0.75)),
        )
        return np.array(columns, dtype=np.float32)


def weights_of(bundle: Bundle) -> ItemWeights:
    """Give the item weights of a model, of width 0 where the bundle holds none."""
    return ItemWeights(bundle.item_weight_rows, bundle.item_weight_values)


@dataclass(frozen=True)
class CoSeen:
    """How the share of users who have seen an anime changes among those who have seen another.

    Both arrays have shape (n_anime, n_co_seen).
    """

    rows: NDArray[np.int32]  # row i: the anime whose share changes most among those who have seen i
    values: NDArray[np.float32]  # by how much; some are negative

    def shares(self, support: Support, popularity: Scores) -> Scores:
        """Give how likely a user has seen each anime, by the mean over their list, or 32 of it from first to last.

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
        # As bincount wants them: of other integers it makes these by a slower way.
        rows, values = self.rows[listed].astype(np.intp), self.values[listed] * weights[:, None]
        shares = np.bincount(rows.ravel(), values.ravel(), minlength=len(popularity)) / weights.sum()
        shares += popularity
        clipped: Scores = np.clip(shares, 0.0, 1.0).astype(np.float32)
        return clipped
