"""A real service in a process of its own."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import httpx2 as httpx
import uvicorn
from fastapi import FastAPI

from service.operations.bounded_heads import BoundedProtocol
from service.precompute.answers import PrecomputedAnswers
from service.precompute.files import with_precomputed
from service.recommending.model import LoadedModel

ROOT = Path(__file__).resolve().parents[2]
# A machine that has much else to do needs more.
PATIENCE_S: Final = float(os.environ.get("OSUSUME_TEST_PATIENCE_S", "60"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clean_environment(**settings: str) -> dict[str, str]:
    """Give this process's environment without its settings, with these instead."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OSUSUME_", "PROMETHEUS_"))}
    return kept | settings


def start(
    store: Path | str, *arguments: str, port: int, log: Path | None = None, **settings: str
) -> subprocess.Popen[bytes]:
    """Start the service; what it logs goes to a file."""
    command = [sys.executable, "-m", "service", "--store", str(store), "--port", str(port), *arguments]
    with (log or Path(os.devnull)).open("wb") as errors:
        return subprocess.Popen(
            command, cwd=ROOT, env=clean_environment(**settings), stdout=subprocess.DEVNULL, stderr=errors
        )


def wait_until(reached: Callable[[], bool], seconds: float = PATIENCE_S, pause: float = 0.02) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, f"waited {seconds} s for nothing"
        time.sleep(pause)


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    def is_ready() -> bool:
        assert process.poll() is None, f"the service ended with {process.returncode}"
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{url}/health/ready", verify=False, timeout=PATIENCE_S).status_code == 200
        return False

    wait_until(is_ready)


def children(process_id: int) -> list[int]:
    listed = Path(f"/proc/{process_id}/task/{process_id}/children").read_text(encoding="utf-8")
    return [int(child) for child in listed.split()]


def workers(process: subprocess.Popen[bytes]) -> list[int]:
    """Name the worker processes of a service, the one started first first; Python's own helper is none of them."""
    return [child for child in children(process.pid) if _is_worker(child)]


def _is_worker(process_id: int) -> bool:
    # It may have ended since it was listed.
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return b"spawn_main" in Path(f"/proc/{process_id}/cmdline").read_bytes()
    return False


def has_ended(process_id: int) -> bool:
    try:
        facts = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return True
    # Whoever adopts orphans need not be in a hurry to bury them.
    return facts.rpartition(")")[2].split()[0] == "Z"


@contextlib.contextmanager
def running(store: Path | str, *arguments: str, log: Path | None = None, **settings: str) -> Iterator[str]:
    """Serve a store; give the URL."""
    port = free_port()
    process = start(store, *arguments, port=port, log=log, **settings)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url, process)
        yield url
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> int:
    """Ask a service to end; give its exit code."""
    process.terminate()
    try:
        return process.wait(60)
    finally:
        process.kill()


@contextlib.contextmanager
def serving(app: FastAPI, seconds: float = 20.0) -> Iterator[str]:
    """Serve an application of this process, in which a test may have put fakes; give the URL."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, http=BoundedProtocol, port=port, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + seconds
        while not (server.started and httpx.get(f"{url}/health/ready").status_code == 200):
            assert time.monotonic() < deadline, "the application did not become ready"
            time.sleep(0.02)
        yield url
    finally:
        server.should_exit = True
        thread.join(seconds)
    assert not thread.is_alive()


def precomputed_of(model: LoadedModel, store: Path) -> PrecomputedAnswers:
    """Give the precomputed answers of a model, which there must be."""
    found = with_precomputed(model, store).precomputed
    assert isinstance(found, PrecomputedAnswers)
    return found
