"""Lists in rows: who has what on their list, one compressed sparse row per user."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from models.scoring.user_list import Status, UserList

# About how many entries the groups have that users are worked on in.
GROUP_ENTRIES: Final = 1 << 18
_COUNTED_AT_ONCE: Final = 1 << 22


@dataclass(frozen=True)
class Interactions:
    """The lists of all users.

    Attributes
    ----------
    user_ids : ndarray of shape (n_users,), dtype=int64
        Ascending.
    anime_ids : ndarray of shape (n_anime,), dtype=int64
        Ascending.
    offsets : ndarray of shape (n_users + 1,), dtype=int64
        The list of user row u lies in entries [offsets[u], offsets[u + 1]).
    anime_rows : ndarray of shape (n_entries,), dtype=int32
        Ascending within a list, none twice.
    ratings : ndarray of shape (n_entries,), dtype=uint8
        1..10, 0 = unrated.
    statuses : ndarray of shape (n_entries,), dtype=uint8
        See :class:`models.scoring.user_list.Status`.
    """

    user_ids: NDArray[np.int64]
    anime_ids: NDArray[np.int64]
    offsets: NDArray[np.int64]
    anime_rows: NDArray[np.int32]
    ratings: NDArray[np.uint8]
    statuses: NDArray[np.uint8]

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.user_ids)

    @property
    def n_anime(self) -> int:
        """Number of anime."""
        return len(self.anime_ids)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Mark the entries that are positives: everything but plan-to-watch."""
        marks: NDArray[np.bool_] = self.statuses != int(Status.PLAN_TO_WATCH)
        return marks

    def popularity(self) -> NDArray[np.int32]:
        """Count how many lists hold each anime, plans left out.

        Returns
        -------
        ndarray of shape (n_anime,), dtype=int32
        """
        counts = np.zeros(self.n_anime, dtype=np.int32)
        # A part at a time: 109 million entries are not few.
        for start in range(0, len(self.anime_rows), _COUNTED_AT_ONCE):
            entries = slice(start, start + _COUNTED_AT_ONCE)
            seen = self.statuses[entries] != int(Status.PLAN_TO_WATCH)
            counts += np.bincount(self.anime_rows[entries][seen], minlength=self.n_anime).astype(np.int32)
        return counts

    def user_rows(self) -> NDArray[np.int32]:
        """Give the user row of every entry.

        Returns
        -------
        ndarray of shape (n_entries,), dtype=int32
        """
        return np.repeat(np.arange(self.n_users, dtype=np.int32), np.diff(self.offsets))

    def list_of(self, user_row: int) -> UserList:
        """Give one user's list.

        Returns
        -------
        UserList
            Views; nothing is copied.
        """
        entries = slice(int(self.offsets[user_row]), int(self.offsets[user_row + 1]))
        return UserList(self.anime_rows[entries], self.ratings[entries], self.statuses[entries])

    def part_of(self, user_row: int, anime_rows: NDArray[np.integer]) -> UserList:
        """Give a part of one user's list, ratings and statuses included.

        Parameters
        ----------
        user_row : int
        anime_rows : ndarray, dtype=integer
            What the part holds; rows that are not on the list are ignored.
        """
        whole = self.list_of(user_row)
        kept = np.isin(whole.anime_rows, anime_rows)
        return UserList(whole.anime_rows[kept], whole.ratings[kept], whole.statuses[kept])

    def groups_of_users(self) -> Iterator[tuple[int, int]]:
        """Group neighbouring users, so that what is computed of a group stays small, however many users there are.

        Yields
        ------
        tuple of int
            The first user row of a group, and the one after its last.
        """
        firsts = np.searchsorted(self.offsets, np.arange(0, self.offsets[-1], GROUP_ENTRIES))
        return itertools.pairwise([*np.unique([0, *firsts]).tolist(), self.n_users])

    def users_between(self, first: int, last: int) -> "Interactions":
        """Give a run of users.

        Parameters
        ----------
        first, last : int
            The first user row, and the one after the last.

        Returns
        -------
        Interactions
            Views; of the entries nothing is copied.
        """
        start, end = int(self.offsets[first]), int(self.offsets[last])
        return Interactions(
            self.user_ids[first:last],
            self.anime_ids,
            self.offsets[first : last + 1] - start,
            self.anime_rows[start:end],
            self.ratings[start:end],
            self.statuses[start:end],
        )

    def keep_entries(self, kept: NDArray[np.bool_]) -> "Interactions":
        """Give the same users and anime with fewer entries.

        Parameters
        ----------
        kept : ndarray of shape (n_entries,), dtype=bool
        """
        return Interactions(
            self.user_ids,
            self.anime_ids,
            np.concatenate([[0], np.cumsum(self.count_by_user(kept))]),
            self.anime_rows[kept],
            self.ratings[kept],
            self.statuses[kept],
        )

    def count_by_user(self, marks: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Count the marked entries of each user.

        Parameters
        ----------
        marks : ndarray of shape (n_entries,), dtype=bool

        Returns
        -------
        ndarray of shape (n_users,), dtype=int64
        """
        counts = np.zeros(self.n_users, dtype=np.int64)
        for first, last in self.groups_of_users():
            marked = self.offsets[first] + np.flatnonzero(marks[self.offsets[first] : self.offsets[last]])
            counts[first:last] = np.diff(np.searchsorted(marked, self.offsets[first : last + 1]))
        return counts

    def keep_users(self, kept: NDArray[np.bool_]) -> "Interactions":
        """Give fewer users, with their whole lists. Anime stay as they are.

        Parameters
        ----------
        kept : ndarray of shape (n_users,), dtype=bool
        """
        offsets = np.concatenate([[0], np.cumsum(np.diff(self.offsets)[kept], dtype=np.int64)])
        # Users mostly stay in runs, and a run of lists is one slice. A mark per entry would cost a pass over all.
        turns = np.flatnonzero(np.diff(kept, prepend=False, append=False))
        slices = [slice(start, end) for start, end in self.offsets[turns].reshape(-1, 2).tolist()]

        def pick(column: NDArray[Any]) -> NDArray[Any]:
            plain = np.asarray(column)  # slices of a memory map cost more than their bytes
            return np.concatenate([plain[:0], *(plain[entries] for entries in slices)])

        return Interactions(
            self.user_ids[kept],
            self.anime_ids,
            offsets,
            pick(self.anime_rows),
            pick(self.ratings),
            pick(self.statuses),
        )

    def matrix(self, values: NDArray[Any]) -> sp.csr_matrix:
        """Put one value per entry into a sparse matrix.

        Parameters
        ----------
        values : ndarray of shape (n_entries,)

        Returns
        -------
        scipy.sparse.csr_matrix of shape (n_users, n_anime), dtype=float32
        """
        shape = (self.n_users, self.n_anime)
        return sp.csr_matrix((values.astype(np.float32, copy=False), self.anime_rows, self.offsets), shape=shape)

    def seen_matrix(self) -> sp.csr_matrix:
        """Give the binary matrix of what users have seen.

        Returns
        -------
        scipy.sparse.csr_matrix of shape (n_users, n_anime), dtype=float32
            1 where an anime is on the list, plan-to-watch left out.
        """
        seen = self.seen
        offsets = np.concatenate([[0], np.cumsum(self.count_by_user(seen))])
        ones = np.ones(int(offsets[-1]), dtype=np.float32)
        return sp.csr_matrix((ones, self.anime_rows[seen], offsets), shape=(self.n_users, self.n_anime))
