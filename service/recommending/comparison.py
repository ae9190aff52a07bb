"""How well the tastes of two people fit."""

from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.embedding import embed_list
from models.scoring.steering import self_information
from models.scoring.user_list import DISLIKED_BELOW_MEAN, Status, UserList

# How many pairs of users of the model a pair is compared with.
N_PAIRS: Final = 10_000
# Fewer ratings in common say nothing of how far two people agree.
MIN_RATED_IN_COMMON: Final = 5
# In points of a rating, each relative to its owner's mean.
SHARP: Final = 2.0

Vector = NDArray[np.float64]


class SharedAnime(NamedTuple):
    """An anime that both have seen; rating 0 is none."""

    anime_row: int
    ratings: tuple[int, int]
    statuses: tuple[Status, Status]


class _Side(NamedTuple):
    """What one of two lists says of what is on both; arrays of shape (n,)."""

    ratings: NDArray[np.uint8]
    statuses: NDArray[np.uint8]
    relative: Vector  # ratings less the mean of all of the list; NaN where there is none
    loved: NDArray[np.bool_]

    @classmethod
    def of(cls, listed: UserList, places: NDArray[np.integer]) -> "_Side":
        """Look at some places of what a list has seen."""
        begun = np.flatnonzero(listed.statuses != int(Status.PLAN_TO_WATCH))
        ratings, statuses, disliked = (column[begun] for column in (listed.ratings, listed.statuses, listed.disliked))
        rated = ratings > 0
        # Who rates nothing likes what they watch.
        usual = float(ratings[rated].mean()) if rated.any() else 0.0
        relative = np.where(rated, ratings - usual, np.nan if rated.any() else 0.0)
        dropped = statuses == int(Status.DROPPED)
        relative[dropped] = np.fmin(relative[dropped], -DISLIKED_BELOW_MEAN)
        loved = (relative >= 0.0) & ~disliked
        return cls(ratings[places], statuses[places], relative[places], loved[places])


class Comparison(NamedTuple):
    """How two lists compare. The order of the lists makes no difference but for the order within pairs."""

    score: float | None  # share of pairs of users who are less alike, 0..1; None where a list says nothing
    agreement: float | None  # correlation of ratings in common, -1..1; None of too few or all alike
    n_in_common: int  # anime that both have seen
    n_shared: int
    shared: list[SharedAnime]  # what both love, the most loved first
    n_disagreements: int
    disagreements: list[SharedAnime]  # where ratings differ most, each relative to its owner's mean


class Comparisons:
    """Compares lists with each other."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._information = self_information(bundle.popularity, bundle.n_users)

    @cached_property
    def _usual(self) -> NDArray[np.float32]:
        """How alike pairs of users of the model are, ascending. Made at the first use."""
        users, n = self._bundle.user_embeddings, self._bundle.n_users
        rng = np.random.default_rng(0)
        first = rng.integers(n, size=N_PAIRS if n > 1 else 0)
        second = (first + rng.integers(1, max(n, 2), size=len(first))) % n
        return np.sort(np.einsum("ij,ij->i", users[first], users[second]))

    def compare(self, lists: tuple[UserList, UserList], limit: int) -> Comparison:
        """Compare two lists; ``limit`` bounds what is named of shared anime and of disagreements."""
        rows, *places = np.intersect1d(lists[0].seen_rows, lists[1].seen_rows, return_indices=True)
        first, second = (_Side.of(listed, at) for listed, at in zip(lists, places, strict=True))
        gaps = np.nan_to_num(np.abs(first.relative - second.relative))
        # Among equals what fewer know says more.
        by_love = np.lexsort((-self._information[rows], -(first.relative + second.relative)))
        by_gap = np.lexsort((-self._information[rows], -gaps))
        shared = by_love[(first.loved & second.loved)[by_love]]
        disagreements = by_gap[gaps[by_gap] >= SHARP]

        def named(chosen: NDArray[np.integer]) -> list[SharedAnime]:
            return [
                SharedAnime(
                    int(rows[place]),
                    (int(first.ratings[place]), int(second.ratings[place])),
                    (Status(int(first.statuses[place])), Status(int(second.statuses[place]))),
                )
                for place in chosen[:limit].tolist()
            ]

        return Comparison(
            self._score(lists),
            _agreement(first.ratings, second.ratings),
            len(rows),
            len(shared),
            named(shared),
            len(disagreements),
            named(disagreements),
        )

    def _score(self, lists: tuple[UserList, UserList]) -> float | None:
        embeddings = [embed_list(self._bundle.list_embeddings, one.support) for one in lists]
        if not all(one.any() and len(listed.liked_rows) for one, listed in zip(embeddings, lists, strict=True)):
            return None
        # A hair more, so that rounding takes nothing from a list that is compared with itself.
        cosine = float(embeddings[0] @ embeddings[1]) + 1e-6
        usual = self._usual
        return float(np.searchsorted(usual, cosine, side="right") / max(len(usual), 1))


def _agreement(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float | None:
    rated = (first > 0) & (second > 0)
    if np.count_nonzero(rated) < MIN_RATED_IN_COMMON or not (np.ptp(first[rated]) and np.ptp(second[rated])):
        return None
    return float(np.corrcoef(first[rated], second[rated])[0, 1])
