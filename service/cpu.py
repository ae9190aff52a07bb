"""Threads for work that takes longer than an event loop should wait."""

from collections.abc import Callable
from typing import Final, TypeVar, TypeVarTuple

import anyio
from fastapi import Request

# Python runs one thread at a time. More of them do not finish sooner, they only get in each other's way, but a second
# one goes on while the first is inside a matrix product.
N_THREADS: Final = 2

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


async def run_in_cpu_thread(request: Request, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
    """Run work in one of the application's few threads, so that the event loop goes on meanwhile.

    Parameters
    ----------
    request : Request
        Of the application whose threads these are.
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
