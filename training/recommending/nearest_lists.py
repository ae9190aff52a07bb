"""What the lists of the nearest users say, for thousands of lists: the regression of the service, compiled.

The service fits it to one list at a time, and numpy is quick enough for that. Of preparing examples it was a half. A
test holds the two to each other.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.neighbours import IDF_POWER, POPULARITY_POWER, RIDGE, neighbourhood_shares
from models.scoring.user_list import SeenLists, Status
from training.lists.interactions import Interactions
from training.support.compiled import compiled

Matrix = NDArray[np.float32]

_PLANNED: Final = int(Status.PLAN_TO_WATCH)


class NearestLists:
    """Tells what the nearest of the users who train say for each anime."""

    def __init__(self, train: Interactions) -> None:
        self._train = train
        self._popularity = train.popularity()
        self._idf, self._discounts = _weigh(self._popularity)
        self._lists = tuple(np.asarray(column) for column in (train.offsets, train.anime_rows, train.statuses))

    def evidence(
        self,
        seen_rows: NDArray[np.integer],
        user_rows: NDArray[np.integer],
        similarities: NDArray[np.float32],
        without: int | None = None,
    ) -> Matrix:
        """Tell what some users say for each anime.

        Parameters
        ----------
        seen_rows : ndarray of shape (n,), dtype=integer
            What the asking user has seen.
        user_rows : ndarray of shape (n_neighbours,), dtype=integer
            The nearest users, best first.
        similarities : ndarray of shape (n_neighbours,), dtype=float32
            Cosine of each.
        without : int, optional
            Row of a user whose list is not counted in how popular anime are.

        Returns
        -------
        ndarray of shape (n_anime, len(NEIGHBOURHOOD_SIZES) + 1), dtype=float32
            The same as :func:`models.scoring.neighbours.neighbour_evidence`, to rounding.
        """
        n_anime, k = len(self._idf), len(user_rows)
        rows, ends = _gather(*self._lists, np.asarray(user_rows, dtype=np.int64))
        mine = np.zeros(n_anime, dtype=np.bool_)
        mine[seen_rows] = True
        idf, discounts = self._idf, self._discounts
        if without is not None:
            own = self._train.list_of(without).seen_rows
            idf, discounts = idf.copy(), discounts.copy()
            idf[own], discounts[own] = _weigh(self._popularity[own] - 1)
        gram, overlap = _sum_up(rows, ends, idf, mine)
        diagonal = np.arange(k)
        gram[diagonal, diagonal] += np.float32(RIDGE) * (np.trace(gram) / np.float32(max(k, 1)) + np.float32(1e-6))
        weights = np.linalg.solve(gram, overlap) if k else overlap
        theirs = SeenLists(rows, np.repeat(np.arange(k), np.diff(ends)), ends)
        fitted = np.bincount(rows, weights[theirs.owners], minlength=n_anime) * discounts
        shares = neighbourhood_shares(n_anime, similarities, theirs)
        return np.concatenate([shares, fitted[:, None]], axis=1, dtype=np.float32, casting="same_kind")


def _weigh(popularity: NDArray[np.integer]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Tell how much anime count in the regression, and what their scores are multiplied with."""
    counts = np.maximum(popularity, 1).astype(np.float64)
    return (counts**-IDF_POWER).astype(np.float32), (counts**-POPULARITY_POWER).astype(np.float32)


@compiled
def _gather(offsets: Any, anime_rows: Any, statuses: Any, user_rows: Any) -> Any:  # pragma: no cover - compiled
    """Put what some users have seen one after the other, and say where each list ends."""
    n_entries = 0
    for user in user_rows:
        n_entries += offsets[user + 1] - offsets[user]
    rows = np.empty(n_entries, np.int32)
    ends = np.zeros(len(user_rows) + 1, np.int64)
    n_seen = 0
    for number in range(len(user_rows)):
        for entry in range(offsets[user_rows[number]], offsets[user_rows[number] + 1]):
            if statuses[entry] != _PLANNED:
                rows[n_seen] = anime_rows[entry]
                n_seen += 1
        ends[number + 1] = n_seen
    return rows[:n_seen], ends


@compiled
def _holders(rows: Any, ends: Any, n_anime: int) -> Any:  # pragma: no cover - compiled
    """Tell which of the neighbours have seen each anime: where theirs begin, and who they are."""
    starts = np.zeros(n_anime + 1, np.int64)
    for row in rows:
        starts[row + 1] += 1
    for row in range(n_anime):
        starts[row + 1] += starts[row]
    free = starts[:-1].copy()
    holders = np.empty(len(rows), np.int64)
    for number in range(len(ends) - 1):
        for row in rows[ends[number] : ends[number + 1]]:
            holders[free[row]] = number
            free[row] += 1
    return starts, holders


@compiled
def _sum_up(rows: Any, ends: Any, idf: Any, mine: Any) -> Any:  # pragma: no cover - compiled
    """Tell how much each two neighbours have in common, and each with the one who asks."""
    n_neighbours = len(ends) - 1
    starts, holders = _holders(rows, ends, len(idf))
    gram = np.zeros((n_neighbours, n_neighbours), np.float32)
    overlap = np.zeros(n_neighbours, np.float32)
    says = np.zeros(n_neighbours, np.float32)
    for row in range(len(idf)):
        who = holders[starts[row] : starts[row + 1]]
        if len(who) == 1 and not mine[row]:
            gram[who[0], who[0]] += idf[row]
            continue
        for holder in who:
            says[holder] = idf[row]
        # Whole rows, zeros included: a processor adds eight or sixteen numbers at once.
        for holder in who:
            line = gram[holder]
            for other in range(n_neighbours):
                line[other] += says[other]
        if mine[row]:
            for holder in who:
                overlap[holder] += idf[row]
        for holder in who:
            says[holder] = 0.0
    return gram, overlap
