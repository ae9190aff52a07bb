"""Where a franchise begins for those who watch it: a remake that most watch without the original is a beginning."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.franchises import Role
from training.franchises.co_watching import CoWatching

# Nearly everybody who has seen a second season has seen the first. Read off the real lists: docs/experiments.md.
_CONTINUES_SHARE: Final = 0.35
_MIN_VIEWERS: Final = 100


def move_beginnings(
    codes: NDArray[np.integer], positions: NDArray[np.int16], roles: NDArray[np.uint8], watching: CoWatching
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Let franchises begin where people begin: positions and roles of order_franchises, changed in copies.

    Where few of those who have seen an entry of the main line have seen any before it, and more have seen it than
    each of those, it builds on none of them: it comes first, and they follow it as side stories.
    """
    positions, roles = positions.copy(), roles.copy()
    order = np.lexsort((positions, codes))
    for rows in np.split(order, np.flatnonzero(np.diff(codes[order])) + 1):
        main = rows[roles[rows] == Role.MAIN]
        first = _find_beginning(main, watching)
        if first:
            start = int(np.flatnonzero(rows == main[first])[0])
            roles[main[:first]] = Role.SIDE
            positions[[rows[start], *rows[:start], *rows[start + 1 :]]] = np.arange(len(rows))
    return positions, roles


def _find_beginning(main: NDArray[np.int64], watching: CoWatching) -> int:
    """Find the place in the main line where it begins; the last one where it begins anew."""
    found = 0
    for place in range(1, len(main)):
        viewers, earlier = watching.viewers[main[place]], watching.viewers[main[:place]]
        if viewers < _MIN_VIEWERS or viewers <= earlier.max():
            continue
        if watching.count_shared(int(main[place]), main[:place]) < _CONTINUES_SHARE * viewers:
            found = place
    return found
