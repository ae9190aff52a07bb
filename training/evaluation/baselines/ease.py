"""EASE and EDLAE: the best item-to-item weights with a zero diagonal, in closed form and dense.

Both minimise ``||X - X B||^2`` with a penalty on B and ``diag(B) = 0``. EASE's penalty is the same for every anime.
EDLAE's is the expectation of training on lists with a share of their titles dropped out, which weighs heavier on
anime that many have seen.

References
----------
Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019 (EASE).
Steck, "Autoencoders that don't overfit towards the Identity", NeurIPS 2020 (EDLAE).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.evaluation.scorers import Rows, Scorer, Scores, lists_matrix
from training.item_weights.co_counts import co_counts
from training.item_weights.fit import dense_weights, invert_gram
from training.lists.interactions import Interactions

# Tuned on validation users: docs/benchmark.md.
EASE_L2: Final = 300.0
EDLAE_DROPOUT: Final = 0.2
EDLAE_L2: Final = 100.0


@dataclass
class WeightsScorer(Scorer):
    """Item-to-item weights: a list scores an anime by the sum of its titles' weights for it.

    Attributes
    ----------
    weights : ndarray of shape (n_anime, n_anime), dtype=float32
        Row: the anime that is known. Column: the anime it speaks for. Zero diagonal.
    """

    weights: NDArray[np.float32]
    name: str

    def score_list(self, user_row: int, input_rows: Rows) -> Scores:
        """Add up the rows of the list."""
        del user_row
        scores: Scores = self.weights[input_rows].sum(axis=0)
        return scores

    def score_lists(self, user_rows: NDArray[np.int64], inputs: Sequence[Rows]) -> Scores:
        """Add up the rows of each list."""
        del user_rows
        scores: Scores = lists_matrix(inputs, len(self.weights)) @ self.weights
        return scores

    def score_similar(self, anime_row: int) -> Scores:
        """Give the weights of a list that holds this anime alone."""
        scores: Scores = self.weights[anime_row]
        return scores


def fit_ease(train: Interactions, l2: float = EASE_L2) -> WeightsScorer:
    """Fit EASE.

    Parameters
    ----------
    train : Interactions
    l2 : float, optional
        Positive.

    Raises
    ------
    InputError
        If the penalty is too small for the data.
    """
    return replace(fit_edlae(train, 0.0, l2), name="EASE")


def fit_edlae(train: Interactions, dropout: float = EDLAE_DROPOUT, l2: float = EDLAE_L2) -> WeightsScorer:
    """Fit EDLAE with full emphasis on what was dropped (a = 1, b = 0 in the paper).

    Parameters
    ----------
    train : Interactions
    dropout : float, optional
        Share of a list that is dropped from the input, in [0, 1). 0 is EASE.
    l2 : float, optional
        Positive.

    Raises
    ------
    InputError
        If the penalty is too small for the data.
    """
    return WeightsScorer(dense_weights(invert_gram(co_counts(train), dropout, l2, "l2")), "EDLAE")
