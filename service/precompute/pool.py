"""Many answers in several processes, here or on a Dask cluster: numpy's small steps leave all cores but one idle."""

import contextlib
import logging
import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

from models.errors import BundleError
from models.processes import end_with_parent
from service.api.params import RecommendationsQuery
from service.api.rendering import WrittenPage, recommend
from service.precompute.files import PrecomputedError
from service.recommending.errors import ServiceError
from service.recommending.model import load_model
from service.version import own_version

_USERS_AT_ONCE: Final = 64
_SECONDS_BETWEEN_REPORTS: Final = 10.0
_HELD: Final = {signal.SIGINT, signal.SIGTERM}
_CONNECT_S: Final = 15
# A cluster may have no worker for so long; 64 answers take a second.
_PATIENCE_S: Final = 120

AnswerAll = Callable[[list[list[int]]], Iterator[list[WrittenPage]]]


@dataclass(frozen=True)
class Work:
    """What every process has to know."""

    folder: Path
    query: RecommendationsQuery
    is_checked: bool = True  # the bundle that this process sees there
    version: str = field(default_factory=own_version)


def work_out(
    work: Work, user_rows: list[int], n_workers: int, engine: str, say: Callable[[str], None]
) -> Iterator[tuple[int, WrittenPage]]:
    """Answer for many users in several processes, ``local`` ones or those of a Dask scheduler's workers.

    Gives rows and answers in order, and reports progress.

    Raises
    ------
    PrecomputedError
        If a process cannot answer.
    """
    started = reported = time.monotonic()
    chunks = [user_rows[i : i + _USERS_AT_ONCE] for i in range(0, len(user_rows), _USERS_AT_ONCE)]
    n_done = 0
    with _processes(work, n_workers) if engine == "local" else _cluster(work, engine) as answer_all:
        found = answer_all(chunks)
        for rows, pages in zip(chunks, found, strict=True):
            yield from zip(rows, pages, strict=True)
            n_done += len(rows)
            now = time.monotonic()
            if now - reported > _SECONDS_BETWEEN_REPORTS:
                reported = now
                rate = n_done / (now - started)
                minutes = (len(user_rows) - n_done) / rate / 60.0
                say(f"{n_done:,} of {len(user_rows):,} users, {rate:.0f} a second, {minutes:.1f} minutes left")


@contextlib.contextmanager
def _processes(work: Work, n_workers: int) -> Iterator[AnswerAll]:
    pool = ProcessPoolExecutor(n_workers, multiprocessing.get_context("spawn"), begin)

    def answer_all(chunks: list[list[int]]) -> Iterator[list[WrittenPage]]:
        with _signals_held():
            return pool.map(partial(answer, work), chunks)

    try:
        yield answer_all
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _cluster(work: Work, address: str) -> Iterator[AnswerAll]:
    try:
        from distributed import Client, KilledWorker  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise PrecomputedError(f"--engine {address}: needs Dask; install osusume[dask]") from error
    logging.disable()  # what goes wrong is raised
    try:
        with Client(address, timeout=_CONNECT_S) as client:
            client.wait_for_workers(1, timeout=_CONNECT_S)
            there = partial(answer, replace(work, is_checked=False))
            yield lambda chunks: _results(deque(client.map(there, chunks, pure=False)))
    except (KilledWorker, CancelledError, OSError, TimeoutError, ValueError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise PrecomputedError(f"--engine {address}: cannot be reached, or lost its workers ({reason})") from error


def _results(futures: "deque[Any]") -> Iterator[list[WrittenPage]]:
    # Each is forgotten at once, so that workers need not keep it.
    while futures:
        yield futures.popleft().result(timeout=_PATIENCE_S)


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Hear of signals afterwards: in the midst of starting processes they would leave half of one behind."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin() -> None:
    """Make a process of the pool end in good order."""
    # Ctrl-C reaches all processes; the one that began all this ends it in good order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
    end_with_parent()


# Once in the life of a process.
_load = lru_cache(maxsize=1)(load_model)


def answer(work: Work, user_rows: list[int]) -> list[WrittenPage]:
    """Answer for some users, in a process of the pool or of a cluster's worker.

    Raises
    ------
    PrecomputedError
        If this process has another version, cannot read the model, or cannot answer.
    """
    if own_version() != work.version:
        raise PrecomputedError(f"a worker has version {own_version()} of the service, not {work.version}")
    try:
        model = _load(work.folder, is_checked=work.is_checked)
    except BundleError as error:
        raise PrecomputedError(str(error)) from error
    try:
        return [recommend(model, row, work.query) for row in user_rows]
    except ServiceError as error:
        raise PrecomputedError(error.detail) from error
