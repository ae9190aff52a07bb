"""Users: the profile that anime are recommended for, and which users are similar to it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.embedding import embed_list
from models.scoring.neighbours import N_NEIGHBOURS_OF_RULE, NEIGHBOURHOOD_SIZES
from models.scoring.ranking import Cut, RankedPage
from models.scoring.user_index import Nearest, user_index_of
from models.scoring.user_list import ListsOfUsers, Status, UserList, entries_of_users, list_of_user

MAX_NEIGHBOURS: Final = max(N_NEIGHBOURS_OF_RULE.values())
_PLAN_TO_WATCH: Final = np.uint8(Status.PLAN_TO_WATCH)


@dataclass(frozen=True)
class UserProfile:
    """A user to recommend to, known to the model or not. Everything after is one path."""

    bundle: Bundle
    user_list: UserList
    embedding: NDArray[np.float32]  # (embedding_size,), a unit vector, or zeros without evidence
    neighbours: Callable[[int], Nearest]  # finds the k most similar users, best first

    @cached_property
    def nearby(self) -> tuple[Nearest, ListsOfUsers]:
        """The nearest users whom scores and reasons go by, and their lists: looked up once for both."""
        nearest = self.neighbours(NEIGHBOURHOOD_SIZES[-1])
        return nearest, ListsOfUsers.of(self.bundle, nearest.rows)

    @property
    def likes_something(self) -> bool:
        """Whether there is anything to go by: neither plans nor dislikes alone are."""
        return bool(len(self.user_list.liked_rows)) and bool(self.embedding.any())


class SimilarUsersPage(NamedTuple):
    """One page of similar users."""

    ranking: RankedPage  # user rows with their similarity
    anime_in_common: list[int]  # how many anime both have seen, one per row


class SimilarUsers:
    """Ranks users by their similarity to one of them, or to an unseen user."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._index = user_index_of(bundle)

    def known_user(self, user_row: int) -> UserProfile:
        """Describe a user the model knows."""
        find = partial(self._index.neighbours, user_row)
        user_list, embedding = list_of_user(self._bundle, user_row), self._bundle.user_embeddings[user_row]
        return UserProfile(self._bundle, user_list, embedding, find)

    def unseen_user(self, user_list: UserList) -> UserProfile:
        """Describe an unseen user by their list."""
        embedding = embed_list(self._bundle.list_embeddings, user_list.support)
        # One search for all who will ask.
        found = self._index.search(embedding, MAX_NEIGHBOURS)

        def find(k: int) -> Nearest:
            return Nearest(found.rows[:k], found.similarities[:k])

        return UserProfile(self._bundle, user_list, embedding, find)

    def has_at_hand(self, cut: Cut) -> bool:
        """Whether a page of similar users of a known user only has to be looked up."""
        return cut.order == "most" and cut.offset + cut.limit <= self._index.depth

    def page(self, user_row: int, cut: Cut) -> SimilarUsersPage:
        """Rank all other users by their similarity to a known one, and cut one page out."""
        total = self._bundle.n_users - 1
        end = _length(cut, total)
        nearest = self._index.ranked(user_row, end, order=cut.order)
        counted = self._bundle.nearest_in_common[user_row]
        if cut.order == "most" and end <= len(counted):
            return SimilarUsersPage(_ranking(nearest, cut, total), counted[cut.offset : end].tolist())
        return self._cut_page(nearest, list_of_user(self._bundle, user_row), cut, total)

    def page_of_list(self, user_list: UserList, cut: Cut) -> SimilarUsersPage:
        """Rank all users by their similarity to an unseen user; none is similar to a list without evidence."""
        embedding = embed_list(self._bundle.list_embeddings, user_list.support)
        total = self._bundle.n_users if embedding.any() else 0
        nearest = self._index.ranked_by_vector(embedding, _length(cut, total), order=cut.order)
        return self._cut_page(nearest, user_list, cut, total)

    def _cut_page(self, nearest: Nearest, user_list: UserList, cut: Cut, total: int) -> SimilarUsersPage:
        ranking = _ranking(nearest, cut, total)
        return SimilarUsersPage(ranking, self._count_in_common(user_list, ranking.rows))

    def _count_in_common(self, user_list: UserList, user_rows: list[int]) -> list[int]:
        """Count what one user and each of some others have both seen."""
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


def _ranking(nearest: Nearest, cut: Cut, total: int) -> RankedPage:
    page = slice(cut.offset, cut.offset + cut.limit)
    rows = nearest.rows[page].tolist()
    return RankedPage(rows, nearest.similarities[page].tolist(), cut.offset, cut.limit, total, rows)


def _length(cut: Cut, total: int) -> int:
    """How far to rank for a page: past the end there is nothing to rank."""
    return min(cut.offset + cut.limit, total) if cut.offset < total else 0
