"""The autoencoder's teacher: what each anime on a list says for every other."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from models.scoring.items import ItemWeights
from training.item_weights import DenseInverse, dense_weights, fit_item_weights, invert_popular
from training.reranking.config import ItemsConfig

Matrix = NDArray[np.float32]


class Teacher:
    """All weights among the anime on most lists, and the few largest for each of the others.

    Parameters
    ----------
    dense : DenseInverse
    weights : ItemWeights
        Of the same lists.
    """

    def __init__(self, dense: DenseInverse, weights: ItemWeights) -> None:
        self.n_anime = len(weights.rows)
        self._rows = dense.rows
        self._block = dense_weights(dense.inverse)
        others = np.setdiff1d(np.arange(self.n_anime), dense.rows)
        speakers, values = weights.rows[others], weights.values[others]
        places = (speakers.ravel(), np.repeat(others, speakers.shape[1]))
        shape = (self.n_anime, self.n_anime)
        self._sparse: Any = sp.csr_matrix((values.ravel(), places), shape=shape)
        self._sparse_transposed: Any = self._sparse.T.tocsr()

    def times(self, matrix: Matrix) -> Matrix:
        """Multiply the weights with a matrix.

        Parameters
        ----------
        matrix : ndarray of shape (n_anime, n), dtype=float32

        Returns
        -------
        ndarray of shape (n_anime, n), dtype=float32
        """
        product: Matrix = self._sparse @ matrix
        product[self._rows] += self._block @ matrix[self._rows]
        return product

    def transposed_times(self, matrix: Matrix) -> Matrix:
        """Multiply the transposed weights with a matrix.

        Parameters
        ----------
        matrix : ndarray of shape (n_anime, n), dtype=float32

        Returns
        -------
        ndarray of shape (n_anime, n), dtype=float32
        """
        product: Matrix = self._sparse_transposed @ matrix
        product[self._rows] += self._block.T @ matrix[self._rows]
        return product

    def said_by(self, anime_rows: NDArray[np.integer]) -> Matrix:
        """Give what some anime say for every other.

        Parameters
        ----------
        anime_rows : ndarray of shape (n,), dtype=integer

        Returns
        -------
        ndarray of shape (n, n_anime), dtype=float32
            0 for an anime and itself.
        """
        said: Matrix = self._sparse[anime_rows].toarray()
        places = np.minimum(np.searchsorted(self._rows, anime_rows), len(self._rows) - 1)
        dense = np.flatnonzero(self._rows[places] == anime_rows)
        said[dense[:, None], self._rows] += self._block[places[dense]]
        return said


def fit_teacher(counts: Matrix, config: ItemsConfig) -> Teacher:
    """Learn a teacher where nothing else needs item weights: with those proposed first, which are not cut.

    Parameters
    ----------
    counts : ndarray of shape (n_anime, n_anime), dtype=float32
        From :func:`training.co_counts.co_counts`.
    config : ItemsConfig

    Returns
    -------
    Teacher
    """
    dense = invert_popular(counts, config)
    few = config.model_copy(update={"n_proposed": config.n_weights})
    return Teacher(dense, fit_item_weights(counts, dense, few))
