"""Slow ways to say what users like and have seen, and what the nearest of them do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.scoring.user_list import UserList
from tests.models.slow_catalogue import mean


@dataclass(frozen=True)
class SlowNeighbours:
    """The nearest users: how alike each is, best first, and what each has seen; and how many have seen each anime."""

    similarities: Sequence[float]
    lists: Sequence[Sequence[int]]
    counts: Sequence[int]

    def share(self, row: int, k: int) -> float:
        """Tell what share of the k nearest has seen an anime, each weighing by the fourth power of the cosine."""
        says = [max(similarity, 0.0) ** 4 for similarity in self.similarities[:k]]
        seen = sum(weight for weight, theirs in zip(says, self.lists[:k], strict=True) if row in theirs)
        return seen / sum(says) if sum(says) else 0.0

    def fitted(self, seen_rows: Sequence[int]) -> list[float]:
        """Write the list as a weighted sum of theirs, by a ridge regression, and give what else that sum holds."""
        n_anime, k = len(self.counts), len(self.lists)
        if not k:
            return [0.0] * n_anime
        held, mine = np.zeros((k, n_anime)), np.zeros(n_anime)
        for who, theirs in enumerate(self.lists):
            held[who, list(theirs)] = 1.0
        mine[list(seen_rows)] = 1.0
        says = np.diag([max(count, 1) ** -0.3 for count in self.counts])
        both = held @ says @ held.T
        ridge = 2.0 * (np.trace(both) / k + 1e-6)
        weights = np.linalg.solve(both + ridge * np.eye(k), held @ says @ mine)
        summed = (weights @ held).tolist()
        return [score / max(count, 1) ** 0.25 for score, count in zip(summed, self.counts, strict=True)]


def slow_liked(user_list: UserList) -> list[int]:
    """Give what a user has begun to watch and does not dislike: neither dropped nor rated low."""
    columns = user_list.anime_rows, user_list.ratings, user_list.statuses
    entries = list(zip(*(column.tolist() for column in columns), strict=True))
    given = [rating for _, rating, status in entries if rating and status != 6]
    return [
        row
        for row, rating, status in entries
        if status not in {4, 6} and not (0 < rating <= 4 or 0 < rating <= mean(given) - 2)
    ]


def slow_counts(user_list: UserList) -> dict[int, float]:
    """Give what each title of a list counts: a dislike less, the larger their share, nothing from a quarter."""
    begun = user_list.anime_rows[user_list.statuses != 6].tolist()
    liked = slow_liked(user_list)
    of_dislikes = max(0.0, 1 - 4 * (len(begun) - len(liked)) / max(len(begun), 1)) if liked else 1.0
    counts = {row: 1.0 if row in liked else of_dislikes for row in begun}
    return {row: count for row, count in counts.items() if count}


def seen_by(arrays: Mapping[str, NDArray[Any]], user_row: int) -> list[int]:
    """Give what a user of a bundle has seen: all but plans."""
    start, end = arrays["list_offsets"][user_row : user_row + 2].tolist()
    entries = zip(arrays["list_anime_rows"][start:end].tolist(), arrays["list_statuses"][start:end], strict=True)
    return [row for row, status in entries if status != 6]
