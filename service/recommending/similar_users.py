"""Which users are similar to this one."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.embedding import embed_list
from models.scoring.user_index import Nearest, user_index_of
from models.scoring.user_list import Status, UserList, entries_of_users, list_of_user
from service.recommending.paging import RankedPage
from service.recommending.requests import SimilarUsersRequest

_PLAN_TO_WATCH: Final = np.uint8(Status.PLAN_TO_WATCH)


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
    """Ranks users by their similarity to one of them, or to somebody the model never saw."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._index = user_index_of(bundle)

    def has_at_hand(self, request: SimilarUsersRequest) -> bool:
        """Tell whether a page of similar users of a known user only has to be looked up."""
        return request.order == "most" and request.offset + request.limit <= self._index.depth

    def page(self, user_row: int, request: SimilarUsersRequest) -> SimilarUsersPage:
        """Rank all other users by similarity, and cut one page out.

        Parameters
        ----------
        user_row : int
            The user to compare with; never in the answer.
        request : SimilarUsersRequest
        """
        total = self._bundle.n_users - 1
        end = _length(request, total)
        nearest = self._index.ranked(user_row, end, order=request.order)
        counted = self._bundle.nearest_in_common[user_row]
        if request.order == "most" and end <= len(counted):
            in_common = counted[request.offset : end].tolist()
            return SimilarUsersPage(_ranking(nearest, request, total), in_common)
        return self._cut_page(nearest, list_of_user(self._bundle, user_row), request, total)

    def page_of_list(self, user_list: UserList, request: SimilarUsersRequest) -> SimilarUsersPage:
        """Rank all users by similarity to somebody the model never saw, and cut one page out.

        Returns
        -------
        SimilarUsersPage
            Empty where the list says nothing: nobody is similar to that.
        """
        embedding = embed_list(self._bundle.list_embeddings, user_list.seen_rows)
        total = self._bundle.n_users if embedding.any() else 0
        nearest = self._index.ranked_by_vector(embedding, _length(request, total), order=request.order)
        return self._cut_page(nearest, user_list, request, total)

    def _cut_page(
        self, nearest: Nearest, user_list: UserList, request: SimilarUsersRequest, total: int
    ) -> SimilarUsersPage:
        ranking = _ranking(nearest, request, total)
        return SimilarUsersPage(ranking, self.anime_in_common(user_list, ranking.rows))

    def neighbours_of_user(self, user_row: int, k: int) -> Nearest:
        """Find the users most similar to a user the model knows.

        Returns
        -------
        Nearest
            Best first, without the user.
        """
        return self._index.neighbours(user_row, k)

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
        return self._index.search(embedding, k)

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
        bundle = self._bundle
        seen = np.zeros(bundle.n_anime, dtype=bool)
        seen[user_list.seen_rows] = True
        others = np.array(user_rows, dtype=np.int64)
        sizes, (rows, statuses) = entries_of_users(bundle, others, bundle.list_anime_rows, bundle.list_statuses)
        shared = seen[rows] & (statuses != _PLAN_TO_WATCH)
        return [
            int(np.count_nonzero(shared[end - size : end]))
            for size, end in zip(sizes.tolist(), np.cumsum(sizes).tolist(), strict=True)
        ]


def _ranking(nearest: Nearest, request: SimilarUsersRequest, total: int) -> RankedPage:
    page = slice(request.offset, request.offset + request.limit)
    rows = nearest.rows[page].tolist()
    return RankedPage(rows, nearest.similarities[page].tolist(), request.offset, request.limit, total, rows)


def _length(request: SimilarUsersRequest, total: int) -> int:
    """Say how far to rank for a page: past the end there is nothing to rank."""
    return min(request.offset + request.limit, total) if request.offset < total else 0
