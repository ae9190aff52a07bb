"""Scoring by item-to-item weights: what each anime on a list says for every other.

References
----------
Steck, "Autoencoders that don't overfit towards the Identity" (EDLAE), NeurIPS 2020. Each anime hears only the anime
that say most for it, and their weights are fitted to each other once more (docs/experiments.md).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class ItemWeights:
    """For every anime, the anime that say most for it.

    Attributes
    ----------
    rows : ndarray of shape (n_anime, n_weights), dtype=int32
        Row j holds the anime rows that speak for anime j; never j itself.
    values : ndarray of shape (n_anime, n_weights), dtype=float32
        What each of them adds to the score of j when it is on a list. Some are negative.
    cosines : ndarray of shape (n_anime, n_weights), dtype=float32
        Cosine of the two anime's columns of who has seen them; no part of the score.
    """

    rows: NDArray[np.int32]
    values: NDArray[np.float32]
    cosines: NDArray[np.float32]

    def score(self, seen_rows: NDArray[np.integer]) -> Scores:
        """Score every anime for a list.

        Parameters
        ----------
        seen_rows : ndarray of shape (n,), dtype=integer
            What the user has seen. Order does not matter.

        Returns
        -------
        ndarray of shape (n_anime,), dtype=float32
            Zero for an anime that nothing on the list speaks for.
        """
        heard, values, starts = self.by_support
        bounds = list(zip(starts[seen_rows].tolist(), starts[seen_rows + 1].tolist(), strict=True))
        total = np.bincount(
            np.concatenate([heard[:0], *(heard[start:end] for start, end in bounds)]),
            np.concatenate([values[:0], *(values[start:end] for start, end in bounds)]),
            minlength=len(self.rows),
        )
        scores: Scores = total.astype(np.float32)
        return scores

    @cached_property
    def by_support(self) -> tuple[NDArray[np.integer], Scores, NDArray[np.int64]]:
        """The weights once more, by the anime that speaks: a list holds few of them, and all others add nothing.

        The anime that each anime supports, in ascending order, their weights, and where those of each begin.
        """
        support = self.rows.ravel()
        # Sixteen bits sort in linear time.
        small = np.uint16 if len(self.rows) <= 1 << 16 else np.int32
        order = np.argsort(support.astype(small), kind="stable")
        heard = (order // max(self.rows.shape[1], 1)).astype(small)
        starts = np.concatenate(([0], np.cumsum(np.bincount(support, minlength=len(self.rows)))))
        return heard, self.values.ravel()[order], starts.astype(np.int64)

    def contributions(self, seen_rows: NDArray[np.integer], anime_rows: NDArray[np.integer]) -> Scores:
        """Split the scores of some anime into what each anime of a list adds.

        Parameters
        ----------
        seen_rows : ndarray of shape (n,), dtype=integer
            What the user has seen.
        anime_rows : ndarray of shape (m,), dtype=integer
            Whose scores to split.

        Returns
        -------
        ndarray of shape (m, n), dtype=float32
            Each row adds up to the score of its anime.
        """
        place_on_list = np.full(len(self.rows), -1, dtype=np.int64)
        place_on_list[seen_rows] = np.arange(len(seen_rows))
        places = place_on_list[self.rows[anime_rows]]  # (m, n_weights)
        contributions = np.zeros((len(anime_rows), len(seen_rows)), dtype=np.float32)
        who, which = np.nonzero(places >= 0)
        contributions[who, places[who, which]] = self.values[anime_rows][who, which]
        return contributions


def weights_of(bundle: Bundle) -> ItemWeights:
    """Give the item weights of a model.

    Returns
    -------
    ItemWeights
        Of width 0 where the bundle holds none.
    """
    return ItemWeights(bundle.item_weight_rows, bundle.item_weight_values, bundle.item_weight_cosines)
