"""The map of all anime: their embeddings in two dimensions, for people to look at. No answer goes by it."""

import contextlib
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from models.processes import end_with_parent
from models.scoring.ranking import top_k_rows

Matrix = NDArray[np.float32]

_PERPLEXITY: Final = 30.0
# Coarser and shorter than by default: two fifths of the time, and of ten neighbours 4.6 are on the map, not 4.7.
_ANGLE: Final = 0.8
_N_ITERATIONS: Final = 500
# Of fewer anime the map takes as long as starting a process.
_WORTH_A_PROCESS: Final = 2_000
# Of how many of the nearest anime a new one lies in the middle.
_N_NEAREST: Final = 3
# Of all, so that a few far outliers do not leave the others no room.
_KEPT: Final = 0.999


def project(embeddings: Matrix) -> Matrix:
    """Place anime, given by unit rows, in the plane, those with similar embeddings side by side.

    Gives positions in 0..1, shape (n_anime, 2); without columns where there are too few anime to be compared. The
    same embeddings give the same map.

    References
    ----------
    van der Maaten, "Accelerating t-SNE using Tree-Based Algorithms", JMLR 2014.
    """
    # A second that no other command need wait for.
    from sklearn.manifold import TSNE  # noqa: PLC0415

    if len(embeddings) < 3:
        return np.empty((len(embeddings), 0), dtype=np.float32)
    perplexity = min(_PERPLEXITY, (len(embeddings) - 1) / 3)
    # Threads add up in an order of their own, and small differences grow.
    with threadpool_limits(1):
        projection = TSNE(init="pca", perplexity=perplexity, angle=_ANGLE, max_iter=_N_ITERATIONS, random_state=0)
        placed = projection.fit_transform(embeddings)
    low, high = np.quantile(placed, [1 - _KEPT, _KEPT], axis=0)
    # One scale for both axes; what is narrower lies in the middle.
    span = max(float((high - low).max()), 1e-9)
    positions: Matrix = np.clip((placed - (low + high) / 2) / span + 0.5, 0.0, 1.0).astype(np.float32)
    return positions


@contextlib.contextmanager
def begin_projection(embeddings: Matrix) -> Iterator[Future[Matrix]]:
    """Begin :func:`project` beside other work, in a process of its own: it keeps one core for most of a minute."""
    if len(embeddings) < _WORTH_A_PROCESS:
        done: Future[Matrix] = Future()
        done.set_result(project(embeddings))
        yield done
        return
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), end_with_parent) as pool:
        yield pool.submit(project, embeddings)


def place_new(positions: Matrix, embeddings: Matrix, new_embeddings: Matrix) -> Matrix:
    """Place new anime among the ones whose embeddings are nearest to theirs; on the map nothing else moves.

    Embeddings are unit rows, ``positions`` of :func:`project`; gives rows like these, in the middle of the nearest.
    """
    if not len(new_embeddings):
        return positions[:0]
    nearest = [top_k_rows(cosines, _N_NEAREST) for cosines in new_embeddings @ embeddings.T]
    # Shape: (n_new, n_nearest, 2)
    placed: Matrix = positions[np.array(nearest)].mean(axis=1)
    return placed
