"""Threads for work that takes longer than an event loop should wait."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

from fastapi import Request
from starlette.requests import ClientDisconnect

from service.recommending.errors import BusyError

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class WorkThread:
    """A thread that does one piece of work after the other, in the order they came."""

    def __init__(self) -> None:
        # Python runs one thread at a time, and most of the work is many short steps: a second thread finishes nothing
        # sooner. It only lets requests overtake each other, so that under load the slowest took ten times as long as
        # the median. It begins the next piece by itself: the event loop need not get its turn between two.
        self.executor = ThreadPoolExecutor(1)
        self.n_unfinished = 0


async def run_in_cpu_thread(request: Request, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
    """Run work in the application's thread for such, so that the event loop goes on meanwhile.

    The work is not begun if the client goes away before.

    Raises
    ------
    BusyError
        If too many wait already: more would only wait longer than anybody does.
    """
    return await _run(request, request.app.state.cpu_thread, work, *arguments)


async def run_in_search_thread(request: Request, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
    """Do the same with a title search, in its own thread: who is typing does not wait for recommendations."""
    return await _run(request, request.app.state.search_thread, work, *arguments)


async def run_in_import_thread(request: Request, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
    """Do the same with a list to import, in its own thread: a long one takes seconds."""
    return await _run(request, request.app.state.import_thread, work, *arguments)


async def _run(request: Request, thread: WorkThread, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
    if thread.n_unfinished > request.app.state.max_waiting:
        raise BusyError("too many requests wait to be computed")
    if not thread.n_unfinished:
        return await _await_result(thread, thread.executor.submit(work, *arguments))
    waiting = request.app.state.metrics.waiting
    waiting.inc()

    def begin() -> T:
        waiting.dec()
        return work(*arguments)

    computed = thread.executor.submit(begin)
    leaving = asyncio.ensure_future(_leave(request))
    leaving.add_done_callback(lambda _: computed.cancel())
    try:
        return await _await_result(thread, computed)
    except asyncio.CancelledError:
        if leaving.done() and computed.cancelled():
            raise ClientDisconnect from None
        raise
    finally:
        leaving.cancel()
        if computed.cancel():
            waiting.dec()


async def _await_result(thread: WorkThread, computed: Future[T]) -> T:
    thread.n_unfinished += 1
    try:
        return await asyncio.wrap_future(computed)
    finally:
        thread.n_unfinished -= 1


async def _leave(request: Request) -> None:
    """Wait until the client goes away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
