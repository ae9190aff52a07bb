"""Counts which anime are seen together more, or less, than their popularity alone would have it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from models.cores import usable_cores
from models.scoring.items import SHRINKAGE, CoSeen
from training.item_weights.co_counts import Square

# Per anime. All of them rank no better (docs/experiments.md).
N_CO_SEEN: Final = 300
_BLOCK: Final = 256


def find_co_seen(counts: Square, n_users: int) -> CoSeen:
    """Find for each anime the others whose share of viewers changes most among those who have seen it.

    ``counts``, of shape (n_anime, n_anime), are how many users have seen both; the diagonal counts who have seen one.
    """
    n_anime = len(counts)
    width = min(N_CO_SEEN, n_anime)
    popularity = np.diag(counts).astype(np.float32)
    rows = np.empty((n_anime, width), dtype=np.int32)
    values = np.empty((n_anime, width), dtype=np.float32)

    def find(start: int) -> None:
        some = slice(start, start + _BLOCK)
        expected = popularity[some, None] * (popularity / np.float32(max(n_users, 1)))
        changes = (counts[some] - expected) / (popularity[some, None] + np.float32(SHRINKAGE))
        # Nothing follows from an anime for itself: who has it on the list is not asked.
        np.fill_diagonal(changes[:, start:], 0.0)
        largest = np.argpartition(-np.abs(changes), width - 1, axis=1)[:, :width]
        rows[some] = np.sort(largest, axis=1)
        values[some] = np.take_along_axis(changes, rows[some].astype(np.intp), axis=1)

    with ThreadPoolExecutor(usable_cores()) as pool:
        list(pool.map(find, range(0, n_anime, _BLOCK)))
    return CoSeen(rows, values)
