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
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg import lapack

from training.errors import InputError
from training.evaluation.scorers import Rows, Scores, lists_matrix
from training.lists.interactions import Interactions

# Tuned on validation users: docs/benchmark.md.
EASE_L2: Final = 300.0
EDLAE_DROPOUT: Final = 0.2
EDLAE_L2: Final = 100.0
_BLOCK: Final = 1024


@dataclass
class WeightsScorer:
    """Item-to-item weights: a list scores an anime by the sum of its titles' weights for it.

    Attributes
    ----------
    weights : ndarray of shape (n_anime, n_anime), dtype=float32
        Row: the anime that is known. Column: the anime it speaks for. Zero diagonal.
    """

    weights: NDArray[np.float32]
    name: str
    generalisation: Literal["strong", "weak"] = "strong"

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
    gram = _gram_matrix(train.seen_matrix())
    gram[np.diag_indices_from(gram)] += np.float32(l2)
    return WeightsScorer(_weights_of(gram), "EASE")


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
    gram = _gram_matrix(train.seen_matrix())
    diagonal = np.diag_indices_from(gram)
    gram[diagonal] += np.float32(dropout / (1.0 - dropout)) * gram[diagonal] + np.float32(l2)
    return WeightsScorer(_weights_of(gram), "EDLAE")


def _gram_matrix(seen: sp.csr_matrix) -> NDArray[np.float32]:
    """Count who has seen both, for every pair of anime: X'X, dense."""
    n_anime = seen.shape[1]
    by_anime = seen.T.tocsr()
    gram = np.empty((n_anime, n_anime), dtype=np.float32)
    for start in range(0, n_anime, _BLOCK):
        gram[start : start + _BLOCK] = (by_anime[start : start + _BLOCK] @ seen).toarray()
    return gram


def _weights_of(gram: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn the penalised gram matrix into weights, in its own memory: B = I - P / diag(P), P its inverse."""
    # The matrix is symmetric, so its transpose is itself in the order that LAPACK works on without a copy.
    inverse = _require_success(*lapack.spotrf(gram.T, lower=1, clean=0, overwrite_a=1))
    inverse = _require_success(*lapack.spotri(inverse, lower=1, overwrite_c=1)).T
    # What LAPACK's lower half is in its order is the upper half in numpy's.
    for start in range(0, len(inverse), _BLOCK):
        end = start + _BLOCK
        inverse[end:, start:end] = inverse[start:end, end:].T
        corner = inverse[start:end, start:end]
        corner[...] = np.triu(corner) + np.triu(corner, 1).T
    inverse /= -np.diag(inverse).copy()
    np.fill_diagonal(inverse, 0.0)
    return inverse


def _require_success(matrix: Any, info: int) -> NDArray[np.float32]:
    if info:
        raise InputError("the penalty of EASE is too small for these lists: its matrix is singular; raise l2")
    result: NDArray[np.float32] = matrix
    return result
