"""Processes to measure: the service, and the bare routes beside it."""

import argparse
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.load import UnexpectedAnswerError, ask, get
from models.bundle.reader import Bundle, read_bundle
from models.store import Store

_SECONDS_TO_START: Final = 60.0
# One core for the server and the others for the client; the same one where there is no other.
CORES: Final = sorted(os.sched_getaffinity(0))
SERVER_CORES: Final = CORES[:1]
CLIENT_CORES: Final = CORES[1:] or CORES


@dataclass(frozen=True)
class Server:
    """A process that answers."""

    port: int
    process_id: int

    def cpu_s(self) -> float:
        """Return the seconds it has had on a core, the kernel's part included."""
        # The name in parentheses may hold spaces; utime and stime are the 12th and 13th words after it.
        words = Path(f"/proc/{self.process_id}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def store_parser(name: str, text: str) -> argparse.ArgumentParser:
    """Make the command line of a benchmark of a published model."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=text)
    parser.add_argument("--store", type=Path, default=Path("models/store"), help="Store. [default: %(default)s]")
    parser.add_argument("--out", type=Path, help="JSON file for the table.")
    return parser


def current_bundle(store: Path) -> Bundle:
    """Open the published bundle."""
    return read_bundle(Store(store).current_folder())


def describe(store: Path) -> str:
    """Write the size of the published model in a line."""
    bundle = current_bundle(store)
    return (
        f"{bundle.n_users:,} users x {bundle.n_anime:,} anime, {len(bundle.list_anime_rows):,} list entries, "
        f"{bundle.manifest.embedding_size} numbers per embedding"
    )


@contextlib.contextmanager
def serving_store(store: Path, *, answer_memory_mb: int, n_workers: int = 1, pinned: bool = True) -> Iterator[Server]:
    """Run the service, ready when the block begins; pinned, on the servers' core alone.

    Yields the process that was started, which answers itself or supervises its workers.
    """
    port = _free_port()
    command = ["service", "--store", str(store), "--port", str(port), "--workers", str(n_workers)]
    memory = str(answer_memory_mb)
    with _running(command, port, "/health/ready", pinned=pinned, OSUSUME_ANSWER_MEMORY_MB=memory) as server:
        yield server


@contextlib.contextmanager
def serving_bare(answer: Path) -> Iterator[Server]:
    """Run :mod:`benchmarks.bare`, which answers with the content of a file."""
    port = _free_port()
    with _running(["benchmarks.bare", str(answer), str(port)], port, "/openapi.json", pinned=True) as server:
        yield server


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@contextlib.contextmanager
def _running(command: list[str], port: int, path: str, *, pinned: bool, **settings: str) -> Iterator[Server]:
    cores = SERVER_CORES if pinned else CORES
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Before anything is imported: numpy counts the cores then.
        preexec_fn=lambda: os.sched_setaffinity(0, cores),  # noqa: PLW1509
    )
    try:
        _wait_until_ready(process, port, path)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, path: str) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, UnexpectedAnswerError):
            ask(port, get(path))
            return
        time.sleep(0.02)
    raise RuntimeError(f"nothing answers on port {port}")
