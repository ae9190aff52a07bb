"""Item-to-item weights in closed form: the inverse of regularised co-counts.

References
----------
Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (EASE), WWW 2019.
Steck, "Autoencoders that don't overfit towards the Identity" (EDLAE), NeurIPS 2020: dropping a share p of every list
from the input is the same as adding p / (1 - p) times each anime's count to the regularisation of its diagonal.
"""

from dataclasses import dataclass

import numpy as np
import scipy.linalg as la
from numpy.typing import NDArray

from training.errors import InputError
from training.item_weights.co_counts import Square, mirror


@dataclass(frozen=True)
class DenseInverse:
    """The inverse of the regularised co-counts of the anime on most lists.

    The EDLAE weight of anime i for anime j is ``-inverse[i, j] / inverse[j, j]``, and 0 where i is j. The cost of an
    inverse grows with the cube of its size, and the thousands of anime on few lists add nothing measurable
    (docs/experiments.md), so they are left out.
    """

    rows: NDArray[np.int64]  # which anime, ascending
    inverse: Square  # shape (n_dense, n_dense), symmetric and positive definite

    def others(self, n_anime: int) -> NDArray[np.int64]:
        """Return the rows of all anime that are not in it, ascending."""
        return np.setdiff1d(np.arange(n_anime), self.rows)


def invert_gram(counts: Square, dropout: float, l2: float, settings: str = "items.l2 or items.dropout") -> Square:
    """Invert co-counts, regularised with l2 > 0 and as if a share `dropout` of each list were hidden from the input.

    The inverse, of shape (n, n) and dtype float32 as ``counts``, is symmetric and positive definite. ``settings`` is
    what the error message advises to raise.

    Raises
    ------
    InputError
        If the regularised matrix is not positive definite: l2 is too small for anime on nearly the same lists.
    """
    regularised = np.array(counts, dtype=np.float32, order="F")
    regularised[np.diag_indices_from(regularised)] += regularisation(counts, dropout, l2)
    # The upper triangle by columns is the lower one by rows, which is what is mirrored.
    factor, failed = la.lapack.spotrf(regularised, lower=0, overwrite_a=1, clean=0)
    if failed:
        raise InputError(no_solution_message(dropout, l2, settings))
    inverse: Square = la.lapack.spotri(factor, lower=0, overwrite_c=1)[0].T
    mirror(inverse)
    return inverse


def no_solution_message(dropout: float, l2: float, settings: str) -> str:
    """Return the error message for item weights without a solution."""
    return (
        "item weights have no solution: expected a penalty that separates anime on nearly the same lists, received "
        f"{l2:g} with a dropout of {dropout:g}; raise --set {settings}"
    )


def regularisation(counts: Square, dropout: float, l2: float) -> NDArray[np.float32]:
    """Return what EDLAE adds to the diagonal of the co-counts, shape (n_anime,)."""
    added: NDArray[np.float32] = (dropout / (1.0 - dropout) * np.diag(counts) + l2).astype(np.float32)
    return added


def dense_weights(inverse: Square) -> Square:
    """Return the EDLAE weights of an inverse: row i holds those of anime i for the others, the diagonal is 0."""
    weights: Square = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return weights
