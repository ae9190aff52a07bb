"""Products of a few rows of a sparse matrix with all of its rows, written where they are wanted: in a dense block."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from training.similar_anime.pair_sums import Block
from training.support.compiled import compiled


@dataclass(frozen=True)
class SparseRows:
    """A sparse matrix whose rows are multiplied with each other, some at a time.

    scipy makes a sparse matrix of such a product, and then a dense one of that: three quarters of its time.

    Attributes
    ----------
    by_row : scipy.sparse.csr_matrix of shape (n, n_columns), dtype=float32
    by_column : scipy.sparse.csr_matrix of shape (n_columns, n), dtype=float32
        The same, transposed.
    """

    by_row: sp.csr_matrix
    by_column: sp.csr_matrix

    @classmethod
    def of(cls, matrix: sp.csr_matrix) -> "SparseRows":
        """Take a matrix.

        Parameters
        ----------
        matrix : scipy.sparse.csr_matrix of shape (n, n_columns), dtype=float32
        """
        return cls(matrix, sp.csr_matrix(matrix.T))

    def products(self, rows: NDArray[np.integer[Any]]) -> Block:
        """Multiply some rows with all.

        Parameters
        ----------
        rows : ndarray of shape (b,), dtype=integer

        Returns
        -------
        ndarray of shape (b, n), dtype=float32
        """
        block = np.zeros((len(rows), self.by_row.shape[0]), dtype=np.float32)
        lines = (self.by_row.indptr, self.by_row.indices, self.by_row.data)
        columns = (self.by_column.indptr, self.by_column.indices, self.by_column.data)
        _add_products(*lines, *columns, np.asarray(rows, dtype=np.int64), block)
        return block


@compiled
def _add_products(  # noqa: PLR0913, PLR0917 - compiled code takes arrays, not objects
    starts: Any,
    columns: Any,
    values: Any,
    column_starts: Any,
    column_rows: Any,
    column_values: Any,
    rows: Any,
    block: Any,
) -> None:  # pragma: no cover - compiled
    for number in range(len(rows)):
        products = block[number]
        for entry in range(starts[rows[number]], starts[rows[number] + 1]):
            column, value = columns[entry], values[entry]
            for place in range(column_starts[column], column_starts[column + 1]):
                products[column_rows[place]] += value * column_values[place]
