"""How well the tastes of two people fit: half by what they watch, half by how they rate what both have seen.

The two say different things: people who watch alike agree no more about it than others do (docs/steering.md).
"""

from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.embedding import embed_list
from models.scoring.user_list import DISLIKED_BELOW_MEAN, Status, UserList, list_of_user

# A pair is compared with all pairs of so many users of the model: 19,900 pairs.
N_USERS: Final = 200
# So many ratings in common count as much as what is usual.
PRIOR: Final = 10.0

Vector = NDArray[np.float64]
Matrix = NDArray[np.float32]


class _Usual(NamedTuple):
    """What pairs of users are like; arrays ascending, of shape (n_pairs,)."""

    cosines: NDArray[np.float32]
    agreements: Vector
    mean_agreement: float
    sums: NDArray[np.int64]  # of the places in both


class Compatibility:
    """Scores pairs of lists. Make it once per model."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def score(self, first: UserList, second: UserList) -> float | None:
        """Give the share of pairs of the model's users who fit less, in [0, 1].

        The order of the lists makes no difference, and no other list fits a list better than itself. None where a
        list holds nothing that its owner likes, or the model has no two users.
        """
        usual, lists = self.usual, (first, second)
        embeddings = [embed_list(self._bundle.list_embeddings, one.support) for one in lists]
        if not all(len(one.liked_rows) for one in lists) or not all(map(np.any, embeddings)) or not len(usual.sums):
            return None
        # A hair more, so that rounding takes nothing from a list that is compared with itself.
        cosine = float(embeddings[0] @ embeddings[1]) + 1e-6
        common = np.intersect1d(first.anime_rows, second.anime_rows, return_indices=True)[1:]
        relative = [relative_ratings(one)[places] for one, places in zip(lists, common, strict=True)]
        agreement, n_rated = correlate(*relative)
        drawn = _draw(agreement, n_rated, usual.mean_agreement) + 1e-9
        place = np.searchsorted(usual.cosines, cosine, "right") + np.searchsorted(usual.agreements, drawn, "right")
        return float(np.searchsorted(usual.sums, place, "right") / len(usual.sums))

    @cached_property
    def usual(self) -> _Usual:
        """What pairs of users of the model are like. Made at the first use: half a second."""
        bundle = self._bundle
        rows = np.random.default_rng(0).permutation(bundle.n_users)[:N_USERS]
        relative = np.full((len(rows), bundle.n_anime), np.nan, dtype=np.float32)
        for place, user_row in enumerate(rows.tolist()):
            listed = list_of_user(bundle, user_row)
            relative[place, listed.anime_rows] = relative_ratings(listed)
        rated = (~np.isnan(relative)).astype(np.float32)
        relative = np.nan_to_num(relative)
        squares = (relative**2) @ rated.T
        norms = np.sqrt(squares * squares.T)
        pairs = np.triu_indices(len(rows), 1)
        agreements = ((relative @ relative.T) / np.where(norms > 0.0, norms, 1.0))[pairs].astype(np.float64)
        n_rated = np.where(norms > 0.0, rated @ rated.T, 0.0)[pairs].astype(np.float64)
        mean = float(np.average(agreements, weights=n_rated)) if n_rated.any() else 0.0
        agreements = _draw(agreements, n_rated, mean)
        embeddings = bundle.user_embeddings[rows]
        cosines = (embeddings @ embeddings.T)[pairs]
        ordered = np.sort(cosines), np.sort(agreements)
        sums = np.searchsorted(ordered[0], cosines, "right") + np.searchsorted(ordered[1], agreements, "right")
        return _Usual(*ordered, mean, np.sort(sums))


def relative_ratings(listed: UserList) -> Vector:
    """Give each entry's rating less the mean of the list, shape (n,); NaN for plans, and where there is none.

    What was dropped counts as two below the mean, if it is not rated lower.
    """
    begun = listed.statuses != int(Status.PLAN_TO_WATCH)
    rated = begun & (listed.ratings > 0)
    usual = float(listed.ratings[rated].mean()) if rated.any() else 0.0
    relative: Vector = np.where(rated, listed.ratings - usual, np.nan)
    dropped = listed.statuses == int(Status.DROPPED)
    relative[dropped] = np.fmin(relative[dropped], -DISLIKED_BELOW_MEAN)
    return relative


def correlate(first: Vector, second: Vector) -> tuple[float, int]:
    """Correlate relative ratings of the same anime, in [-1, 1], and count those that both have.

    Where one of the two never departs from their mean they say nothing: 0 of 0.
    """
    both = ~np.isnan(first) & ~np.isnan(second)
    norm = float(np.sqrt((first[both] ** 2).sum() * (second[both] ** 2).sum()))
    if norm == 0.0:
        return 0.0, 0
    return float(first[both] @ second[both]) / norm, int(np.count_nonzero(both))


def _draw(agreement: Any, n_rated: Any, mean: float) -> Any:
    """Draw agreements towards what is usual, the fewer ratings they rest on."""
    return (n_rated * agreement + PRIOR * mean) / (n_rated + PRIOR)
