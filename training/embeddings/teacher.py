"""The autoencoder's teacher: item weights of all pairs of anime."""

from typing import Any, Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from models.scoring.items import ItemWeights
from training.item_weights.closed_form import DenseInverse, dense_weights
from training.item_weights.config import ItemsConfig
from training.item_weights.fit import fit_on_support, invert_popular, propose_alone

Matrix = NDArray[np.float32]

# Size of the support of an anime on few lists, where only a teacher is learned; more teach no better.
_N_SUPPORT: Final = 50


class Teacher:
    """All weights among the anime on most lists, and the few largest for each of the others."""

    def __init__(self, dense: DenseInverse, support: NDArray[np.int32], values: Matrix) -> None:
        # Support and values of the other anime, shape (n_others, k).
        self.n_anime = len(dense.rows) + len(support)
        self._rows = dense.rows
        self._block = dense_weights(dense.inverse)
        others = dense.others(self.n_anime)
        places = (support.ravel(), np.repeat(others, support.shape[1]))
        shape = (self.n_anime, self.n_anime)
        self._sparse: Any = sp.csr_matrix((values.ravel(), places), shape=shape)
        self._sparse_transposed: Any = self._sparse.T.tocsr()

    @classmethod
    def of_weights(cls, dense: DenseInverse, weights: ItemWeights) -> "Teacher":
        """Make one of the item weights of all anime; `dense` is of the same lists."""
        others = dense.others(len(weights.rows))
        return cls(dense, weights.rows[others], weights.values[others])

    def times(self, matrix: Matrix) -> Matrix:
        """Multiply the weights with a matrix of shape (n_anime, n)."""
        product: Matrix = self._sparse @ matrix
        product[self._rows] += self._block @ matrix[self._rows]
        return product

    def transposed_times(self, matrix: Matrix) -> Matrix:
        """Multiply the transposed weights with a matrix of shape (n_anime, n)."""
        product: Matrix = self._sparse_transposed @ matrix
        product[self._rows] += self._block.T @ matrix[self._rows]
        return product

    def weights_of(self, anime_rows: NDArray[np.integer]) -> Matrix:
        """Return the weights of n anime for every other, shape (n, n_anime); 0 for an anime itself."""
        weights: Matrix = self._sparse[anime_rows].toarray()
        places = np.minimum(np.searchsorted(self._rows, anime_rows), len(self._rows) - 1)
        dense = np.flatnonzero(self._rows[places] == anime_rows)
        weights[dense[:, None], self._rows] += self._block[places[dense]]
        return weights


def fit_teacher(counts: Matrix, config: ItemsConfig) -> Teacher:
    """Fit a teacher where no other model needs item weights: of the supports proposed without an inverse."""
    dense = invert_popular(counts, config)
    others = dense.others(len(counts))
    support = propose_alone(counts, others, min(_N_SUPPORT, len(counts) - 1), config.l2)
    return Teacher(dense, support, fit_on_support(counts, support, config.dropout, config.l2, others))
