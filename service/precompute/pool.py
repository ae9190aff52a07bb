"""Many answers in several processes: numpy's small steps leave all cores but one idle."""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.errors import BundleError
from service.api.params import RecommendationsQuery
from service.api.rendering import WrittenPage, recommend
from service.precompute.files import PrecomputedError
from service.recommending.errors import ServiceError
from service.recommending.model import LoadedModel, load_model

_USERS_AT_ONCE: Final = 64
_SECONDS_BETWEEN_REPORTS: Final = 10.0
_HELD: Final = {signal.SIGINT, signal.SIGTERM}


@dataclass(frozen=True)
class Work:
    """What every process has to know."""

    folder: Path
    query: RecommendationsQuery


def work_out(
    work: Work, user_rows: list[int], n_workers: int, say: Callable[[str], None]
) -> Iterator[tuple[int, WrittenPage]]:
    """Answer for many users in several processes: gives rows and answers in order, and reports progress."""
    started = reported = time.monotonic()
    chunks = [user_rows[i : i + _USERS_AT_ONCE] for i in range(0, len(user_rows), _USERS_AT_ONCE)]
    n_done = 0
    pool = ProcessPoolExecutor(n_workers, multiprocessing.get_context("spawn"), begin, (work,))
    try:
        with _signals_held():
            found = pool.map(answer, chunks)
        for rows, pages in zip(chunks, found, strict=True):
            yield from zip(rows, pages, strict=True)
            n_done += len(rows)
            now = time.monotonic()
            if now - reported > _SECONDS_BETWEEN_REPORTS:
                reported = now
                rate = n_done / (now - started)
                minutes = (len(user_rows) - n_done) / rate / 60.0
                say(f"{n_done:,} of {len(user_rows):,} users, {rate:.0f} a second, {minutes:.1f} minutes left")
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Hear of signals afterwards: in the midst of starting processes they would leave half of one behind."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# A process of a pool has no other place for what it works with.
_given: tuple[Work, LoadedModel | BundleError]


def begin(work: Work) -> None:
    """Read the model in a process of the pool."""
    global _given  # noqa: PLW0603
    # Ctrl-C reaches all processes; the one that began all this ends it in good order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _given = work, load_model(work.folder, is_checked=True)
    except BundleError as error:
        # Raised here it would only break the pool, and hide the reason.
        _given = work, error


def _end_with_parent() -> None:
    """End this process when the one that began it is gone, however it went."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def answer(user_rows: list[int]) -> list[WrittenPage]:
    """Answer for some users.

    Raises
    ------
    PrecomputedError
        If this process could not read the model, or cannot answer.
    """
    work, model = _given
    if isinstance(model, BundleError):
        raise PrecomputedError(str(model))
    try:
        return [recommend(model, row, work.query) for row in user_rows]
    except ServiceError as error:
        raise PrecomputedError(error.detail) from error
