"""What lists say of pairs of anime, added up along the lists: a block of anime with all others at a time."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.lists.interactions import Interactions
from training.support.compiled import compiled

Block = NDArray[np.float32]
Rows = NDArray[np.integer[Any]]


class SharedViewers(NamedTuple):
    """What is added up over the users who have seen both anime of a pair.

    Attributes
    ----------
    seen : ndarray of shape (b, n_anime), dtype=float32
        One for each.
    liked : ndarray of shape (b, n_anime), dtype=float32
        One for each who liked both.
    even : ndarray of shape (b, n_anime), dtype=float32
        One by the length of the list.
    """

    seen: Block
    liked: Block
    even: Block


@dataclass(frozen=True)
class ViewersLists:
    """Lists, and who has seen each anime.

    Attributes
    ----------
    offsets : ndarray of shape (n_users + 1,), dtype=int64
        The list of user u lies at [offsets[u], offsets[u + 1]).
    anime_rows : ndarray of shape (n_entries,), dtype=int32
    likes : ndarray of shape (n_entries,), dtype=bool
        Rated at or above the user's mean.
    starts : ndarray of shape (n_anime + 1,), dtype=int64
        Those who have seen anime a lie at [starts[a], starts[a + 1]) of the next two.
    holders : ndarray of shape (n_entries,), dtype=int32
        Users, ascending.
    holder_likes : ndarray of shape (n_entries,), dtype=bool
    """

    offsets: NDArray[np.int64]
    anime_rows: NDArray[np.int32]
    likes: NDArray[np.bool_]
    starts: NDArray[np.int64]
    holders: NDArray[np.int32]
    holder_likes: NDArray[np.bool_]

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.offsets) - 1

    def sums(self) -> SharedViewers:
        """Add up what each anime shares with itself.

        Returns
        -------
        SharedViewers
            Of shape (n_anime,) each.
        """
        n_anime = len(self.starts) - 1
        owners = np.repeat(np.arange(self.n_users), np.diff(self.offsets))
        shares = 1.0 / np.diff(self.offsets)[owners]
        weights = (None, self.likes.astype(np.float64), shares)
        sums = [np.bincount(self.anime_rows, weight, minlength=n_anime).astype(np.float32) for weight in weights]
        return SharedViewers(*sums)

    def shared(self, rows: Rows) -> SharedViewers:
        """Add up what some anime share with every other.

        Parameters
        ----------
        rows : ndarray of shape (b,), dtype=integer
        """
        shape = (len(rows), len(self.starts) - 1)
        blocks = SharedViewers(*(np.zeros(shape, dtype=np.float32) for _ in range(3)))
        lists = (self.offsets, self.anime_rows, self.likes, self.starts, self.holders, self.holder_likes)
        _add_up(*lists, np.asarray(rows, dtype=np.int64), *blocks)
        return blocks


def viewers_lists(lists: Interactions) -> ViewersLists:
    """Turn lists into those of viewers.

    Parameters
    ----------
    lists : Interactions
        Without plans, and without users who have seen nothing.
    """
    user_rows = lists.user_rows()
    rated = lists.ratings > 0
    n_rated = np.bincount(user_rows, rated, minlength=lists.n_users)
    means = np.bincount(user_rows, lists.ratings, minlength=lists.n_users) / np.maximum(n_rated, 1)
    likes = rated & (lists.ratings >= means[user_rows])
    by_anime = np.argsort(lists.anime_rows, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(lists.anime_rows, minlength=lists.n_anime))])
    offsets, anime_rows = np.asarray(lists.offsets), np.asarray(lists.anime_rows)
    return ViewersLists(offsets, anime_rows, likes, starts, user_rows[by_anime], likes[by_anime])


def kth_largest(block: Block, k: int) -> NDArray[np.float32]:
    """Find the k-th largest value of every row; the smallest where a row is shorter.

    Parameters
    ----------
    block : ndarray of shape (b, n), dtype=float32
        No NaN.
    k : int
        Small: the k largest are kept in order while a row is gone through.

    Returns
    -------
    ndarray of shape (b,), dtype=float32
    """
    found: NDArray[np.float32] = _kth_largest(np.ascontiguousarray(block), min(k, block.shape[1]))
    return found


@compiled
def _add_up(  # noqa: PLR0913, PLR0917 - compiled code takes arrays, not objects
    offsets: Any,
    anime_rows: Any,
    likes: Any,
    starts: Any,
    holders: Any,
    holder_likes: Any,
    rows: Any,
    seen: Any,
    liked: Any,
    even: Any,
) -> None:  # pragma: no cover - compiled
    for number in range(len(rows)):
        for place in range(starts[rows[number]], starts[rows[number] + 1]):
            first, last = offsets[holders[place]], offsets[holders[place] + 1]
            share = np.float32(1.0 / (last - first))
            if holder_likes[place]:
                for entry in range(first, last):
                    other = anime_rows[entry]
                    seen[number, other] += np.float32(1.0)
                    liked[number, other] += np.float32(likes[entry])
                    even[number, other] += share
            else:
                for entry in range(first, last):
                    other = anime_rows[entry]
                    seen[number, other] += np.float32(1.0)
                    even[number, other] += share


@compiled
def _kth_largest(block: Any, k: int) -> Any:  # pragma: no cover - compiled
    found = np.empty(len(block), np.float32)
    best = np.empty(k, np.float32)
    for number in range(len(block)):
        row = block[number]
        best[:] = -np.inf
        for value in row:
            if value > best[k - 1]:
                place = k - 1
                while place > 0 and best[place - 1] < value:
                    best[place] = best[place - 1]
                    place -= 1
                best[place] = value
        found[number] = best[k - 1]
    return found
