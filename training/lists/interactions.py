"""Lists in rows: who has what on their list, one compressed sparse row per user."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from models.scoring.user_list import Status, UserList
from training.support.engine import Engine, concatenate

# Entries of a group of users, about.
GROUP_ENTRIES: Final = 1 << 18
_COUNTED_AT_ONCE: Final = 1 << 22


@dataclass(frozen=True)
class Interactions:
    """The lists of all users."""

    user_ids: NDArray[Any]  # ascending; all of them int64 or all of them str
    anime_ids: NDArray[np.int64]  # ascending
    offsets: NDArray[np.int64]  # the list of user row u is in entries [offsets[u], offsets[u + 1])
    anime_rows: NDArray[np.int32]  # ascending within a list, none twice
    ratings: NDArray[np.uint8]  # 1..10, 0 = unrated
    statuses: NDArray[np.uint8]  # see models.scoring.user_list.Status

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
        """Count how many lists hold each anime, plans left out."""
        counts = np.zeros(self.n_anime, dtype=np.int32)
        # A part at a time, since numpy copies what it counts.
        for start in range(0, len(self.anime_rows), _COUNTED_AT_ONCE):
            entries = slice(start, start + _COUNTED_AT_ONCE)
            seen = self.statuses[entries] != int(Status.PLAN_TO_WATCH)
            counts += np.bincount(self.anime_rows[entries][seen], minlength=self.n_anime).astype(np.int32)
        return counts

    def user_rows(self) -> NDArray[np.int32]:
        """Return the user row of every entry."""
        return np.repeat(np.arange(self.n_users, dtype=np.int32), np.diff(self.offsets))

    def list_of(self, user_row: int) -> UserList:
        """Return one user's list, as views."""
        entries = slice(int(self.offsets[user_row]), int(self.offsets[user_row + 1]))
        return UserList(self.anime_rows[entries], self.ratings[entries], self.statuses[entries])

    def part_of(self, user_row: int, anime_rows: NDArray[np.integer]) -> UserList:
        """Return what a user's list holds of some anime, ratings and statuses included."""
        whole = self.list_of(user_row)
        kept = np.isin(whole.anime_rows, anime_rows)
        return UserList(whole.anime_rows[kept], whole.ratings[kept], whole.statuses[kept])

    def groups_of_users(self) -> Iterator[tuple[int, int]]:
        """Yield [first, last) user rows of runs of neighbouring users, each with about as many entries."""
        firsts = np.searchsorted(self.offsets, np.arange(0, self.offsets[-1], GROUP_ENTRIES))
        return itertools.pairwise([*np.unique([0, *firsts]).tolist(), self.n_users])

    def users_between(self, first: int, last: int) -> "Interactions":
        """Return the users [first, last), with views of their entries."""
        start, end = int(self.offsets[first]), int(self.offsets[last])
        columns = (self.anime_rows[start:end], self.ratings[start:end], self.statuses[start:end])
        return Interactions(
            self.user_ids[first:last], self.anime_ids, self.offsets[first : last + 1] - start, *columns
        )

    def keep_entries(self, kept: NDArray[np.bool_]) -> "Interactions":
        """Return the same users and anime with the marked entries only."""
        offsets = np.concatenate([[0], np.cumsum(self.count_by_user(kept))])
        columns = (self.anime_rows[kept], self.ratings[kept], self.statuses[kept])
        return Interactions(self.user_ids, self.anime_ids, offsets, *columns)

    def count_by_user(self, marks: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Count the marked entries of each user."""
        counts = np.zeros(self.n_users, dtype=np.int64)
        for first, last in self.groups_of_users():
            marked = self.offsets[first] + np.flatnonzero(marks[self.offsets[first] : self.offsets[last]])
            counts[first:last] = np.diff(np.searchsorted(marked, self.offsets[first : last + 1]))
        return counts

    def keep_users(self, kept: NDArray[np.bool_]) -> "Interactions":
        """Return the marked users, with their whole lists. Anime stay as they are."""
        return self if kept.all() else self.take_users(np.flatnonzero(kept))

    def take_users(self, rows: NDArray[np.integer]) -> "Interactions":
        """Return users by their rows, in that order, with their whole lists. Anime stay as they are."""
        return pick_users([self], rows)

    def matrix(self, values: NDArray[Any]) -> sp.csr_matrix:
        """Return one value per entry as a sparse matrix of shape (n_users, n_anime), dtype=float32."""
        shape = (self.n_users, self.n_anime)
        return sp.csr_matrix((values.astype(np.float32, copy=False), self.anime_rows, self.offsets), shape=shape)

    def seen_matrix(self) -> sp.csr_matrix:
        """Return a binary matrix of shape (n_users, n_anime), dtype=float32: what is on the lists, plans left out."""
        seen = self.keep_entries(self.seen)
        return seen.matrix(np.ones(len(seen.anime_rows), dtype=np.float32))


def pick_users(sources: Sequence[Interactions], rows: NDArray[np.integer]) -> Interactions:
    """Return users of lists of the same anime, in some order; their rows count on from one source to the next."""
    starts, ends = (
        np.concatenate([lists.offsets[part] for lists in sources]) for part in (slice(-1), slice(1, None))
    )
    whose = np.searchsorted(np.cumsum([lists.n_users for lists in sources]), rows, side="right")
    # Users mostly stay in runs, and a run of lists is one slice. A mark per entry would cost a pass over all.
    cuts = np.flatnonzero((np.diff(rows) != 1) | (np.diff(whose) != 0)) + 1
    firsts, lasts = np.concatenate([[0], cuts])[: len(rows)], np.concatenate([cuts, [len(rows)]])[: len(rows)] - 1
    runs = [whose[firsts].tolist(), map(slice, starts[rows[firsts]].tolist(), ends[rows[lasts]].tolist())]
    slices = list(zip(*runs, strict=True))

    def pick(name: str) -> NDArray[Any]:
        plain = [np.asarray(getattr(lists, name)) for lists in sources]  # slices of a memory map cost more
        return np.concatenate([plain[0][:0], *(plain[number][entries] for number, entries in slices)])

    offsets = np.concatenate([[0], np.cumsum((ends - starts)[rows], dtype=np.int64)])
    user_ids = np.concatenate([lists.user_ids for lists in sources])[rows]
    return Interactions(user_ids, sources[0].anime_ids, offsets, *map(pick, ("anime_rows", "ratings", "statuses")))


def concatenate_lists(parts: Sequence[Interactions], engine: Engine) -> Interactions:
    """Put lists of neighbouring users together, all of the same anime."""
    if len(parts) == 1:
        return parts[0]
    starts = np.cumsum([0, *(part.offsets[-1] for part in parts)])
    offsets = [part.offsets[1:] + start for part, start in zip(parts, starts[:-1], strict=True)]
    user_ids = np.concatenate([part.user_ids for part in parts])
    columns = (
        concatenate(engine, [getattr(part, name) for part in parts]) for name in ("anime_rows", "ratings", "statuses")
    )
    return Interactions(user_ids, parts[0].anime_ids, np.concatenate([starts[:1], *offsets]), *columns)
