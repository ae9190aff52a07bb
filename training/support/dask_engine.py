"""Runs steps on the workers of a Dask cluster. Imported only where ``--engine`` names one, since Dask is an extra."""

import contextlib
import logging
import math
import shutil
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any, Final

import numpy as np
from distributed import Client, KilledWorker, wait
from distributed.client import ClosedClientError
from distributed.comm.core import CommClosedError
from numpy.typing import DTypeLike, NDArray

from training.errors import InputError
from training.support.engine import Engine, Range
from training.support.parts import Stored, check_worker, describe_versions, make_part, open_stored, store

_LOST: Final = (CancelledError, TimeoutError, ConnectionError, CommClosedError, ClosedClientError)
_FOLDER: Final = "engine"
# Enough for hundreds of workers, and not so many that what a task has to open counts.
_MAX_RANGES: Final = 256
_CONNECT_S: Final = 15
# So long a cluster may have no worker before the run ends: a new container takes a while to start.
_WORKERLESS_S: Final = 120
_POLL_S: Final = 5


class Dask(Engine):
    """Runs every call of a step as a task, which reads and writes files in the work folder."""

    def __init__(self, client: Client, address: str, folder: Path) -> None:
        self._client, self._address, self._folder = client, address, folder

    @property
    def n_machines(self) -> int:
        """Count the workers that are there now."""
        return len(self._client.scheduler_info(n_workers=-1).get("workers", ()))

    def ranges(self, n_rows: int, block: int) -> list[Range]:
        """Cut rows into ranges: the same ones however many workers there are, so that parts serve another cluster."""
        length = max(1, math.ceil(n_rows / block / _MAX_RANGES)) * block
        return [(first, min(first + length, n_rows)) for first in range(0, n_rows, length)] or [(0, 0)]

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Make an array in a file, so that its size is that of no memory."""
        path = self._folder / f"{uuid.uuid4().hex}.npy"
        return np.lib.format.open_memmap(path, "w+", np.dtype(dtype), shape)

    def map(self, step: Callable[..., Any], inputs: Sequence[Any], calls: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
        """Make ``step(*inputs, *call)`` of every call; yield them, memory-mapped.

        Raises
        ------
        InputError
            If a task fails, or the cluster is lost.
        """
        stored = [store(self._folder, value) for value in inputs]
        try:
            futures = [
                self._client.submit(make_part, describe_versions(), self._folder, step, stored, call, pure=False)
                for call in calls
            ]
            self._wait(futures)
            parts: list[Stored] = self._client.gather(futures)
        except KilledWorker as error:
            killed = f"every worker that ran it was killed, the last one {error.last_worker.address}"
            raise InputError(f"{step.__name__}: {killed}; give workers more memory") from error
        except _LOST as error:
            gone = "the scheduler is gone; when it is back, the same command goes on from what was made"
            raise InputError(f"{self._address}: {gone}") from error
        try:
            return iter([open_stored(part, checked=True) for part in parts])
        except (OSError, ValueError) as error:
            raise InputError(f"{error}; all workers need this very work folder") from error

    def _wait(self, futures: list[Any]) -> None:
        # Until one fails, while there are workers.
        seen = time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                wait(futures, timeout=_POLL_S)
                return
            if any(future.status == "error" for future in futures):
                return
            if self._client.status != "running":
                raise ConnectionError
            if self.n_machines:
                seen = time.monotonic()
            elif time.monotonic() - seen > _WORKERLESS_S:
                raise InputError(f"{self._address}: no worker is left")


@contextlib.contextmanager
def connect(address: str, work: Path) -> Iterator[Dask]:
    """Connect to a scheduler, and check its workers.

    Raises
    ------
    InputError
        If there is none, it has no workers, or one of them cannot be used.
    """
    # What goes wrong is raised, and printed as one line. Some of these have levels of their own.
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    folder = work.resolve() / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    client = _connected(address)
    try:
        _check_workers(client, address, folder)
        yield Dask(client, address, folder)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        client.close(timeout=_POLL_S)


def _connected(address: str) -> Client:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions, which are checked here
            return Client(address, timeout=_CONNECT_S)
    except (OSError, TimeoutError, ValueError, TypeError) as error:  # the last of TLS without certificates
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"--engine {address}: no Dask scheduler answers there ({reason})") from error


def _check_workers(client: Client, address: str, folder: Path) -> None:
    probe = folder / "probe"
    probe.touch()
    try:
        client.wait_for_workers(1, timeout=_CONNECT_S)
    except TimeoutError as error:
        raise InputError(f"--engine {address}: the scheduler has no workers") from error
    answers = client.run(check_worker, describe_versions(), probe, on_error="return")
    for worker, answer in answers.items():
        if isinstance(answer, BaseException):
            what = answer if isinstance(answer, InputError) else f"{type(answer).__name__}: {answer}"
            raise InputError(f"--engine {address}: worker {worker}: {what}")
