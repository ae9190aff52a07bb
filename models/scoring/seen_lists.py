"""What each of some users has seen, all of it end to end: a few looks at thousands of entries, not a few per list."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.user_list import Status, entries_of_users


@dataclass(frozen=True)
class SeenLists:
    """What some users have seen.

    Attributes
    ----------
    rows : ndarray of shape (n_entries,), dtype=integer
        Anime rows, list after list.
    owners : ndarray of shape (n_entries,), dtype=int64
        Which list each entry belongs to, ascending.
    ends : ndarray of shape (n_lists + 1,), dtype=int64
        List i is rows[ends[i]:ends[i + 1]].
    """

    rows: NDArray[np.integer]
    owners: NDArray[np.int64]
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ends) - 1

    @classmethod
    def of(cls, lists: Sequence[NDArray[np.integer]]) -> "SeenLists":
        """Put lists end to end.

        Parameters
        ----------
        lists : sequence of ndarray, dtype=integer
            What each user has seen.
        """
        sizes = [len(rows) for rows in lists]
        rows = np.concatenate([np.empty(0, dtype=np.int32), *lists])
        return cls(rows, np.repeat(np.arange(len(lists)), sizes), np.cumsum([0, *sizes]))

    def sum_up(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Add up numbers by list.

        Parameters
        ----------
        values : ndarray of shape (n_entries,), dtype=float32

        Returns
        -------
        ndarray of shape (n_lists,), dtype=float32
            0 for an empty list.
        """
        starts = self.ends[:-1]
        # For an empty list reduceat gives the number that stands where it would begin, if there is one.
        sums = np.add.reduceat(np.append(values, np.float32(0.0)), starts)
        return np.where(starts < self.ends[1:], sums, np.float32(0.0))


def seen_lists_of_users(bundle: Bundle, user_rows: NDArray[np.integer]) -> SeenLists:
    """Give what each of some users has seen.

    Parameters
    ----------
    bundle : Bundle
    user_rows : ndarray of shape (n,), dtype=integer

    Returns
    -------
    SeenLists
        The ``seen_rows`` of each one's list.
    """
    sizes, (rows, statuses) = entries_of_users(bundle, user_rows, bundle.list_anime_rows, bundle.list_statuses)
    # Places, which take a third of the time that a mask does.
    seen = np.flatnonzero(statuses != int(Status.PLAN_TO_WATCH))
    ends = np.searchsorted(seen, np.concatenate(([0], np.cumsum(sizes))))
    return SeenLists(rows[seen], np.repeat(np.arange(len(sizes)), np.diff(ends)), ends)
