"""Compiled loops, for what numpy cannot express."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba

from models.cores import usable_cores


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of arrays and numbers when it is first called; it runs without the interpreter's lock.

    It may call other compiled functions of its own module only: the cache, next to the module or in the user's cache
    folder, does not notice changes elsewhere.
    """
    try:
        made: Callable[..., Any] = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:
        # No folder for the cache can be written.
        made = numba.njit(nogil=True)(function)
    return made


def on_all_threads(work: Callable[[int, int], None]) -> None:
    """Call ``work(first, step)`` once per thread, to do every step-th part from the first on.

    One task per thread, since a thread waits for the interpreter's lock whenever it returns from compiled code.
    """
    n_threads = usable_cores()
    with ThreadPoolExecutor(n_threads) as pool:
        # A list, so that what went wrong in a thread is raised here.
        list(pool.map(lambda first: work(first, n_threads), range(n_threads)))
