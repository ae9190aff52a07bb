"""Many small systems of equations, each of a few rows and columns of one large symmetric matrix.

Twice as fast as libraries, which copy the numbers first; scipy's solver also holds the interpreter's lock.

References
----------
Golub and Van Loan, "Matrix Computations", section 4.2.
"""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.support.compiled import compiled, on_all_threads


def solve_among(
    matrix: NDArray[np.float32],
    added: NDArray[np.float32],
    rows: NDArray[np.int32],
    targets: NDArray[np.integer],
) -> NDArray[np.float32]:
    """Solve ``(matrix[r, r] + diag(added[r])) x = matrix[r, t]`` for the rows r, all distinct, of every target t.

    ``matrix`` is symmetric, of shape (n, n), without negative eigenvalues; ``added``, of shape (n,), is greater than
    0. Gives x of the shape of ``rows``, (n_targets, k), dtype=float32.

    Raises
    ------
    numpy.linalg.LinAlgError
        If a system is not positive definite.
    """
    solved = np.empty(rows.shape, dtype=np.float32)
    whose = np.asarray(targets, dtype=np.int64)
    on_all_threads(partial(_solve_each, matrix, added, rows, whose, solved))
    if not np.isfinite(solved).all():
        raise np.linalg.LinAlgError("some of the co-counts with what is added are not positive definite")
    return solved


@compiled
def _solve_each(
    matrix: Any, added: Any, rows: Any, targets: Any, solved: Any, first: int, step: int
) -> None:  # pragma: no cover - compiled
    size = rows.shape[1]
    among = np.empty((size, size), np.float32)
    for number in range(first, len(rows), step):
        for place in range(size):
            line = matrix[rows[number, place]]
            # The upper triangle, by the lines above: each look-up is a cache miss.
            for other in range(place):
                among[other, place] = line[rows[number, other]]
            among[place, place] = line[rows[number, place]] + added[rows[number, place]]
            solved[number, place] = line[targets[number]]
        _factor(among)
        _substitute(among, solved[number])


@compiled
def _factor(matrix: Any) -> None:  # pragma: no cover - compiled
    """Turn the upper triangle into its Cholesky factor U (U'U), in place, or NaN; the rest becomes undefined."""
    size = len(matrix)
    # Four rows at a time, so that the rest of the matrix is read a quarter as often.
    for top in range(0, size, 4):
        bottom = min(top + 4, size)
        for row in range(top, bottom):
            # Slices that are gone through from 0: only then does the compiler use the vector unit.
            pivot = matrix[row, row:]
            # Compiled code raises an error where it divides by 0.
            scale = np.float32(1) / np.sqrt(pivot[0]) if pivot[0] > 0 else np.float32(np.nan)
            for place in range(len(pivot)):
                pivot[place] *= scale
            for below in range(row + 1, bottom):
                share = matrix[row, below]
                line, above = matrix[below, below:], matrix[row, below:]
                for place in range(len(line)):
                    line[place] -= share * above[place]
        if bottom < top + 4:
            break
        for below in range(bottom, size):
            # From a multiple of eight numbers on, which is what the vector unit takes. Those too many lie below the
            # diagonal: they may be anything, and are not used.
            start = below // 8 * 8
            a, b = matrix[top, start:], matrix[top + 1, start:]
            c, d = matrix[top + 2, start:], matrix[top + 3, start:]
            shares = matrix[top:bottom, below]
            p, q, r, s = shares[0], shares[1], shares[2], shares[3]
            line = matrix[below, start:]
            for place in range(len(line)):
                line[place] -= (p * a[place] + q * b[place]) + (r * c[place] + s * d[place])


@compiled
def _substitute(factor: Any, wanted: Any) -> None:  # pragma: no cover - compiled
    """Solve U'U x = wanted, in place."""
    size = len(wanted)
    for row in range(size):
        wanted[row] /= factor[row, row]
        rest, line = wanted[row + 1 :], factor[row, row + 1 :]
        for place in range(len(rest)):
            rest[place] -= wanted[row] * line[place]
    for row in range(size - 1, -1, -1):
        rest, line = wanted[row + 1 :], factor[row, row + 1 :]
        for place in range(len(rest)):
            wanted[row] -= line[place] * rest[place]
        wanted[row] /= factor[row, row]
