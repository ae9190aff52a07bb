"""Loops that numpy has no word for, compiled."""

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of arrays and numbers when it is first called; it runs without the interpreter's lock.

    What was compiled is kept beside the module or, where that may not be written, in the user's cache, so that only
    the first run on a machine waits for it.

    Parameters
    ----------
    function : callable
        It may call other compiled functions of its own module only: what is kept does not notice changes elsewhere.

    Returns
    -------
    callable
    """
    try:
        made: Callable[..., Any] = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:
        # Nowhere to keep it, which numba says at once.
        made = numba.njit(nogil=True)(function)
    return made
