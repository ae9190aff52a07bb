"""How much two anime share their viewers, for given pairs: cheap, on a sample of users."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.lists.interactions import Interactions

# Enough to separate a sequel from chance; 16,384 users x 17,562 anime are 36 MB of bits.
_MAX_USERS: Final = 16_384
_BLOCK: Final = 16_384
# Being watched apart is no evidence for an anime with fewer viewers.
_MIN_VIEWERS: Final = 30
_MIN_TOGETHER: Final = 4
_FEW_VIEWERS, _MOST_BY_FEW = 15, 1.6


class CoWatching:
    """Who watched what, a bit per user and anime; plans are left out. Of more than 16,384 users every k-th counts."""

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
        # Shape: (n_anime,). How many of those who count have seen each anime.
        self.viewers: NDArray[np.int64] = np.bitwise_count(self._bits).sum(axis=1, dtype=np.int64)

    def count_shared(self, row: int, others: NDArray[np.integer]) -> int:
        """Count the viewers of an anime who have seen any of some others, one at least."""
        seen_any: NDArray[np.uint8] = np.bitwise_or.reduce(self._bits[others], axis=0)
        return int(np.bitwise_count(seen_any & self._bits[row]).sum(dtype=np.int64))

    def points(self, first: NDArray[np.integer], second: NDArray[np.integer]) -> NDArray[np.float64]:
        """Give points in [-2, 3] to pairs of anime rows: more where their viewers are the same, 0 where few."""
        blocks = [slice(start, start + _BLOCK) for start in range(0, max(len(first), 1), _BLOCK)]
        shared_bits = (self._bits[first[block]] & self._bits[second[block]] for block in blocks)
        together = np.concatenate([np.bitwise_count(bits).sum(axis=1, dtype=np.float64) for bits in shared_bits])
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
        # The few who watch obscure titles watch many of them.
        return np.where(np.minimum(mine, theirs) < _FEW_VIEWERS, np.minimum(points, _MOST_BY_FEW), points)
