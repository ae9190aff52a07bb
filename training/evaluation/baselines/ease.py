"""EASE and EDLAE: the best item-to-item weights with a zero diagonal, in closed form and dense.

Both minimise ``||X - X B||^2`` with a penalty on B and ``diag(B) = 0``; EDLAE's grows with an anime's popularity.

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

from models.scoring.user_list import UserList
from training.evaluation.scorers import Scorer, Scores, lists_matrix
from training.item_weights.closed_form import dense_weights, invert_gram
from training.item_weights.co_counts import co_counts
from training.lists.interactions import Interactions

# Tuned on validation users: docs/benchmark.md.
EASE_L2: Final = 300.0
EDLAE_DROPOUT: Final = 0.2
EDLAE_L2: Final = 100.0


@dataclass
class WeightsScorer(Scorer):
    """Item-to-item weights: a list scores an anime by the sum of its titles' weights for it."""

    weights: NDArray[np.float32]  # row: the known anime; column: the one it scores. Zero diagonal
    name: str

    def score_list(self, _user_row: int, known: UserList) -> Scores:
        """Sum the rows of the list."""
        scores: Scores = self.weights[known.seen_rows].sum(axis=0)
        return scores

    def score_lists(self, _user_rows: NDArray[np.int64], inputs: Sequence[UserList]) -> Scores:
        """Sum the rows of each list."""
        scores: Scores = lists_matrix(inputs, len(self.weights)) @ self.weights
        return scores

    def score_similar(self, anime_row: int) -> Scores:
        """Return the weights of the anime."""
        scores: Scores = self.weights[anime_row]
        return scores


def fit_ease(train: Interactions, l2: float = EASE_L2) -> WeightsScorer:
    """Fit EASE; `l2` is positive."""
    return replace(fit_edlae(train, 0.0, l2), name="EASE")


def fit_edlae(train: Interactions, dropout: float = EDLAE_DROPOUT, l2: float = EDLAE_L2) -> WeightsScorer:
    """Fit EDLAE with full emphasis on what was dropped (a = 1, b = 0 in the paper); without dropout it is EASE."""
    return WeightsScorer(dense_weights(invert_gram(co_counts(train), dropout, l2, "l2")), "EDLAE")
