"""Item-to-item weights: what each anime on a list says for every other. Learned in closed form.

References
----------
Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (EASE), WWW 2019.
Steck, "Autoencoders that don't overfit towards the Identity" (EDLAE), NeurIPS 2020: dropping a share p of every list
from the input is the same as adding p / (1 - p) times each anime's count to the regularisation of its diagonal.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.linalg as la
from numpy.typing import NDArray

from training.interactions import Interactions

Square = NDArray[np.float32]

_USERS_PER_BLOCK: Final = 1024


def co_counts(train: Interactions) -> Square:
    """Count how many lists hold both anime of every pair.

    Parameters
    ----------
    train : Interactions
        Plan-to-watch is left out.

    Returns
    -------
    ndarray of shape (n_anime, n_anime), dtype=float32
        Symmetric; the diagonal counts the lists that hold an anime.
    """
    seen: Any = train.seen_matrix()
    counts = np.zeros((train.n_anime, train.n_anime), dtype=np.float32, order="F")
    for start in range(0, train.n_users, _USERS_PER_BLOCK):
        block = seen[start : start + _USERS_PER_BLOCK].toarray()  # (B, N)
        # One triangle is enough: half of the arithmetic of a full product.
        counts = la.blas.ssyrk(1.0, block.T, beta=1.0, c=counts, trans=0, lower=1, overwrite_c=1)
    _mirror(counts)
    return counts


@dataclass(frozen=True)
class InverseGram:
    """What EDLAE learns in one step: the inverse of the regularised co-counts.

    The weight of anime i for anime j is ``-inverse[i, j] / inverse[j, j]``, and 0 where i is j.

    Attributes
    ----------
    inverse : ndarray of shape (n_anime, n_anime), dtype=float32
        Symmetric, positive definite.
    """

    inverse: Square

    def weights(self) -> Square:
        """Give all weights.

        Returns
        -------
        ndarray of shape (n_anime, n_anime), dtype=float32
            Row i holds what anime i says for each other; the diagonal is 0.
        """
        weights: Square = self.inverse / -np.diag(self.inverse)
        np.fill_diagonal(weights, 0.0)
        return weights


def invert_gram(counts: Square, dropout: float, l2: float) -> InverseGram:
    """Invert the regularised co-counts.

    Parameters
    ----------
    counts : ndarray of shape (n_anime, n_anime), dtype=float32
        From :func:`co_counts`. Left as it is.
    dropout : float
        Share p of each list that is hidden from the input, in [0, 1).
    l2 : float
        Added to the diagonal. Greater than 0.

    Returns
    -------
    InverseGram

    Raises
    ------
    numpy.linalg.LinAlgError
        If the regularised matrix is not positive definite.
    """
    regularised = np.array(counts, dtype=np.float32, order="F")
    diagonal = np.arange(len(counts))
    regularised[diagonal, diagonal] += dropout / (1.0 - dropout) * np.diag(counts) + l2
    factor, failed = la.lapack.spotrf(regularised, lower=1, overwrite_a=1, clean=0)
    if failed:
        raise np.linalg.LinAlgError(f"the co-counts with l2={l2} are not positive definite")
    inverse, _ = la.lapack.spotri(factor, lower=1, overwrite_c=1)
    _mirror(inverse)
    return InverseGram(inverse)


def _mirror(matrix: Square, block: int = 2048) -> None:
    """Copy the lower triangle to the upper one, in place and in blocks."""
    for start in range(0, len(matrix), block):
        end = start + block
        matrix[start:end, end:] = matrix[end:, start:end].T
        corner = matrix[start:end, start:end]
        corner[:] = np.tril(corner) + np.tril(corner, -1).T
