"""A Dask cluster of processes of their own, and a step that waits until somebody was killed."""

import contextlib
import importlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from training.support.engine import Engine, Range

ROOT = Path(__file__).resolve().parents[3]
# A worker needs seconds to start, many more where others work too.
_PATIENCE_S = 120
_POLL_S = 0.05


class Cluster:
    """A scheduler and workers, each a process."""

    def __init__(self, folder: Path, protocol: str, certificate: Mapping[str, str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"{protocol}://127.0.0.1:{port}"
        self._folder, self._n_workers = folder, 0
        # As somebody sets it who runs Dask: distributed.comm.tls... is DASK_DISTRIBUTED__COMM__TLS__...
        names = {name: f"DASK_{name.upper().replace('.', '__').replace('-', '_')}" for name in certificate}
        self._environment = os.environ | {names[name]: value for name, value in certificate.items()}
        listens = ("--host", "127.0.0.1", "--port", str(port), "--dashboard-address", "127.0.0.1:0", "--no-show")
        self.scheduler = self._start("scheduler", *listens, "--protocol", protocol)
        self.processes = [self.scheduler]

    def _start(self, role: str, *options: str, root: Path = ROOT) -> subprocess.Popen[bytes]:
        # -c puts its working folder first on the path of modules, and so is this software found.
        code = f"from distributed.cli.dask_{role} import main; main()"
        with (self._folder / f"{role}{self._n_workers}.log").open("wb") as log:
            command = [sys.executable, "-c", code, *options]
            return subprocess.Popen(command, cwd=root, stdout=log, stderr=log, env=self._environment)

    def add_worker(self, root: Path = ROOT) -> subprocess.Popen[bytes]:
        """Start a worker that runs the software of a folder."""
        self._n_workers += 1
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(self._folder))
        worker = self._start("worker", self.address, *options, root=root)
        self.processes.append(worker)
        return worker

    def stop(self) -> None:
        """End every process."""
        for process in reversed(self.processes):
            process.kill()
            process.wait(_PATIENCE_S)


@contextlib.contextmanager
def running_cluster(
    folder: Path, n_workers: int = 2, protocol: str = "tcp", certificate: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Cluster]:
    """Start a cluster, and wait until its workers have come."""
    cluster = Cluster(folder, protocol, certificate)
    try:
        for _ in range(n_workers):
            cluster.add_worker()
        wait_for_workers(cluster, n_workers)
        yield cluster
    finally:
        cluster.stop()


def wait_for_workers(cluster: Cluster, n_workers: int) -> None:
    """Wait until the scheduler knows so many workers."""
    from distributed import Client  # noqa: PLC0415 - only where a cluster is asked for

    client: Any = Client(cluster.address, timeout=_PATIENCE_S)  # type: ignore[no-untyped-call]
    if n_workers:
        client.wait_for_workers(n_workers, timeout=_PATIENCE_S)
    client.close()


def wait_until(true: Callable[[], Any]) -> Any:
    """Wait for what must become true; give it."""
    end = time.monotonic() + _PATIENCE_S
    while not (value := true()):
        assert time.monotonic() < end
        time.sleep(_POLL_S)
    return value


class Gated(Engine):
    """An engine whose steps begin, and go on only when a file says so."""

    def __init__(self, engine: Engine, gate: Path) -> None:
        self._engine, self._gate = engine, gate

    @property
    def n_machines(self) -> int:
        return self._engine.n_machines

    def ranges(self, n_rows: int, block: int) -> list[Range]:
        return self._engine.ranges(n_rows, block)

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        return self._engine.empty(shape, dtype)

    def map(self, step: Callable[..., Any], inputs: Sequence[Any], calls: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
        gated = [(*call, step.__module__, step.__qualname__, str(self._gate)) for call in calls]
        return self._engine.map(gated_step, inputs, gated)


def gated_step(*arguments: Any) -> Any:
    """Say which process runs a step, wait, and run it."""
    *own, module, name, gate = arguments
    (Path(gate) / f"started-{os.getpid()}").touch()
    wait_until((Path(gate) / "go").exists)
    return getattr(importlib.import_module(module), name)(*own)


@contextlib.contextmanager
def killing(gate: Path, scheduler: int | None = None) -> Iterator[list[int]]:
    """Kill the worker that is first in the midst of a step (or the scheduler instead); then steps may go on."""
    killed: list[int] = []

    def kill() -> None:
        started = wait_until(lambda: sorted(gate.glob("started-*")))
        killed.append(scheduler or int(started[0].name.partition("-")[2]))
        os.kill(killed[0], signal.SIGKILL)
        (gate / "go").touch()

    thread = threading.Thread(target=kill)
    thread.start()
    yield killed
    thread.join(_PATIENCE_S)
    assert killed


def row_sums(array: NDArray[np.int64], first: int, last: int) -> NDArray[np.int64]:
    """A step: quick, and its parts tell by themselves whether they are in order."""
    sums: NDArray[np.int64] = array[first:last].sum(axis=1)
    return sums


def uses_up_its_worker(array: NDArray[np.int64]) -> NDArray[np.int64]:
    """A step that no worker survives."""
    os.kill(os.getpid(), signal.SIGKILL)
    return array


def fails(array: NDArray[np.int64]) -> NDArray[np.int64]:
    """A step for which there is no space."""
    (Path("/dev/full")).write_bytes(array.tobytes())
    return array
