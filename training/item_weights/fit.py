"""Item-to-item weights: sparse, of the few anime on a list that matter most for each other anime."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.cores import usable_cores
from models.scoring.items import ItemWeights
from training.errors import InputError
from training.item_weights.closed_form import DenseInverse, invert_gram, no_solution_message, regularisation
from training.item_weights.co_counts import Square
from training.item_weights.config import ItemsConfig
from training.item_weights.small_systems import solve_among

_TARGETS_PER_BLOCK: Final = 512
# Each holds a hundred megabytes.
_MAX_THREADS: Final = 4


def invert_popular(counts: Square, config: ItemsConfig) -> DenseInverse:
    """Invert the regularised co-counts of the anime on most lists."""
    rows = np.sort(np.argsort(-np.diag(counts), kind="stable")[: config.n_dense])
    return DenseInverse(rows, invert_gram(counts[np.ix_(rows, rows)], config.dropout, config.l2))


def propose_support(counts: Square, dense: DenseInverse, config: ItemsConfig) -> NDArray[np.int32]:
    """Propose for every anime those that may have the largest weights for it.

    Returns
    -------
    ndarray of shape (n_anime, min(n_proposed, n_anime - 1, n_dense - 1)), dtype=int32
        Ascending within a row; row j without j. By the weights of the inverse or, for anime that are not in it, by
        the weights that each would have alone.
    """
    k = min(config.n_proposed, len(dense.rows) - 1)
    proposed = np.empty((len(counts), k), dtype=np.int32)
    proposed[dense.rows] = dense.rows[strongest_rows(dense.inverse, k)]
    others = dense.others(len(counts))
    proposed[others] = propose_alone(counts, others, k, config.l2)
    return proposed


def propose_alone(counts: Square, targets: NDArray[np.int64], k: int, l2: float) -> NDArray[np.int32]:
    """Propose for each target the k anime, itself left out, that would have the largest weights alone, ascending."""
    scale = np.sqrt(np.diag(counts) + np.float32(l2))
    return _strongest(targets, k, lambda some: counts[some] / scale)


def strongest_rows(inverse: Square, k: int) -> NDArray[np.int32]:
    """Find the k < n anime with the largest weights for each of n; shape (n, k), ascending within a row."""
    # All weights for j share a factor below zero, so the smallest of the inverse are the largest weights.
    return _strongest(np.arange(len(inverse)), k, lambda some: -inverse[some])


def _strongest(
    targets: NDArray[np.int64], k: int, strengths_for: Callable[[NDArray[np.int64]], Square]
) -> NDArray[np.int32]:
    """Find the columns of the k largest strengths for each target, itself left out, ascending."""
    strongest = np.empty((len(targets), k), dtype=np.int32)

    def find(start: int) -> None:
        some = targets[start : start + _TARGETS_PER_BLOCK]
        strengths = strengths_for(some)
        strengths[np.arange(len(some)), some] = -np.inf
        last = strengths.shape[1] - k
        strongest[start : start + len(some)] = np.sort(np.argpartition(strengths, last, axis=1)[:, last:], axis=1)

    if k:
        # Sorting lets go of the interpreter's lock.
        with ThreadPoolExecutor(min(_MAX_THREADS, usable_cores())) as pool:
            list(pool.map(find, range(0, len(targets), _TARGETS_PER_BLOCK)))
    return strongest


def fit_on_support(
    counts: Square, rows: NDArray[np.int32], dropout: float, l2: float, targets: NDArray[np.int64] | None = None
) -> NDArray[np.float32]:
    """Fit the weights of anime to their supports, ``rows`` of shape (n_targets, k); gives weights of that shape.

    Cutting a dense solution loses what the small weights corrected; fitting again on the support recovers more
    (docs/experiments.md). ``targets`` are all anime by default; ``dropout`` and ``l2`` are those of
    :func:`training.item_weights.closed_form.invert_gram`.

    Raises
    ------
    InputError
        If there is no solution.
    """
    whose = np.arange(len(counts)) if targets is None else targets
    try:
        return solve_among(counts, regularisation(counts, dropout, l2), rows, whose)
    except np.linalg.LinAlgError as error:
        raise InputError(no_solution_message(dropout, l2, "items.l2 or items.dropout")) from error


def fit_item_weights(counts: Square, dense: DenseInverse, config: ItemsConfig) -> ItemWeights:
    """Fit sparse item weights: on the proposed support, then again on the part of it that matters most."""
    rows = propose_support(counts, dense, config)
    values = fit_on_support(counts, rows, config.dropout, config.l2)
    if config.n_weights < rows.shape[1]:
        # A weight moves scores by its size, as often as its anime is on a list.
        moved = np.abs(values) * np.sqrt(np.diag(counts))[rows]
        kept = np.argpartition(-moved, config.n_weights - 1, axis=1)[:, : config.n_weights]
        rows = np.sort(np.take_along_axis(rows, kept, axis=1), axis=1)
        values = fit_on_support(counts, rows, config.dropout, config.l2)
    return ItemWeights(rows, values)
