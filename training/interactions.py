"""Lists in rows: who has what on their list, one compressed sparse row per user."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from models.scoring.user_list import Status, UserList


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

    def rows_digest(self) -> str:
        """Hash the ID maps: which row belongs to which user and anime.

        Returns
        -------
        str
            sha256, 64 hexadecimal digits.
        """
        digest = hashlib.sha256(np.ascontiguousarray(self.user_ids).data)
        digest.update(b"/")
        digest.update(np.ascontiguousarray(self.anime_ids).data)
        return digest.hexdigest()

    def user_rows(self) -> NDArray[np.int32]:
        """Give the user row of every entry.

        Returns
        -------
        ndarray of shape (n_entries,), dtype=int32
        """
        return np.repeat(np.arange(self.n_users, dtype=np.int32), np.diff(self.offsets))

    def list_of(self, user_row: int) -> UserList:
        """Give one user's list.

        Parameters
        ----------
        user_row : int

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

        Returns
        -------
        UserList
        """
        whole = self.list_of(user_row)
        kept = np.isin(whole.anime_rows, anime_rows)
        return UserList(whole.anime_rows[kept], whole.ratings[kept], whole.statuses[kept])

    def keep_entries(self, kept: NDArray[np.bool_]) -> "Interactions":
        """Give the same users and anime with fewer entries.

        Parameters
        ----------
        kept : ndarray of shape (n_entries,), dtype=bool

        Returns
        -------
        Interactions
        """
        ends = np.concatenate([[0], np.cumsum(kept, dtype=np.int64)])
        return Interactions(
            self.user_ids,
            self.anime_ids,
            ends[self.offsets],
            self.anime_rows[kept],
            self.ratings[kept],
            self.statuses[kept],
        )

    def keep_users(self, kept: NDArray[np.bool_]) -> "Interactions":
        """Give fewer users, with their whole lists. Anime stay as they are.

        Parameters
        ----------
        kept : ndarray of shape (n_users,), dtype=bool

        Returns
        -------
        Interactions
        """
        lengths = np.diff(self.offsets)
        entries = np.repeat(kept, lengths)
        offsets = np.concatenate([[0], np.cumsum(lengths[kept], dtype=np.int64)])
        return Interactions(
            self.user_ids[kept],
            self.anime_ids,
            offsets,
            self.anime_rows[entries],
            self.ratings[entries],
            self.statuses[entries],
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
        return sp.csr_matrix((values.astype(np.float32), self.anime_rows, self.offsets), shape=shape)

    def seen_matrix(self) -> sp.csr_matrix:
        """Give the binary matrix of what users have seen.

        Returns
        -------
        scipy.sparse.csr_matrix of shape (n_users, n_anime), dtype=float32
            1 where an anime is on the list, plan-to-watch left out.
        """
        seen = self.keep_entries(self.seen)
        return seen.matrix(np.ones(len(seen.anime_rows)))
