"""How much two anime share their viewers, for given pairs: cheap, on a sample of users."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.lists.interactions import Interactions

# Enough to tell a sequel from a chance; 16,384 users x 17,562 anime are 36 MB of bits.
_MAX_USERS: Final = 16_384
_BLOCK: Final = 16_384
# An anime with fewer viewers says nothing by being watched apart.
_MIN_VIEWERS: Final = 30
_MIN_TOGETHER: Final = 4
_FEW_VIEWERS, _MOST_BY_FEW = 15, 1.6


class CoWatching:
    """Who watched what, a bit per user and anime.

    Parameters
    ----------
    lists : Interactions
        Plan-to-watch is left out. Of more than 16,384 users every k-th counts.

    Attributes
    ----------
    n_users : int
        How many users count.
    viewers : ndarray of shape (n_anime,), dtype=int64
        How many of them have seen each anime.
    """

    def __init__(self, lists: Interactions) -> None:
        # Chosen before anything is counted: at full size the matrix of all users takes a gigabyte.
        step = max(1, -(-lists.n_users // _MAX_USERS))
        seen: Any = lists.keep_users(np.arange(lists.n_users) % step == 0).seen_matrix().tocsc()
        self.n_users = int(seen.shape[0])
        self._bits = np.zeros((lists.n_anime, -(-self.n_users // 8)), dtype=np.uint8)
        for row in range(lists.n_anime):
            watched = np.zeros(self.n_users, dtype=bool)
            watched[seen.indices[seen.indptr[row] : seen.indptr[row + 1]]] = True
            self._bits[row] = np.packbits(watched)
        self.viewers: NDArray[np.int64] = np.bitwise_count(self._bits).sum(axis=1, dtype=np.int64)

    def count_shared(self, row: int, others: NDArray[np.integer]) -> int:
        """Count the viewers of an anime who have seen any of some others.

        Parameters
        ----------
        row : int
        others : ndarray of shape (n,), dtype=integer
            One at least.
        """
        seen_any: NDArray[np.uint8] = np.bitwise_or.reduce(self._bits[others], axis=0)
        return int(np.bitwise_count(seen_any & self._bits[row]).sum(dtype=np.int64))

    def points(self, first: NDArray[np.integer], second: NDArray[np.integer]) -> NDArray[np.float64]:
        """Give points for pairs whose viewers are the same, and take some from pairs whose are not.

        Parameters
        ----------
        first, second : ndarray of shape (n_pairs,), dtype=integer
            Anime rows.

        Returns
        -------
        ndarray of shape (n_pairs,), dtype=float64
            In [-2, 3]; 0 where too few watched either to say anything.
        """
        together = np.concatenate(
            [
                np.bitwise_count(
                    self._bits[first[start : start + _BLOCK]] & self._bits[second[start : start + _BLOCK]]
                )
                .sum(axis=1, dtype=np.int64)
                .astype(np.float64)
                for start in range(0, max(len(first), 1), _BLOCK)
            ]
        )
        mine, theirs = self.viewers[first].astype(np.float64), self.viewers[second].astype(np.float64)
        n = float(self.n_users)
        spread = np.sqrt(mine * theirs * (n - mine) * (n - theirs))
        correlation = np.divide(n * together - mine * theirs, spread, out=np.zeros_like(spread), where=spread > 0)
        enough, shared = np.minimum(mine, theirs) >= _MIN_VIEWERS, together >= _MIN_TOGETHER
        # Found on the tuning half of the known franchises: docs/experiments.md.
        cases = [
            shared & (correlation >= 0.6),
            shared & (correlation >= 0.4),
            shared & (correlation >= 0.3),
            shared & (correlation >= 0.2),
            correlation >= 0.1,
            enough & (correlation < 0.05),
            enough,
        ]
        points = np.select(cases, [3.0, 2.3, 1.6, 0.9, 0.2, -2.0, -1.0], 0.0)
        # The few who watch what nobody watches watch all of it.
        return np.where(np.minimum(mine, theirs) < _FEW_VIEWERS, np.minimum(points, _MOST_BY_FEW), points)
