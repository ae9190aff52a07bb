"""Which users are similar to this one."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.scoring.embedding import embed_list
from models.scoring.user_list import UserList, list_of_user
from service.nearest import Nearest, NearestRows
from service.query import SimilarUsersQuery
from service.ranked_page import RankedPage

# As many as any way of recommending asks.
DEPTH: Final = 200
# 4,000 users x 200 x 8 bytes are 6 MB.
CAPACITY: Final = 4_000


@dataclass(frozen=True)
class SimilarUsersPage:
    """One page of similar users.

    Attributes
    ----------
    ranking : RankedPage
        User rows with their similarity.
    anime_in_common : list of int
        How many anime both have seen, one per row.
    """

    ranking: RankedPage
    anime_in_common: list[int]


class SimilarUsers:
    """Ranks users by their similarity to one of them, or to somebody the model never saw.

    Parameters
    ----------
    bundle : Bundle
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._nearest = NearestRows(bundle.user_embeddings, depth=DEPTH, capacity=CAPACITY)

    def recalls(self, user_row: int, query: SimilarUsersQuery) -> bool:
        """Tell whether what is remembered answers a query, so that nothing has to be scanned.

        Parameters
        ----------
        user_row : int
        query : SimilarUsersQuery

        Returns
        -------
        bool
        """
        remembered = self._nearest.recall(user_row) is not None
        return remembered and query.order == "most" and query.offset + query.limit <= self._nearest.depth

    def page(self, user_row: int, query: SimilarUsersQuery) -> SimilarUsersPage:
        """Rank all other users by similarity, and cut one page out.

        Parameters
        ----------
        user_row : int
            The user to compare with; never in the answer.
        query : SimilarUsersQuery

        Returns
        -------
        SimilarUsersPage
        """
        total = self._bundle.n_users - 1
        end = min(query.offset + query.limit, total)
        if query.order == "most" and end <= self._nearest.depth:
            nearest = self._nearest.of_row(user_row)
        else:
            embedding = self._bundle.user_embeddings[user_row]
            k = end if query.offset < total else 0
            nearest = self._nearest.scan(embedding, k, without_row=user_row, order=query.order)
        return self._cut_page(nearest, list_of_user(self._bundle, user_row), query, total)

    def page_of_list(self, user_list: UserList, query: SimilarUsersQuery) -> SimilarUsersPage:
        """Rank all users by similarity to somebody the model never saw, and cut one page out.

        Parameters
        ----------
        user_list : UserList
        query : SimilarUsersQuery

        Returns
        -------
        SimilarUsersPage
            Empty where the list says nothing: nobody is similar to that.
        """
        embedding = embed_list(self._bundle.list_embeddings, user_list.seen_rows)
        total = self._bundle.n_users if embedding.any() else 0
        k = min(query.offset + query.limit, total) if query.offset < total else 0
        nearest = self._nearest.scan(embedding, k, order=query.order)
        return self._cut_page(nearest, user_list, query, total)

    def _cut_page(
        self, nearest: Nearest, user_list: UserList, query: SimilarUsersQuery, total: int
    ) -> SimilarUsersPage:
        page = slice(query.offset, query.offset + query.limit)
        rows = nearest.rows[page].tolist()
        similarities = nearest.similarities[page].tolist()
        ranking = RankedPage(rows, similarities, query.offset, query.limit, total, rows)
        return SimilarUsersPage(ranking, self.anime_in_common(user_list, rows))

    def neighbours_of_user(self, user_row: int, k: int) -> Nearest:
        """Find the users most similar to a user the model knows.

        Parameters
        ----------
        user_row : int
        k : int
            At most :data:`DEPTH`.

        Returns
        -------
        Nearest
            Best first, without the user.
        """
        nearest = self._nearest.of_row(user_row)
        return Nearest(nearest.rows[:k], nearest.similarities[:k])

    def neighbours_of_embedding(self, embedding: NDArray[np.float32], k: int) -> Nearest:
        """Find the users most similar to somebody the model never saw.

        Parameters
        ----------
        embedding : ndarray of shape (embedding_size,), dtype=float32
            A unit vector, or zeros.
        k : int

        Returns
        -------
        Nearest
            Best first.
        """
        return self._nearest.scan(embedding, k)

    def anime_in_common(self, user_list: UserList, user_rows: list[int]) -> list[int]:
        """Count what one user and each of some others have both seen.

        Parameters
        ----------
        user_list : UserList
        user_rows : list of int
            The others.

        Returns
        -------
        list of int
            One per user; plan-to-watch does not count.
        """
        seen = np.zeros(self._bundle.n_anime, dtype=bool)
        seen[user_list.seen_rows] = True
        return [int(np.count_nonzero(seen[list_of_user(self._bundle, row).seen_rows])) for row in user_rows]
