"""The nearest users of a user or of a vector.

Known users are looked up. Of many users, others are searched for in an inverted file: cosines are exact, who is
compared is a choice, so that a search may miss a user. Few users are all compared. Rankings are longer than what is
found that way: all others follow, in exact order, so that pages of a ranking neither repeat nor miss a user.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.bundle.inverted_file import InvertedFile
from models.bundle.reader import Bundle
from models.scoring.embedding import cosine_scores
from models.scoring.ranking import Order, top_k_rows


class Nearest(NamedTuple):
    """Rows and their cosine, both of shape (n,), in order."""

    rows: NDArray[np.int32]
    similarities: NDArray[np.float32]


@dataclass(frozen=True)
class UserIndex:
    """Finds the users nearest to a vector. Of all rankings, ties go to the lower row."""

    embeddings: NDArray[np.float32]  # (n_users, embedding_size), unit rows
    nearest_rows: NDArray[np.int32]  # (n_users, n_nearest), the nearest users of each, best first
    inverted_file: InvertedFile | None = None  # without one all users are compared
    nearest_similarities: NDArray[np.float32] | None = None  # (n_users, n_counted), to the first of the nearest

    @property
    def depth(self) -> int:
        """How many nearest users of each are known."""
        return int(self.nearest_rows.shape[1])

    def ranked(self, row: int, k: int, *, order: Order = "most") -> Nearest:
        """Rank the other users by their similarity to one of them.

        The first :attr:`depth` as found when the model was made, then all others in exact order; all of it exact for
        ``"least"``. A longer ranking begins with the shorter.
        """
        if order == "least":
            return self.scan(self.embeddings[row], k, without_rows=[row], order=order)
        known = self._known(row, min(k, self.depth))
        return self._continue(known, self.embeddings[row], k, without_rows=[row])

    def ranked_by_vector(self, query: NDArray[np.float32], k: int, *, order: Order = "most") -> Nearest:
        """Rank all users by their similarity to a unit vector, or zeros, of shape (embedding_size,).

        As :meth:`ranked` does, with the first :attr:`depth` as a search finds them.
        """
        if order == "least":
            return self.scan(query, k, order=order)
        return self._continue(self.search(query, min(k, self.depth)), query, k)

    def neighbours(self, row: int, k: int) -> Nearest:
        """Find the users nearest to one of them, without comparing with all, however many are asked for."""
        if k <= self.depth:
            return self._known(row, k)
        found = self.search(self.embeddings[row], k + 1)
        others = found.rows != row
        return Nearest(found.rows[others][:k], found.similarities[others][:k])

    def search(self, query: NDArray[np.float32], k: int) -> Nearest:
        """Find the k users nearest to a unit vector, or zeros; fewer where fewer were compared.

        Exact without an inverted file, and for zeros.
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
        """Find the users nearest to a vector by comparing it with all of them."""
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
        """Append all other users, in exact order, up to k."""
        n_missing = k - len(found.rows)
        if n_missing <= 0:
            return found
        rest = self.scan(query, n_missing, without_rows=[*found.rows.tolist(), *without_rows])
        return Nearest(*(np.concatenate(parts) for parts in zip(found, rest, strict=True)))

    def _known(self, row: int, k: int) -> Nearest:
        rows = self.nearest_rows[row, :k]
        stored = () if self.nearest_similarities is None else self.nearest_similarities[row, :k]
        if len(stored) == len(rows):
            return Nearest(rows, np.asarray(stored))
        # Row by row: BLAS may round another way in a longer page, and pages are cut from one ranking.
        similarities = np.einsum("ij,j->i", self.embeddings.take(rows, axis=0), self.embeddings[row])
        similarities = np.clip(similarities, -1.0, 1.0, out=similarities)
        similarities[: len(stored)] = stored
        # They were ordered by another product, which may round the last bit of near-ties another way.
        return Nearest(rows, np.minimum.accumulate(similarities, out=similarities))


def user_index_of(bundle: Bundle) -> UserIndex:
    """Give the index of a bundle's users, views of its arrays. The bundle was checked."""
    inverted_file = InvertedFile(bundle.user_index) if len(bundle.user_index) else None
    return UserIndex(bundle.user_embeddings, bundle.nearest_user_rows, inverted_file, bundle.nearest_similarities)
