"""How near users are to those nearest to them, and what they have in common: once, when a model is published."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.cores import usable_cores
from models.scoring.user_list import Status
from training.lists.interactions import Interactions
from training.support.compiled import compiled, on_all_threads
from training.support.engine import LOCAL, Engine, over_ranges

Rows = NDArray[np.int64]

# Two pages of the usual length: who reads on waits a little longer. In a quick run one.
N_COUNTED: Final = 20
N_COUNTED_QUICK: Final = 10
_PLANNED: Final = int(Status.PLAN_TO_WATCH)
# Users at a time: their neighbours' embeddings take 20 MB.
_BLOCK: Final = 2_048


def similarities_to_nearest(
    embeddings: NDArray[np.float32], nearest: NDArray[np.int32], engine: Engine = LOCAL, rows: Rows | None = None
) -> NDArray[np.float32]:
    """Give the cosines of users to their nearest, none above the one before, in the shape of ``nearest``.

    ``embeddings`` are unit rows, ``nearest`` user rows, best first; ``rows`` are whose nearest they are, by default
    those of all.
    """
    rows = np.arange(len(nearest)) if rows is None else rows
    return over_ranges(engine, _compare_between, (embeddings, rows, nearest), len(nearest), _BLOCK)


def count_in_common(
    lists: Interactions, nearest: NDArray[np.int32], engine: Engine = LOCAL, rows: Rows | None = None
) -> NDArray[np.uint16]:
    """Count what users and each of their nearest have both seen, plans left out; as `similarities_to_nearest`."""
    rows = np.arange(len(nearest)) if rows is None else rows
    return over_ranges(engine, _count_between, (lists, rows, nearest), len(nearest), _BLOCK)


def _compare_between(
    embeddings: NDArray[np.float32], rows: Rows, nearest: NDArray[np.int32], first: int, last: int
) -> NDArray[np.float32]:
    rows, nearest = rows[first:last], nearest[first:last]
    similarities = np.empty(nearest.shape, dtype=np.float32)

    def compare(start: int) -> None:
        block = slice(start, start + _BLOCK)
        np.einsum("ukj,uj->uk", embeddings[nearest[block]], embeddings[rows[block]], out=similarities[block])

    with ThreadPoolExecutor(usable_cores()) as pool:
        list(pool.map(compare, range(0, len(rows), _BLOCK)))
    # The nearest were ordered by another product, which may round the last bit of near-ties another way.
    np.minimum.accumulate(np.clip(similarities, -1.0, 1.0, out=similarities), axis=1, out=similarities)
    return similarities


def _count_between(
    lists: Interactions, rows: Rows, nearest: NDArray[np.int32], first: int, last: int
) -> NDArray[np.uint16]:
    rows, nearest = rows[first:last], np.ascontiguousarray(nearest[first:last])
    counts = np.zeros(nearest.shape, dtype=np.uint16)
    arrays = (lists.offsets, lists.anime_rows, lists.statuses, rows, nearest, counts)
    on_all_threads(lambda first, step: _count(*arrays, lists.n_anime, first, step))
    return counts


@compiled
def _count(  # noqa: PLR0913, PLR0917 - compiled code takes arrays, not objects
    offsets: Any,
    anime_rows: Any,
    statuses: Any,
    rows: Any,
    nearest: Any,
    counts: Any,
    n_anime: int,
    first: int,
    step: int,
) -> None:  # pragma: no cover - compiled
    seen = np.zeros(n_anime, np.uint8)
    for line in range(first, len(nearest), step):
        user = rows[line]
        for entry in range(offsets[user], offsets[user + 1]):
            seen[anime_rows[entry]] = statuses[entry] != _PLANNED
        for place in range(nearest.shape[1]):
            other = nearest[line, place]
            total = 0
            for entry in range(offsets[other], offsets[other + 1]):
                total += seen[anime_rows[entry]] * (statuses[entry] != _PLANNED)
            counts[line, place] = min(total, 65535)
        for entry in range(offsets[user], offsets[user + 1]):
            seen[anime_rows[entry]] = 0
