"""What lists say of two anime: who has seen both, who liked both, and what one says for the other."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from models.cores import usable_cores
from training.item_weights.closed_form import invert_gram, regularisation
from training.item_weights.co_counts import Square, co_counts
from training.lists.interactions import Interactions
from training.lists.split import some_users
from training.similar_anime.config import SimilarConfig
from training.similar_anime.pair_sums import Block, Rows, SharedViewers, ViewersLists, kth_largest, viewers_lists
from training.similar_anime.sparse_products import SparseRows

# The place in a ranking that a value is compared with: the tenth best of the query, or of the candidate.
N_BEST: Final = 10
N_NEIGHBOURS: Final = 50
_BLOCK: Final = 256
_LEAST: Final = 1e-6
# The mirror of each kind of evidence: what it is seen from the other anime. The others are symmetric.
MIRROR: Final = {"weight_for": "weight_from", "weight_from": "weight_for"}


@dataclass(frozen=True)
class ListEvidence:
    """Evidence of lists, made for a block of anime at a time: all pairs at once would not fit into memory.

    Attributes
    ----------
    viewers : ViewersLists
        At most ``SimilarConfig.max_users`` of them.
    own : SharedViewers
        What each anime shares with itself.
    inverse : ndarray of shape (n_anime, n_anime), dtype=float32
        Of the regularised co-counts: :func:`training.item_weights.closed_form.invert_gram`.
    embeddings : ndarray of shape (n_anime, embedding_size), dtype=float32
        Unit rows.
    """

    viewers: ViewersLists
    own: SharedViewers
    inverse: Square
    embeddings: NDArray[np.float32]

    def weights(self, rows: Rows) -> dict[str, Block]:
        """Give the item weights, both ways.

        Parameters
        ----------
        rows : ndarray of shape (b,), dtype=integer

        Returns
        -------
        dict of str to ndarray of shape (b, n_anime), dtype=float32
            ``weight_for``: what the anime of the block say for the others; ``weight_from``: what the others say for
            them. Of an anime for itself: 0.
        """
        diagonal = np.diag(self.inverse)
        block = np.array(self.inverse[rows])
        block[np.arange(len(rows)), rows] = 0.0
        return {"weight_for": block / -diagonal, "weight_from": block / -diagonal[rows, None]}

    def similarities(self, rows: Rows, shared: SharedViewers) -> dict[str, Block]:
        """Give every kind of evidence.

        Parameters
        ----------
        rows : ndarray of shape (b,), dtype=integer
        shared : SharedViewers
            What these anime share with every other.

        Returns
        -------
        dict of str to ndarray of shape (b, n_anime), dtype=float32
            Higher is more similar; 0 for an anime and itself.
        """
        blocks = {
            **self.weights(rows),
            "cosine": _cosines(shared.seen, self.own.seen, rows),
            "liked_cosine": _cosines(shared.liked, self.own.liked, rows),
            "even_cosine": _cosines(shared.even, self.own.even, rows),
            "embedding": self.embeddings[rows] @ self.embeddings.T,
        }
        for block in blocks.values():
            block[np.arange(len(rows)), rows] = 0.0
        return blocks


def gather_evidence(train: Interactions, embeddings: NDArray[np.float32], config: SimilarConfig) -> ListEvidence:
    """Gather what lists say.

    Parameters
    ----------
    train : Interactions
        Of the users who train; at most ``config.max_users`` of them are looked at.
    embeddings : ndarray of shape (n_anime, embedding_size), dtype=float32
        Unit rows.
    config : SimilarConfig
    """
    lists = some_users(train, config.max_users, "similar anime")
    lists = lists.keep_entries(lists.seen)
    viewers = viewers_lists(lists)
    return ListEvidence(viewers, viewers.sums(), _invert(co_counts(lists), config, lists.n_users), embeddings)


def _invert(counts: Square, config: SimilarConfig, n_users: int) -> Square:
    """Invert the regularised co-counts: exactly among the anime on most lists, the others as if in pairs alone.

    The cost of an inverse grows with the cube of its size; those on few lists are not worth it.
    """
    l2 = max(config.l2_per_user * n_users, 1.0)
    order = np.argsort(-np.diag(counts), kind="stable")
    dense = np.sort(order[: config.n_dense])
    settings = "similar.l2_per_user or similar.dropout"
    exact = invert_gram(counts[np.ix_(dense, dense)], config.dropout, l2, settings)
    if len(dense) == len(counts):
        return exact
    diagonal = np.diag(counts) + regularisation(counts, config.dropout, l2)
    counts /= -diagonal
    counts /= diagonal[:, None]
    np.fill_diagonal(counts, 1.0 / diagonal)
    counts[np.ix_(dense, dense)] = exact
    return counts


@dataclass(frozen=True)
class Neighbourhoods:
    """What is known of every anime's best neighbours before pairs are looked at.

    Attributes
    ----------
    tenth_best : dict of str to ndarray of shape (n_anime,), dtype=float32
        Per kind of evidence, the tenth best value of each anime: values are compared with it, and so mean the same
        for a rare title and a common one, for few users and many.
    neighbours : SparseRows of shape (n_anime, n_anime)
        Item weights of the nearest 50, as unit rows.
    """

    tenth_best: dict[str, NDArray[np.float32]]
    neighbours: SparseRows


def find_neighbourhoods(evidence: ListEvidence) -> Neighbourhoods:
    """Find every anime's best neighbours by each kind of evidence."""
    tenth_best: dict[str, list[NDArray[np.float32]]] = {}
    neighbours = []
    n_anime = len(evidence.own.seen)
    starts = range(0, n_anime, _BLOCK)
    # Compiled code and numpy let go of the interpreter lock. All threads are busy, so each does its products alone.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(usable_cores()) as pool:
        for best, nearest in pool.map(partial(_look_around, evidence), starts):
            for kind, values in best.items():
                tenth_best.setdefault(kind, []).append(values)
            neighbours.append(nearest)
    stacked = sp.csr_matrix(sp.vstack(neighbours))
    norms = np.sqrt(np.asarray(stacked.multiply(stacked).sum(axis=1)).ravel())
    unit = sp.csr_matrix(sp.diags(1.0 / np.where(norms == 0.0, 1.0, norms)) @ stacked).astype(np.float32)
    return Neighbourhoods(
        {kind: np.maximum(np.concatenate(parts), np.float32(_LEAST)) for kind, parts in tenth_best.items()},
        SparseRows.of(unit),
    )


