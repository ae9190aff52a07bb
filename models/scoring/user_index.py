"""Nearest users without comparing with all of them: groups of users, and who is nearest to whom.

A search compares a vector with the users of the few groups nearest to it, then with the neighbours of the best it
found, which mostly are its neighbours too. Cosines are exact; who is compared is a choice, so that among many users a
search may miss somebody. Few users are all compared. Rankings are longer than what is found that way: everybody else
follows, in exact order, so that pages of a ranking neither repeat nor miss anybody.

References
----------
Sivic and Zisserman, "Video Google: A Text Retrieval Approach to Object Matching in Videos", ICCV 2003.
Jegou, Douze and Schmid, "Product Quantization for Nearest Neighbor Search", PAMI 2011.
Dong, Moses and Li, "Efficient K-Nearest Neighbor Graph Construction for Generic Similarity Measures", WWW 2011: a
neighbour of a neighbour is likely to be a neighbour.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.embedding import cosine_scores
from models.scoring.top_k import Order, top_k_rows

# Groups that a search looks into, and how many of the best it finds lead it to others, how often.
N_PROBED: Final = 16
N_LEADS: Final = 48
N_ROUNDS: Final = 2


class Nearest(NamedTuple):
    """Rows and their cosine, in order.

    Attributes
    ----------
    rows : ndarray of shape (n,), dtype=int32
    similarities : ndarray of shape (n,), dtype=float32
    """

    rows: NDArray[np.int32]
    similarities: NDArray[np.float32]


@dataclass(frozen=True)
class UserIndex:
    """Finds the users nearest to a vector.

    Attributes
    ----------
    embeddings : ndarray of shape (n_users, embedding_size), dtype=float32
        Unit rows.
    centroids : ndarray of shape (n_groups, embedding_size), dtype=float32
        Unit rows, one per group.
    group_offsets : ndarray of shape (n_groups + 1,), dtype=int64
        Group g are the rows at [offsets[g], offsets[g + 1]) of ``grouped_rows``.
    grouped_rows : ndarray of shape (n_users,), dtype=int32
        Every user row once, ascending within a group.
    nearest_rows : ndarray of shape (n_users, n_nearest), dtype=int32
        The nearest users of every user, best first.
    """

    embeddings: NDArray[np.float32]
    centroids: NDArray[np.float32]
    group_offsets: NDArray[np.int64]
    grouped_rows: NDArray[np.int32]
    nearest_rows: NDArray[np.int32]

    @property
    def depth(self) -> int:
        """How many nearest users of each are known."""
        return int(self.nearest_rows.shape[1])

    def ranked(self, row: int, k: int, *, order: Order = "most") -> Nearest:
        """Rank the other users by their similarity to one of them.

        Parameters
        ----------
        row : int
        k : int
            Length of the ranking.
        order : {"most", "least"}

        Returns
        -------
        Nearest
            Without the user; ties go to the lower row. The first :attr:`depth` as found when the model was made, then
            everybody else in exact order; all of it exact for ``"least"``. A longer ranking begins with the shorter.
        """
        if order == "least":
            return self.scan(self.embeddings[row], k, without_rows=[row], order=order)
        known = self._known(row, min(k, self.depth))
        return self._continue(known, self.embeddings[row], k, without_rows=[row])

    def ranked_by_vector(self, query: NDArray[np.float32], k: int, *, order: Order = "most") -> Nearest:
        """Rank all users by their similarity to a vector.

        Parameters
        ----------
        query : ndarray of shape (embedding_size,), dtype=float32
            A unit vector, or zeros.
        k : int
            Length of the ranking.
        order : {"most", "least"}

        Returns
        -------
        Nearest
            Ties go to the lower row. The first :attr:`depth` as a search finds them, then everybody else in exact
            order; all of it exact for ``"least"``. A longer ranking begins with the shorter.
        """
        if order == "least":
            return self.scan(query, k, order=order)
        return self._continue(self.search(query, min(k, self.depth)), query, k)

    def neighbours(self, row: int, k: int) -> Nearest:
        """Find the users nearest to one of them, without comparing with all however many are asked for.

        Returns
        -------
        Nearest
            Best first, without the user.
        """
        if k <= self.depth:
            return self._known(row, k)
        found = self.search(self.embeddings[row], k + 1)
        others = found.rows != row
        return Nearest(found.rows[others][:k], found.similarities[others][:k])

    def search(self, query: NDArray[np.float32], k: int) -> Nearest:
        """Find the users nearest to a vector.

        Parameters
        ----------
        query : ndarray of shape (embedding_size,), dtype=float32
            A unit vector, or zeros.
        k : int

        Returns
        -------
        Nearest
            Best first, ties to the lower row. Exact where there are few groups, and for zeros. Fewer than k where
            fewer were compared.
        """
        if k <= 0:
            return Nearest(self.grouped_rows[:0], query[:0])
        if len(self.centroids) <= N_PROBED or not query.any():
            return self.scan(query, k)
        rows = self._probe(query)
        similarities = cosine_scores(self.embeddings[rows], query)
        compared = np.zeros(len(self.embeddings), dtype=bool)
        compared[rows] = True
        for _ in range(N_ROUNDS):
            leads = rows[top_k_rows(similarities, N_LEADS)]
            found = self.nearest_rows[leads].ravel()
            found = np.unique(found[~compared[found]])
            compared[found] = True
            rows = np.concatenate([rows, found])
            similarities = np.concatenate([similarities, cosine_scores(self.embeddings[found], query)])
        # Those tied with the last go on too: ties go to the lower row, not to the place among those compared.
        last = top_k_rows(similarities, k)[-1]
        kept = np.flatnonzero(similarities >= similarities[last])
        best = kept[np.lexsort((rows[kept], -similarities[kept]))[:k]]
        return Nearest(rows[best], similarities[best])

    def scan(
        self, query: NDArray[np.float32], k: int, *, without_rows: Sequence[int] = (), order: Order = "most"
    ) -> Nearest:
        """Find the users nearest to a vector by comparing it with all of them.

        Parameters
        ----------
        query : ndarray of shape (embedding_size,), dtype=float32
            A unit vector, or zeros.
        k : int
        without_rows : sequence of int, optional
            Rows that must not appear.
        order : {"most", "least"}

        Returns
        -------
        Nearest
            Ties go to the lower row.
        """
        similarities = cosine_scores(self.embeddings, query)
        allowed = None
        if without_rows:
            allowed = np.ones(len(similarities), dtype=bool)
            allowed[without_rows] = False
        rows = top_k_rows(similarities, k, allowed=allowed, order=order)
        return Nearest(rows.astype(np.int32), similarities[rows])

    def _continue(
        self, found: Nearest, query: NDArray[np.float32], k: int, *, without_rows: Sequence[int] = ()
    ) -> Nearest:
        """Have everybody else follow those who were found, up to k."""
        n_missing = k - len(found.rows)
        if n_missing <= 0:
            return found
        rest = self.scan(query, n_missing, without_rows=[*found.rows.tolist(), *without_rows])
        return Nearest(*(np.concatenate(parts) for parts in zip(found, rest, strict=True)))

    def _probe(self, query: NDArray[np.float32]) -> NDArray[np.int32]:
        """Give the rows of the groups nearest to a vector."""
        groups = top_k_rows(self.centroids @ query, N_PROBED)
        starts, stops = self.group_offsets[groups].tolist(), self.group_offsets[groups + 1].tolist()
        members = [self.grouped_rows[start:stop] for start, stop in zip(starts, stops, strict=True)]
        return np.concatenate(members)

    def _known(self, row: int, k: int) -> Nearest:
        rows = self.nearest_rows[row, :k]
        similarities = cosine_scores(self.embeddings[rows], self.embeddings[row])
        # They were ordered by another product, which may round the last bit of near-ties another way.
        return Nearest(rows, np.minimum.accumulate(similarities, out=similarities))


def user_index_of(bundle: Bundle) -> UserIndex:
    """Give the index of a bundle's users.

    Returns
    -------
    UserIndex
        Views of the bundle's arrays.
    """
    return UserIndex(
        bundle.user_embeddings,
        bundle.user_centroids,
        bundle.user_group_offsets,
        bundle.grouped_user_rows,
        bundle.nearest_user_rows,
    )
