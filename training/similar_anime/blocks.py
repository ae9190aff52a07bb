"""Blocks of a few anime against all: all pairs at once would not fit into memory."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from training.support.compiled import compiled

# Shape: (b, n_anime)
Block = NDArray[np.float32]
Rows = NDArray[np.integer[Any]]


# Of these and all others each thread holds twenty kinds of evidence: a hundred megabytes for 17,562 anime.
_LENGTH: Final = 64


def in_blocks(rows: Rows) -> list[Rows]:
    """Cut rows into blocks of about the same length: products of a single row would round another way."""
    return np.array_split(rows, -(-len(rows) // _LENGTH)) if len(rows) else []


@dataclass(frozen=True)
class SparseRows:
    """A sparse matrix whose rows are multiplied with each other, some at a time.

    scipy makes a sparse matrix of such a product, and then a dense one of that: three quarters of its time.
    """

    # Shapes: (n, n_columns) and (n_columns, n), dtype=float32. Not always each other's transpose.
    by_row: sp.csr_matrix
    by_column: sp.csr_matrix

    @classmethod
    def of(cls, matrix: sp.csr_matrix) -> "SparseRows":
        """Take a matrix with itself."""
        return cls(matrix, sp.csr_matrix(matrix.T))

    def products(self, rows: Rows) -> Block:
        """Multiply some rows with all columns."""
        block = np.zeros((len(rows), self.by_column.shape[1]), dtype=np.float32)
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


def kth_largest(block: Block, k: int) -> NDArray[np.float32]:
    """Find the k-th largest value of every row, without NaN; the smallest where a row is shorter.

    Numpy's partition takes three times as long for the small k of this room.
    """
    found: NDArray[np.float32] = _kth_largest(np.ascontiguousarray(block), min(k, block.shape[1]))
    return found


@compiled
def _kth_largest(block: Any, k: int) -> Any:  # pragma: no cover - compiled
    found = np.empty(len(block), np.float32)
    best = np.empty(k, np.float32)
    for number in range(len(block)):
        row = block[number]
        best[:] = -np.inf
        for value in row:
            if value > best[k - 1]:
                place = k - 1
                while place > 0 and best[place - 1] < value:
                    best[place] = best[place - 1]
                    place -= 1
                best[place] = value
        found[number] = best[k - 1]
    return found
