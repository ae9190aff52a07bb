"""A user's list in rows: the one form in which known and unseen users reach the scorers."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle


class Status(IntEnum):
    """Watching status, numbered as in the MyAnimeList dump."""

    UNKNOWN = 0
    WATCHING = 1
    COMPLETED = 2
    ON_HOLD = 3
    DROPPED = 4
    PLAN_TO_WATCH = 6


_PLAN_TO_WATCH: Final = np.uint8(Status.PLAN_TO_WATCH)

# A rating as low as this is a dislike whoever gives it, and so is one as far below the user's own mean.
DISLIKED_RATING: Final = 4
DISLIKED_BELOW_MEAN: Final = 2
# From this share of dislikes on, none of them supports anything; among few, each still tells what the user watches.
MOST_DISLIKED: Final = 0.25


class Support(NamedTuple):
    """What the scores of a list rest on."""

    rows: NDArray[np.integer]  # (n,), anime rows, none twice
    weights: NDArray[np.float32]  # (n,), in (0, 1]; 1 for what is not disliked

    @classmethod
    def of(cls, rows: NDArray[np.integer]) -> "Support":
        """Let some anime count alike."""
        return cls(rows, np.ones(len(rows), dtype=np.float32))


@dataclass(frozen=True)
class UserList:
    """What one user has on their list. All arrays have shape (n,)."""

    anime_rows: NDArray[np.int32]  # ascending, no row twice
    ratings: NDArray[np.uint8]  # 1..10, 0 = unrated
    statuses: NDArray[np.uint8]  # see Status

    @cached_property
    def seen_rows(self) -> NDArray[np.int32]:
        """Rows of what the user has begun to watch: everything but plan-to-watch."""
        seen: NDArray[np.int32] = self.anime_rows[self.statuses != int(Status.PLAN_TO_WATCH)]
        return seen

    @cached_property
    def disliked(self) -> NDArray[np.bool_]:
        """Mark what the user dropped or rated low: it never counts in favour of anything."""
        return _mark_disliked(self._owners, 1, self.ratings, self.statuses)

    @cached_property
    def disliked_rows(self) -> NDArray[np.int32]:
        """Rows of what the user has begun to watch and dislikes."""
        rows: NDArray[np.int32] = self.anime_rows[self.disliked]
        return rows

    @cached_property
    def liked_rows(self) -> NDArray[np.int32]:
        """Rows of what the user has begun to watch and does not dislike: what recommendations rest on."""
        rows: NDArray[np.int32] = self.anime_rows[(self.statuses != int(Status.PLAN_TO_WATCH)) & ~self.disliked]
        return rows

    @cached_property
    def support(self) -> Support:
        """What the user has begun to watch, each dislike for less, the larger their share."""
        counted = self.weights > 0.0
        return Support(self.anime_rows[counted], self.weights[counted])

    @cached_property
    def weights(self) -> NDArray[np.float32]:
        """What each entry counts, in [0, 1]: see :func:`support_weights`."""
        begun = self.statuses != int(Status.PLAN_TO_WATCH)
        return _weigh(self._owners, 1, begun, self.disliked)

    @property
    def _owners(self) -> NDArray[np.int64]:
        return np.zeros(len(self.anime_rows), dtype=np.int64)

    @property
    def top_quarter_rows(self) -> NDArray[np.int32]:
        """Rows of what the user rates at or above their own 75th percentile; none without ratings."""
        rated = np.sort(self.ratings[self.ratings > 0])
        if not len(rated):
            return self.anime_rows[:0]
        # As in least_of_top_quarters, which takes three times as long for a single list.
        below, part = divmod(3 * (len(rated) - 1), 4)
        low, high = int(rated[below]), int(rated[below + (part > 0)])
        return self.anime_rows[self.ratings >= low - (-part * (high - low) // 4)]


def support_weights(
    owners: NDArray[np.integer], n_lists: int, ratings: NDArray[np.uint8], statuses: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Give what each entry of some lists counts, for the list of its owner, in [0, 1].

    Plans count for nothing, dislikes for less, the larger their share of what was begun. Where everything is disliked
    all of it counts: it still tells whom the user resembles.
    """
    begun = statuses != int(Status.PLAN_TO_WATCH)
    return _weigh(owners, n_lists, begun, _mark_disliked(owners, n_lists, ratings, statuses))


def _weigh(
    owners: NDArray[np.integer], n_lists: int, begun: NDArray[np.bool_], disliked: NDArray[np.bool_]
) -> NDArray[np.float32]:
    n_begun, n_disliked = (np.bincount(owners, marks, n_lists) for marks in (begun, disliked))
    of_dislikes = np.maximum(0.0, 1.0 - n_disliked / np.maximum(n_begun, 1.0) / MOST_DISLIKED)
    of_dislikes[n_disliked == n_begun] = 1.0
    weights: NDArray[np.float32] = np.where(disliked, of_dislikes[owners], begun).astype(np.float32)
    return weights


def _mark_disliked(
    owners: NDArray[np.integer], n_lists: int, ratings: NDArray[np.uint8], statuses: NDArray[np.uint8]
) -> NDArray[np.bool_]:
    begun = statuses != int(Status.PLAN_TO_WATCH)
    rated = begun & (ratings > 0)
    n_rated = np.maximum(np.bincount(owners, rated, n_lists), 1.0)
    highest = np.maximum(
        DISLIKED_RATING, np.bincount(owners, ratings * rated, n_lists) / n_rated - DISLIKED_BELOW_MEAN
    )
    marks: NDArray[np.bool_] = rated & (ratings <= highest[owners]) | (statuses == int(Status.DROPPED))
    return marks


