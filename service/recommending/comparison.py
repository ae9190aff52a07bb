"""How well the tastes of two people fit, and what they would talk about."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.compatibility import Compatibility, correlate, relative_ratings
from models.scoring.steering import self_information
from models.scoring.user_list import Status, UserList

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
    def of(cls, listed: UserList, rows: NDArray[np.integer]) -> "_Side":
        """Look at some rows that the list has seen."""
        places = np.searchsorted(listed.anime_rows, rows)
        ratings, statuses, relative = (
            listed.ratings[places],
            listed.statuses[places],
            relative_ratings(listed)[places],
        )
        if not listed.ratings.any():
            # Who rates nothing likes what they watch.
            relative = np.nan_to_num(relative)
        return cls(ratings, statuses, relative, (relative >= 0.0) & ~listed.disliked[places])


class Comparison(NamedTuple):
    """How two lists compare. The order of the lists makes no difference but for the order within pairs."""

    score: float | None  # share of pairs of users who fit less, 0..1; None where a list says nothing
    agreement: float | None  # correlation of ratings in common, -1..1; None of too few
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
        self._compatibility = Compatibility(bundle)

    def prepare(self) -> None:
        """Look at what is usual among the model's users, which the first comparison would wait for."""
        _ = self._compatibility.usual

    def compare(self, lists: tuple[UserList, UserList], limit: int) -> Comparison:
        """Compare two lists; ``limit`` bounds what is named of shared anime and of disagreements."""
        rows = np.intersect1d(lists[0].seen_rows, lists[1].seen_rows)
        first, second = (_Side.of(listed, rows) for listed in lists)
        agreement, n_rated = correlate(first.relative, second.relative)
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
            self._compatibility.score(*lists),
            agreement if n_rated >= MIN_RATED_IN_COMMON else None,
            len(rows),
            len(shared),
            named(shared),
            len(disagreements),
            named(disagreements),
        )
