"""Item-to-item weights: what each anime on a list says for every other. Learned in closed form.

References
----------
Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (EASE), WWW 2019.
Steck, "Autoencoders that don't overfit towards the Identity" (EDLAE), NeurIPS 2020: dropping a share p of every list
from the input is the same as adding p / (1 - p) times each anime's count to the regularisation of its diagonal.
"""

from typing import Any, Final

import numpy as np
import scipy.linalg as la
from numpy.typing import NDArray

from models.scoring.items import ItemWeights
from training.interactions import Interactions
from training.reranking.config import ItemsConfig

Square = NDArray[np.float32]

_USERS_PER_BLOCK: Final = 1024
_TARGETS_PER_BLOCK: Final = 1024
# 100 systems of 200 x 200 are 16 MB.
_TARGETS_PER_SOLVE: Final = 100


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


def invert_gram(counts: Square, dropout: float, l2: float) -> Square:
    """Invert the regularised co-counts, which is all that EDLAE has to do.

    The weight of anime i for anime j is ``-inverse[i, j] / inverse[j, j]``, and 0 where i is j.

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
    ndarray of shape (n_anime, n_anime), dtype=float32
        Symmetric and positive definite.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the regularised matrix is not positive definite.
    """
    regularised = np.array(counts, dtype=np.float32, order="F")
    diagonal = np.arange(len(counts))
    regularised[diagonal, diagonal] += regularisation(counts, dropout, l2)
    factor, failed = la.lapack.spotrf(regularised, lower=1, overwrite_a=1, clean=0)
    if failed:
        raise np.linalg.LinAlgError(f"the co-counts with l2={l2} are not positive definite")
    inverse: Square = la.lapack.spotri(factor, lower=1, overwrite_c=1)[0]
    _mirror(inverse)
    return inverse


def regularisation(counts: Square, dropout: float, l2: float) -> NDArray[np.float32]:
    """Say what EDLAE adds to the diagonal of the co-counts.

    Parameters
    ----------
    counts : ndarray of shape (n_anime, n_anime), dtype=float32
    dropout : float
        In [0, 1).
    l2 : float

    Returns
    -------
    ndarray of shape (n_anime,), dtype=float32
    """
    added: NDArray[np.float32] = (dropout / (1.0 - dropout) * np.diag(counts) + l2).astype(np.float32)
    return added


def strongest_rows(inverse: Square, k: int) -> NDArray[np.int32]:
    """Find the anime with the largest weights for every anime.

    Parameters
    ----------
    inverse : ndarray of shape (n_anime, n_anime), dtype=float32
        From :func:`invert_gram`.
    k : int
        At most n_anime - 1.

    Returns
    -------
    ndarray of shape (n_anime, k), dtype=int32
        Ascending within a row; row j without j.
    """
    n_anime = len(inverse)
    strongest = np.empty((n_anime, k), dtype=np.int32)
    for start in range(0, n_anime, _TARGETS_PER_BLOCK):
        # All weights for j share a factor below zero, so the smallest of the inverse are the largest weights.
        block = inverse[start : start + _TARGETS_PER_BLOCK].copy()
        targets = np.arange(len(block))
        block[targets, start + targets] = np.inf
        strongest[start : start + len(block)] = np.sort(np.argpartition(block, k - 1, axis=1)[:, :k], axis=1)
    return strongest


def fit_on_speakers(counts: Square, rows: NDArray[np.int32], dropout: float, l2: float) -> NDArray[np.float32]:
    """Fit the weights of every anime to the few that speak for it.

    Cutting a dense solution down loses what the small weights corrected; fitting again among those that are left
    wins it back and more (docs/experiments.md).

    Parameters
    ----------
    counts : ndarray of shape (n_anime, n_anime), dtype=float32
    rows : ndarray of shape (n_anime, k), dtype=int32
        Who speaks for each anime.
    dropout, l2 : float
        As for :func:`invert_gram`.

    Returns
    -------
    ndarray of shape (n_anime, k), dtype=float32
    """
    n_anime, k = rows.shape
    flat, added = counts.reshape(-1, order="A"), regularisation(counts, dropout, l2)
    diagonal = np.arange(k)
    values = np.empty(rows.shape, dtype=np.float32)
    for start in range(0, n_anime, _TARGETS_PER_SOLVE):
        speakers = rows[start : start + _TARGETS_PER_SOLVE].astype(np.int64)  # (B, k)
        # The matrix is symmetric, so its memory order does not matter.
        among = np.take(flat, speakers[:, :, None] * n_anime + speakers[:, None, :])  # (B, k, k)
        among[:, diagonal, diagonal] += added[speakers]
        targets = np.arange(start, start + len(speakers))[:, None]
        with_target = np.take(flat, speakers * n_anime + targets)  # (B, k)
        solved = la.solve(among, with_target[:, :, None], assume_a="pos")
        values[start : start + len(speakers)] = solved[:, :, 0]
    return values


def fit_item_weights(counts: Square, config: ItemsConfig) -> ItemWeights:
    """Learn sparse item weights: dense ones propose who speaks for whom, the best of them are fitted and cut, twice.

    Parameters
    ----------
    counts : ndarray of shape (n_anime, n_anime), dtype=float32
        From :func:`co_counts`.
    config : ItemsConfig

    Returns
    -------
    ItemWeights
    """
    most = len(counts) - 1
    inverse = invert_gram(counts, config.dropout, config.l2)
    rows = strongest_rows(inverse, min(config.n_proposed, most))
    del inverse
    values = fit_on_speakers(counts, rows, config.dropout, config.l2)
    if config.n_weights < rows.shape[1]:
        # A weight moves scores by its size, as often as its anime is on a list.
        moved = np.abs(values) * np.sqrt(np.diag(counts))[rows]
        kept = np.argpartition(-moved, config.n_weights - 1, axis=1)[:, : config.n_weights]
        rows = np.sort(np.take_along_axis(rows, kept, axis=1), axis=1)
        values = fit_on_speakers(counts, rows, config.dropout, config.l2)
    return ItemWeights(rows, values, cosines_of(counts, rows))


def cosines_of(counts: Square, rows: NDArray[np.int32]) -> NDArray[np.float32]:
    """Give the cosine of every anime with those that speak for it.

    Parameters
    ----------
    counts : ndarray of shape (n_anime, n_anime), dtype=float32
    rows : ndarray of shape (n_anime, k), dtype=int32

    Returns
    -------
    ndarray of shape (n_anime, k), dtype=float32
        In [0, 1]; 0 for anime that nobody has seen.
    """
    norms = np.sqrt(np.maximum(np.diag(counts), 1.0))
    pairs = np.take_along_axis(counts, rows.astype(np.int64), axis=1)
    cosines: NDArray[np.float32] = (pairs / norms[rows] / norms[:, None]).astype(np.float32)
    return cosines


def _mirror(matrix: Square, block: int = 2048) -> None:
    """Copy the lower triangle to the upper one, in place and in blocks."""
    for start in range(0, len(matrix), block):
        end = start + block
        matrix[start:end, end:] = matrix[end:, start:end].T
        corner = matrix[start:end, start:end]
        corner[:] = np.tril(corner) + np.tril(corner, -1).T
