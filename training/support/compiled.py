"""Loops that numpy has no word for, compiled."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba

from models.cores import usable_cores


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of arrays and numbers when it is first called; it runs without the interpreter's lock.

    What was compiled is kept beside the module or, where that may not be written, in the user's cache, so that only
    the first run on a machine waits for it.

    Parameters
    ----------
    function : callable
        It may call other compiled functions of its own module only: what is kept does not notice changes elsewhere.
    """
    try:
        made: Callable[..., Any] = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:
        # Nowhere to keep it, which numba says at once.
        made = numba.njit(nogil=True)(function)
    return made


def on_all_threads(work: Callable[[int, int], None]) -> None:
    """Let every thread do its share of some compiled work.

    One task per thread: a thread that comes back from compiled code waits for the interpreter's lock, and something
    else may hold it.

    Parameters
    ----------
    work : callable
        Called as ``work(first, step)``: do every step-th part, from the first on.
    """
    n_threads = usable_cores()
    with ThreadPoolExecutor(n_threads) as pool:
        # A list, so that what went wrong in a thread is raised here.
        list(pool.map(lambda first: work(first, n_threads), range(n_threads)))
