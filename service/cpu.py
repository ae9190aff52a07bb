"""A thread for work that takes longer than an event loop should wait."""

from collections.abc import Callable
from typing import Final, TypeVar, TypeVarTuple

import anyio
from fastapi import Request

# Python runs one thread at a time, and most of the work is many short steps: a second thread finishes nothing sooner.
# It only lets requests overtake each other, so that under load the slowest took ten times as long as the median.
N_THREADS: Final = 1

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


async def run_in_cpu_thread(request: Request, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
    """Run work in the application's thread for such, so that the event loop goes on meanwhile.

    Parameters
    ----------
    request : Request
        Of the application whose thread it is.
    work : callable
    *arguments
        What it is called with.

    Returns
    -------
    T
        What it returns.
    """
    limiter: anyio.CapacityLimiter = request.app.state.cpu_threads
    return await anyio.to_thread.run_sync(work, *arguments, limiter=limiter)
