"""Processes to measure: the service, and the bare route beside it."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.bundle.reader import read_bundle
from models.store import Store

_SECONDS_TO_START: Final = 60.0


@dataclass(frozen=True)
class Server:
    """A process that answers."""

    port: int
    process_id: int

    def cpu_s(self) -> float:
        """Give its seconds on a core, the kernel's part included: others on the machine do not change them much."""
        # The name in parentheses may hold spaces; utime and stime are the 12th and 13th words after it.
        words = Path(f"/proc/{self.process_id}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def serving_store(store: Path, *, answer_memory_mb: int, n_workers: int = 1, pinned: bool = True) -> Iterator[Server]:
    """Run the service as anybody would start it, until it is ready and longer.

    Parameters
    ----------
    store : Path
    answer_memory_mb : int
        Of each worker; 0 turns the memory of answers off.
    n_workers : int, optional
    pinned : bool, optional
        To the core of servers; or else it has all.

    Yields
    ------
    Server
        The process that was started, whether it answers itself or watches over those who do.
    """
    port = _free_port()
    command = ["service", "--store", str(store), "--port", str(port), "--workers", str(n_workers)]
    memory = str(answer_memory_mb)
    with _running(command, port, "/health/ready", pinned=pinned, OSUSUME_ANSWER_MEMORY_MB=memory) as server:
        yield server


@contextlib.contextmanager
def serving_bare(answer: Path) -> Iterator[Server]:
    """Run the bare routes of :mod:`benchmarks.bare`, which answer with the content of a file."""
    port = _free_port()
    with _running(["benchmarks.bare", str(answer), str(port)], port, "/openapi.json", pinned=True) as server:
        yield server


def describe(store: Path) -> str:
    """Say what is measured, in a line."""
    bundle = read_bundle(Store(store).current_folder())
    return (
        f"{bundle.n_users:,} users x {bundle.n_anime:,} anime, {len(bundle.list_anime_rows):,} list entries, "
        f"{bundle.manifest.embedding_size} numbers per embedding"
    )


def cores() -> tuple[set[int], set[int]]:
    """Give one core for whoever answers and the others for who asks; the same one where there is no other."""
    available = sorted(os.sched_getaffinity(0))
    return {available[0]}, set(available[1:]) or {available[0]}


def fetch(port: int, path: str, body: bytes | None = None) -> bytes:
    """Ask once, or post some JSON; give the answer's body."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body)
    if body is not None:
        request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request) as answer:
        content: bytes = answer.read()
    return content


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@contextlib.contextmanager
def _running(command: list[str], port: int, path: str, *, pinned: bool, **settings: str) -> Iterator[Server]:
    servers = cores()[0] if pinned else os.sched_getaffinity(0)
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # The core is the server's own from its first breath on; numpy counts cores when it is imported.
        preexec_fn=lambda: os.sched_setaffinity(0, servers),  # noqa: PLW1509
    )
    try:
        _wait_for(process, port, path)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(process: subprocess.Popen[bytes], port: int, path: str) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            fetch(port, path)
            return
        time.sleep(0.02)
    raise RuntimeError(f"nothing answers on port {port}")
