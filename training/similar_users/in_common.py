"""How many anime users have in common with those nearest to them, counted once when a model is published."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.cores import usable_cores
from models.scoring.user_list import Status
from training.lists.interactions import Interactions
from training.support.compiled import compiled

# Two pages of the usual length: who reads on waits a little longer. In a quick run one.
N_COUNTED: Final = 20
N_COUNTED_QUICK: Final = 10
_USERS_PER_TASK: Final = 8192


def count_in_common(
    lists: Interactions, nearest: NDArray[np.int32], n_counted: int = N_COUNTED
) -> NDArray[np.uint16]:
    """Count what every user and each of their nearest have both seen.

    Parameters
    ----------
    lists : Interactions
        Plan-to-watch does not count.
    nearest : ndarray of shape (n_users, n_nearest), dtype=int32
        User rows, best first.
    n_counted : int, optional
        For how many of them.

    Returns
    -------
    ndarray of shape (n_users, min(n_counted, n_nearest)), dtype=uint16
    """
    nearest = np.ascontiguousarray(nearest[:, :n_counted])
    counts = np.zeros(nearest.shape, dtype=np.uint16)
    arrays = (lists.offsets, lists.anime_rows, lists.statuses, lists.n_anime, nearest, counts)

    def count(start: int) -> None:
        _count(*arrays, start, min(start + _USERS_PER_TASK, lists.n_users), int(Status.PLAN_TO_WATCH))

    with ThreadPoolExecutor(usable_cores()) as pool:
        list(pool.map(count, range(0, lists.n_users, _USERS_PER_TASK)))
    return counts


@compiled
def _count(  # noqa: PLR0913, PLR0917 - compiled code takes arrays, not objects
    offsets: Any,
    anime_rows: Any,
    statuses: Any,
    n_anime: int,
    nearest: Any,
    counts: Any,
    first: int,
    last: int,
    plan: int,
) -> None:  # pragma: no cover - compiled
    seen = np.zeros(n_anime, np.uint8)
    for user in range(first, last):
        for entry in range(offsets[user], offsets[user + 1]):
            seen[anime_rows[entry]] = statuses[entry] != plan
        for place in range(nearest.shape[1]):
            other = nearest[user, place]
            total = 0
            for entry in range(offsets[other], offsets[other + 1]):
                total += seen[anime_rows[entry]] * (statuses[entry] != plan)
            counts[user, place] = min(total, 65535)
        for entry in range(offsets[user], offsets[user + 1]):
            seen[anime_rows[entry]] = 0
