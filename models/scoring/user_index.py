"""The nearest users of a user or of a vector.

Known users are looked up. Of many users, others are searched for in an inverted file: cosines are exact, who is
compared is a choice, so that a search may miss somebody. Few users are all compared. Rankings are longer than what is
found that way: everybody else follows, in exact order, so that pages of a ranking neither repeat nor miss anybody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.bundle.inverted_file import InvertedFile
from models.bundle.reader import Bundle
from models.scoring.embedding import cosine_scores
from models.scoring.top_k import Order, top_k_rows


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
    nearest_rows : ndarray of shape (n_users, n_nearest), dtype=int32
        The nearest users of every user, best first.
    inverted_file : InvertedFile, optional
        Without one all users are compared.
    """

    embeddings: NDArray[np.float32]
    nearest_rows: NDArray[np.int32]
    inverted_file: InvertedFile | None = None

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
            Best first, ties to the lower row. Exact without an inverted file, and for zeros. Fewer than k where
            fewer were compared.
        """
        if k <= 0:
            return Nearest(self.nearest_rows[0, :0], query[:0])
        if self.inverted_file is None or not query.any():
            return self.scan(query, k)
        # Always as many as a ranking begins with: of two answers the longer begins with the shorter.
        rows = self.inverted_file.search(query, max(k, self.depth))
        similarities = cosine_scores(self.embeddings[rows], query)
        # The file holds halves: near-ties are in order only now.
        best = np.lexsort((rows, -similarities))[:k]
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

    Raises
    ------
    ValueError
        If the bundle was not checked, and ``user_index`` holds no index.
    """
    inverted_file = InvertedFile(bundle.user_index) if len(bundle.user_index) else None
    return UserIndex(bundle.user_embeddings, bundle.nearest_user_rows, inverted_file)
