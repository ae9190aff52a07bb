"""The directions in which the scores of a linear model differ most between users.

References
----------
Halko, Martinsson, Tropp, "Finding Structure with Randomness", SIAM Review 2011.
"""

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from models.cores import usable_cores
from training.embeddings.teacher import Teacher

Matrix = NDArray[np.float32]

_N_SPARE: Final = 10
_N_ROUNDS: Final = 3


def principal_directions(
    lists: sp.csr_matrix, teacher: Teacher, length_power: float, n_directions: int, rng: np.random.Generator
) -> tuple[Matrix, NDArray[np.float32]]:
    """Find the best low-rank space for the scores ``lists @ weights``.

    Each user is weighted by the list's length to the power of ``-length_power``, since long lists have large scores.
    Gives orthonormal columns, the strongest first, of shape (n_anime, min(n_directions, n_anime)), dtype=float32, and
    for each its energy, the sum of the squared scores along it.
    """
    n_anime = teacher.n_anime
    lengths = np.maximum(np.diff(lists.indptr), 1).astype(np.float32)
    scaled: Any = sp.diags(lengths**-length_power) @ lists
    n_columns = min(n_directions + _N_SPARE, n_anime)
    basis = np.linalg.qr(rng.normal(size=(n_anime, n_columns)).astype(np.float32))[0]
    with ThreadPoolExecutor(usable_cores()) as pool:
        by_user, by_anime = _Rows(scaled, pool), _Rows(scaled.T, pool)
        for _ in range(_N_ROUNDS):
            basis = np.linalg.qr(teacher.transposed_times(by_anime.times(by_user.times(teacher.times(basis)))))[0]
        scores = by_user.times(teacher.times(basis))  # (U, K)
    energies, turn = np.linalg.eigh(scores.T.astype(np.float64) @ scores)
    strongest = np.argsort(-energies)[:n_directions]
    directions: Matrix = (basis @ turn[:, strongest]).astype(np.float32)
    return directions, np.maximum(energies[strongest], 0.0).astype(np.float32)


class _Rows:
    """A sparse matrix in runs of rows, one per thread: scipy multiplies with one thread, without the lock."""

    def __init__(self, matrix: Any, pool: ThreadPoolExecutor) -> None:
        rows = matrix.tocsr()
        # Each with about as many entries.
        cuts = np.searchsorted(rows.indptr, np.linspace(0, rows.nnz, usable_cores() + 1)[1:-1]).tolist()
        self._parts = [rows[start:stop] for start, stop in itertools.pairwise([0, *cuts, rows.shape[0]])]
        self._pool = pool

    def times(self, matrix: Matrix) -> Matrix:
        return np.concatenate(list(self._pool.map(lambda part: part @ matrix, self._parts)))
