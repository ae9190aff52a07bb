"""Evidence of lists on pairs of anime: who has seen both, who liked both, and item weights."""

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
from training.similar_anime.blocks import Block, Rows, SparseRows, in_blocks, kth_largest
from training.similar_anime.config import SimilarConfig
from training.support.engine import LOCAL, Engine

# The place in a ranking that a value is compared with: the tenth best of the query, or of the candidate.
N_BEST: Final = 10
N_NEIGHBOURS: Final = 50
_LEAST: Final = 1e-6
# The mirror of each kind of evidence: what it is seen from the other anime. The others are symmetric.
MIRROR: Final = {"weight_for": "weight_from", "weight_from": "weight_for"}
# What is added up over the users who have seen both anime of a pair: one for each, one for each who liked both, and
# one by the length of the list.
_COSINES: Final = {"seen": "cosine", "liked": "liked_cosine", "even": "even_cosine"}


@dataclass(frozen=True)
class ListEvidence:
    """Evidence of lists, made for a block of anime at a time."""

    n_users: int
    # By "seen", "liked" and "even": what is added up, and the sums of each anime with itself, shape (n_anime,).
    sums: dict[str, SparseRows]
    own: dict[str, NDArray[np.float32]]
    # Shape: (n_anime, n_anime). Of the regularised co-counts.
    inverse: Square
    # Shape: (n_anime, embedding_size). Unit rows.
    embeddings: NDArray[np.float32]

    def shared(self, rows: Rows) -> dict[str, Block]:
        """Add up what some anime share with every other."""
        return {name: sparse.products(rows) for name, sparse in self.sums.items()}

    def weights(self, rows: Rows) -> dict[str, Block]:
        """Give item weights of the block's anime for the others, and of the others for them; for itself: 0."""
        diagonal = np.diag(self.inverse)
        block = np.array(self.inverse[rows])
        block[np.arange(len(rows)), rows] = 0.0
        return {"weight_for": block / -diagonal, "weight_from": block / -diagonal[rows, None]}

    def similarities(self, rows: Rows, shared: dict[str, Block]) -> dict[str, Block]:
        """Give every kind of evidence: higher is more similar, 0 for an anime and itself."""
        blocks = self.weights(rows)
        for name, kind in _COSINES.items():
            norms = np.sqrt(np.where(self.own[name] == 0.0, 1.0, self.own[name])).astype(np.float32)
            blocks[kind] = shared[name] / norms / norms[rows, None]
        blocks["embedding"] = self.embeddings[rows] @ self.embeddings.T
        for block in blocks.values():
            block[np.arange(len(rows)), rows] = 0.0
        return blocks


def gather_evidence(
    train: Interactions, embeddings: NDArray[np.float32], config: SimilarConfig, engine: Engine = LOCAL
) -> ListEvidence:
    """Gather the evidence of at most ``config.max_users`` of the lists of ``train``."""
    lists = some_users(train, config.max_users, "similar anime")
    lists = lists.keep_entries(lists.seen)
    users = lists.user_rows()
    rated = lists.ratings > 0
    n_rated = np.bincount(users, rated, minlength=lists.n_users)
    means = np.bincount(users, lists.ratings, minlength=lists.n_users) / np.maximum(n_rated, 1)
    seen = lists.seen_matrix()
    liked = lists.keep_entries(rated & (lists.ratings >= means[users])).seen_matrix()
    shares = 1.0 / np.diff(lists.offsets)[users]
    sums = {
        "seen": SparseRows(sp.csr_matrix(seen.T), seen),
        "liked": SparseRows(sp.csr_matrix(liked.T), liked),
        "even": SparseRows(sp.csr_matrix(lists.matrix(shares).T), seen),
    }
    own = {
        "seen": np.bincount(seen.indices, minlength=lists.n_anime),
        "liked": np.bincount(liked.indices, minlength=lists.n_anime),
        "even": np.bincount(seen.indices, shares, minlength=lists.n_anime),
    }
    inverse = _invert(co_counts(lists, engine), config, lists.n_users)
    own_sums = {name: values.astype(np.float32) for name, values in own.items()}
    return ListEvidence(lists.n_users, sums, own_sums, inverse, embeddings)


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


def find_neighbourhoods(evidence: ListEvidence) -> tuple[dict[str, NDArray[np.float32]], SparseRows]:
    """Find every anime's tenth best value per kind of evidence, and item weights of its nearest 50 as unit rows.

    Values are compared with the tenth best, and so mean the same for a rare title and a common one, for few users and
    many.
    """
    # Compiled code and numpy let go of the interpreter lock. All threads are busy, so each does its products alone.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(usable_cores()) as pool:
        found = list(pool.map(partial(_look_around, evidence), in_blocks(np.arange(len(evidence.inverse)))))
    best = {kind: np.concatenate([values[kind] for values, _ in found]) for kind in found[0][0]}
    stacked = sp.csr_matrix(sp.vstack([nearest for _, nearest in found]))
    norms = np.sqrt(np.asarray(stacked.multiply(stacked).sum(axis=1)).ravel())
    unit = sp.csr_matrix(sp.diags(1.0 / np.where(norms == 0.0, 1.0, norms)) @ stacked).astype(np.float32)
    return {kind: np.maximum(values, np.float32(_LEAST)) for kind, values in best.items()}, SparseRows.of(unit)


def _look_around(evidence: ListEvidence, rows: Rows) -> tuple[dict[str, NDArray[np.float32]], sp.csr_matrix]:
    blocks = evidence.similarities(rows, evidence.shared(rows))
    best = {kind: kth_largest(block, N_BEST) for kind, block in blocks.items()}
    # The largest weights, made symmetric: what is left of each pair when all other anime are known.
    diagonal = np.diag(evidence.inverse)
    partial_weights = np.maximum(blocks["weight_for"] * np.sqrt(diagonal / diagonal[rows, None]), 0.0)
    k = min(N_NEIGHBOURS, len(diagonal))
    columns = np.argpartition(-partial_weights, k - 1, axis=1)[:, :k]
    values = np.take_along_axis(partial_weights, columns, axis=1)
    places = (np.repeat(np.arange(len(rows)), k), columns.ravel())
    return best, sp.csr_matrix((values.ravel(), places), shape=partial_weights.shape)
