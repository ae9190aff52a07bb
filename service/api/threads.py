"""Threads for work that takes longer than an event loop should wait."""

from collections.abc import Callable
from typing import Final, TypeVar, TypeVarTuple

import anyio
from fastapi import Request
from starlette.requests import ClientDisconnect

from service.recommending.errors import BusyError

# Python runs one thread at a time, and most of the work is many short steps: a second thread finishes nothing sooner.
# It only lets requests overtake each other, so that under load the slowest took ten times as long as the median.
N_THREADS: Final = 1

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


async def run_in_cpu_thread(request: Request, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
    """Run work in the application's thread for such, so that the event loop goes on meanwhile.

    The work is not begun if the client goes away before.

    Raises
    ------
    BusyError
        If too many wait already: more would only wait longer than anybody does.
    """
    return await _run(request, request.app.state.cpu_threads, work, *arguments)


async def run_in_search_thread(request: Request, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
    """Do the same with a title search, in its own thread: who is typing does not wait for recommendations."""
    return await _run(request, request.app.state.search_threads, work, *arguments)


async def run_in_import_thread(request: Request, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
    """Do the same with a list to import, in its own thread: a long one takes seconds."""
    return await _run(request, request.app.state.import_threads, work, *arguments)


async def _run(request: Request, threads: anyio.CapacityLimiter, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
    try:
        threads.acquire_nowait()
    except anyio.WouldBlock:
        if threads.statistics().tasks_waiting >= request.app.state.max_waiting:
            raise BusyError("too many requests wait to be computed") from None
        with request.app.state.metrics.waiting.track_inprogress():
            await _wait_for_turn(request, threads)
    try:
        return await anyio.to_thread.run_sync(work, *arguments)
    finally:
        threads.release()


async def _wait_for_turn(request: Request, threads: anyio.CapacityLimiter) -> None:
    async def leave_with_client() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        group.cancel_scope.cancel()

    has_turn = False
    async with anyio.create_task_group() as group:
        group.start_soon(leave_with_client)
        await threads.acquire()
        has_turn = True
        group.cancel_scope.cancel()
    if not has_turn:
        raise ClientDisconnect