def list_of_user(bundle: Bundle, user_row: int) -> UserList:
    """Give the list of a user the model knows: views into the bundle."""
    entries = slice(int(bundle.list_offsets[user_row]), int(bundle.list_offsets[user_row + 1]))
    return UserList(bundle.list_anime_rows[entries], bundle.list_ratings[entries], bundle.list_statuses[entries])


def entries_of_users(
    bundle: Bundle, user_rows: NDArray[np.integer], *columns: NDArray[Any]
) -> tuple[NDArray[np.int64], list[NDArray[Any]]]:
    """Give the lists of some users end to end.

    Parameters
    ----------
    bundle : Bundle
    user_rows : ndarray of shape (n,), dtype=integer
    *columns : ndarray of shape (n_entries,)
        Of the bundle's lists: rows, ratings, statuses.

    Returns
    -------
    sizes : ndarray of shape (n,), dtype=int64
        How many entries each list has.
    entries : list of ndarray
        One per column.
    """
    starts, stops = bundle.list_offsets[user_rows], bundle.list_offsets[1:][user_rows]
    places = join_ranges(starts, stops)
    return stops - starts, [column[places] for column in columns]


@dataclass(frozen=True)
class ListsOfUsers:
    """The lists of some users, end to end: list i is rows[ends[i]:ends[i + 1]]."""

    rows: NDArray[np.intp]  # (n_entries,), anime rows, list after list
    ends: NDArray[np.int64]  # (n_lists + 1,)
    places: NDArray[np.int64]  # (n_entries,), where each entry stands in the bundle's columns

    @classmethod
    def of(cls, bundle: Bundle, user_rows: NDArray[np.integer]) -> "ListsOfUsers":
        """Read the lists of some users."""
        starts, stops = bundle.list_offsets[user_rows], bundle.list_offsets[1:][user_rows]
        places = join_ranges(starts, stops)
        # As numpy wants an index: it would be turned into one at each look.
        rows = bundle.list_anime_rows[places].astype(np.intp)
        return cls(rows, np.concatenate(([0], np.cumsum(stops - starts))), places)

    def seen(self, bundle: Bundle) -> "SeenLists":
        """Leave out what they plan to watch."""
        # Places, which take a third of the time that a mask does.
        kept = np.flatnonzero(bundle.list_statuses[self.places] != _PLAN_TO_WATCH)
        return SeenLists(self.rows[kept], np.searchsorted(kept, self.ends))


def join_ranges(starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the numbers from each start up to its stop, range after range."""
    sizes = stops - starts
    ends = np.cumsum(sizes)
    return np.arange(sizes.sum()) + np.repeat(stops - ends, sizes)


@dataclass(frozen=True)
class SeenLists:
    """What some users have seen, end to end: list i is rows[ends[i]:ends[i + 1]]."""

    rows: NDArray[np.integer]  # (n_entries,), anime rows, list after list
    ends: NDArray[np.int64]  # (n_lists + 1,)

    def __len__(self) -> int:
        return len(self.ends) - 1

    @classmethod
    def of(cls, lists: Sequence[NDArray[np.integer]]) -> "SeenLists":
        """Put the anime rows that each user has seen end to end."""
        sizes = [len(rows) for rows in lists]
        rows = np.concatenate([np.empty(0, dtype=np.int32), *lists])
        return cls(rows, np.cumsum([0, *sizes]))

    @cached_property
    def owners(self) -> NDArray[np.int64]:
        """Which list each entry belongs to, ascending, shape (n_entries,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.ends))

    def sum_up(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Add up numbers, one per entry, by list; 0 for an empty list."""
        starts = self.ends[:-1]
        # For an empty list reduceat gives the number that stands where it would begin, if there is one.
        sums = np.add.reduceat(np.append(values, np.float32(0.0)), starts)
        return np.where(starts < self.ends[1:], sums, np.float32(0.0))


def seen_lists_of_users(bundle: Bundle, user_rows: NDArray[np.integer]) -> SeenLists:
    """Give what each of some users has seen: the ``seen_rows`` of their lists."""
    return ListsOfUsers.of(bundle, user_rows).seen(bundle)


def least_of_top_quarters(owners: NDArray[np.int64], ratings: NDArray[np.uint8], n_lists: int) -> NDArray[np.int64]:
    """Find, for many lists at once, the least rating of their top quarter: at or above their 75th percentile.

    Parameters
    ----------
    owners : ndarray of shape (n,), dtype=int64
        Which list each entry belongs to, in [0, n_lists).
    ratings : ndarray of shape (n,), dtype=uint8
        1..10, 0 = unrated.
    n_lists : int

    Returns
    -------
    ndarray of shape (n_lists,), dtype=int64
        From 1 to 10; 11 where nothing is rated, so that nothing reaches it.
    """
    # Shape: (n_lists, 11), how often each list gives each rating.
    counts = np.bincount(owners * 11 + ratings, minlength=n_lists * 11).reshape(n_lists, 11)
    passed = np.cumsum(counts[:, 1:], axis=1)
    n_rated = passed[:, -1]
    # The percentile lies ``part`` quarters of the way from the rating at place ``below`` to the next one.
    below, part = np.divmod(3 * (n_rated - 1), 4)
    low = 1 + np.argmax(passed > below[:, None], axis=1)
    high = 1 + np.argmax(passed > (below + (part > 0))[:, None], axis=1)
    # Rounded up: ratings are whole numbers.
    return np.where(n_rated > 0, low - (-part * (high - low) // 4), 11)