def _look_around(evidence: ListEvidence, start: int) -> tuple[dict[str, NDArray[np.float32]], sp.csr_matrix]:
    rows = np.arange(start, min(start + _BLOCK, len(evidence.own.seen)))
    blocks = evidence.similarities(rows, evidence.viewers.shared(rows))
    best = {kind: kth_largest(block, N_BEST) for kind, block in blocks.items()}
    return best, _nearest(evidence, blocks["weight_for"], rows)


def _cosines(products: Block, squares: NDArray[np.float32], rows: Rows) -> Block:
    norms = np.sqrt(np.where(squares == 0.0, 1.0, squares)).astype(np.float32)
    cosines: Block = products / norms / norms[rows, None]
    return cosines


def _nearest(evidence: ListEvidence, weights: Block, rows: Rows) -> sp.csr_matrix:
    """Keep the largest weights, made symmetric: what is left of each pair when all other anime are known."""
    diagonal = np.diag(evidence.inverse)
    partial = np.maximum(weights * np.sqrt(diagonal / diagonal[rows, None]), 0.0)
    k = min(N_NEIGHBOURS, partial.shape[1])
    columns = np.argpartition(-partial, k - 1, axis=1)[:, :k]
    values = np.take_along_axis(partial, columns, axis=1)
    block_rows = np.repeat(np.arange(len(rows)), k)
    return sp.csr_matrix((values.ravel(), (block_rows, columns.ravel())), shape=partial.shape)
