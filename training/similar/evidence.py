"""What lists say of two anime: who has seen both, who liked both, and what one says for the other."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from training.co_counts import Square, co_counts
from training.interactions import Interactions
from training.item_weights import invert_gram, regularisation
from training.similar.config import SimilarConfig
from training.split import some_users

Block = NDArray[np.float32]
Rows = NDArray[np.integer[Any]]

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
    seen, liked, even : scipy.sparse.csc_matrix of shape (n_users, n_anime), dtype=float32
        1 where an anime was seen; 1 where it was rated at or above the user's mean; the root of one by the length of
        the list where it was seen.
    counts, liked_counts, even_counts : ndarray of shape (n_anime,), dtype=float32
        Squared lengths of their columns.
    inverse : ndarray of shape (n_anime, n_anime), dtype=float32
        Of the regularised co-counts: :class:`training.item_weights.InverseGram`.
    embeddings : ndarray of shape (n_anime, embedding_size), dtype=float32
        Unit rows.
    """

    seen: sp.csc_matrix
    liked: sp.csc_matrix
    even: sp.csc_matrix
    counts: NDArray[np.float32]
    liked_counts: NDArray[np.float32]
    even_counts: NDArray[np.float32]
    inverse: Square
    embeddings: NDArray[np.float32]

    @property
    def n_users(self) -> int:
        """Number of users whose lists are looked at."""
        return int(self.seen.shape[0])

    def co_counts(self, rows: Rows) -> Block:
        """Count the lists that hold both anime.

        Parameters
        ----------
        rows : ndarray of shape (b,), dtype=integer

        Returns
        -------
        ndarray of shape (b, n_anime), dtype=float32
        """
        return _products(self.seen, rows)

    def liked_co_counts(self, rows: Rows) -> Block:
        """Count the users who liked both anime.

        Parameters
        ----------
        rows : ndarray of shape (b,), dtype=integer

        Returns
        -------
        ndarray of shape (b, n_anime), dtype=float32
        """
        return _products(self.liked, rows)

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

    def similarities(self, rows: Rows, seen: Block, liked: Block) -> dict[str, Block]:
        """Give every kind of evidence.

        Parameters
        ----------
        rows : ndarray of shape (b,), dtype=integer
        seen, liked : ndarray of shape (b, n_anime), dtype=float32
            From :meth:`co_counts` and :meth:`liked_co_counts`.

        Returns
        -------
        dict of str to ndarray of shape (b, n_anime), dtype=float32
            Higher is more similar; 0 for an anime and itself.
        """
        blocks = {
            **self.weights(rows),
            "cosine": _cosines(seen, self.counts, rows),
            "liked_cosine": _cosines(liked, self.liked_counts, rows),
            "even_cosine": _cosines(_products(self.even, rows), self.even_counts, rows),
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

    Returns
    -------
    ListEvidence
    """
    lists = some_users(train, config.max_users)
    lists = lists.keep_entries(lists.seen)
    user_rows = lists.user_rows()
    rated = lists.ratings > 0
    n_rated = np.bincount(user_rows, rated, minlength=lists.n_users)
    means = np.bincount(user_rows, lists.ratings, minlength=lists.n_users) / np.maximum(n_rated, 1)
    lengths = np.diff(lists.offsets)
    seen = lists.matrix(np.ones(len(user_rows))).tocsc()
    liked = lists.matrix(rated & (lists.ratings >= means[user_rows])).tocsc()
    even = lists.matrix(1.0 / np.sqrt(lengths[user_rows])).tocsc()
    inverse = _invert(co_counts(lists), config, lists.n_users)
    counts = [np.asarray(matrix.multiply(matrix).sum(axis=0)).ravel() for matrix in (seen, liked, even)]
    return ListEvidence(seen, liked, even, counts[0], counts[1], counts[2], inverse, embeddings)


def _invert(counts: Square, config: SimilarConfig, n_users: int) -> Square:
    """Invert the regularised co-counts: exactly among the anime on most lists, the others as if in pairs alone.

    The cost of an inverse grows with the cube of its size; those on few lists are not worth it.
    """
    l2 = max(config.l2_per_user * n_users, 1.0)
    order = np.argsort(-np.diag(counts), kind="stable")
    dense = np.sort(order[: config.n_dense])
    exact = invert_gram(counts[np.ix_(dense, dense)], config.dropout, l2)
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
    neighbours : scipy.sparse.csr_matrix of shape (n_anime, n_anime), dtype=float32
        Item weights of the nearest 50, as unit rows.
    """

    tenth_best: dict[str, NDArray[np.float32]]
    neighbours: sp.csr_matrix


def find_neighbourhoods(evidence: ListEvidence) -> Neighbourhoods:
    """Find every anime's best neighbours by each kind of evidence.

    Parameters
    ----------
    evidence : ListEvidence

    Returns
    -------
    Neighbourhoods
    """
    tenth_best: dict[str, list[NDArray[np.float32]]] = {}
    neighbours = []
    n_anime = len(evidence.counts)
    for start in range(0, n_anime, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, n_anime))
        blocks = evidence.similarities(rows, evidence.co_counts(rows), evidence.liked_co_counts(rows))
        for kind, block in blocks.items():
            tenth_best.setdefault(kind, []).append(_best(block, N_BEST))
        neighbours.append(_nearest(evidence, blocks["weight_for"], rows))
    stacked = sp.csr_matrix(sp.vstack(neighbours))
    norms = np.sqrt(np.asarray(stacked.multiply(stacked).sum(axis=1)).ravel())
    unit = sp.csr_matrix(sp.diags(1.0 / np.where(norms == 0.0, 1.0, norms)) @ stacked).astype(np.float32)
    return Neighbourhoods(
        {kind: np.maximum(np.concatenate(parts), np.float32(_LEAST)) for kind, parts in tenth_best.items()}, unit
    )


def _products(matrix: sp.csc_matrix, rows: Rows) -> Block:
    block: Block = (matrix[:, rows].T @ matrix).toarray()
    return block


def _cosines(products: Block, squares: NDArray[np.float32], rows: Rows) -> Block:
    norms = np.sqrt(np.where(squares == 0.0, 1.0, squares)).astype(np.float32)
    cosines: Block = products / norms / norms[rows, None]
    return cosines


def _best(block: Block, place: int) -> NDArray[np.float32]:
    """Give the value at a place of every row's ranking, counted from 1; the last one where a row is shorter."""
    place = min(place, block.shape[1])
    # A copy: a view would keep the whole block, and all blocks together do not fit into memory.
    best: NDArray[np.float32] = np.partition(block, -place, axis=1)[:, -place].copy()
    return best


def _nearest(evidence: ListEvidence, weights: Block, rows: Rows) -> sp.csr_matrix:
    """Keep the largest weights, made symmetric: what is left of each pair when all other anime are known."""
    diagonal = np.diag(evidence.inverse)
    partial = np.maximum(weights * np.sqrt(diagonal / diagonal[rows, None]), 0.0)
    k = min(N_NEIGHBOURS, partial.shape[1])
    columns = np.argpartition(-partial, k - 1, axis=1)[:, :k]
    values = np.take_along_axis(partial, columns, axis=1)
    block_rows = np.repeat(np.arange(len(rows)), k)
    return sp.csr_matrix((values.ravel(), (block_rows, columns.ravel())), shape=partial.shape)
