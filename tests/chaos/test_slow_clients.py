"""Clients that send slowly, half, or nothing: others are answered meanwhile, and who is idle is cut off in time."""

import contextlib
import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx2 as httpx
import pytest

from benchmarks.start import private_mb
from service.operations.bounded_heads import HEAD_TIMEOUT_S
from tests.chaos.scale import IS_FULL, report, scaled, takes_long
from tests.service.running import PATIENCE_S, free_port, start, stop, wait_until, wait_until_ready

N_IDLE: Final = scaled(1_000, 10_000)
N_SLOW: Final = scaled(20, 200)
N_ROUNDS: Final = scaled(1, 3)
BODY_TIMEOUT_S: Final = 5
HEAD: Final = b"GET /anime/1/similar HTTP/1.1\r\nhost: a\r\nx-long: "
POST: Final = (
    b"POST /recommendations HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n"
)

Service = tuple[str, int, int]


@pytest.fixture
def service(own_store: Path) -> Iterator[Service]:
    port = free_port()
    settings = {"OSUSUME_BODY_TIMEOUT_S": str(BODY_TIMEOUT_S), "OSUSUME_ACCESS_LOG": "false"}
    process = start(own_store, port=port, log=None, **settings)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}", port, process.pid
    finally:
        stop(process)


@pytest.fixture
def many_files() -> Iterator[None]:
    """Have this process, and those it starts, open as many files as are needed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = N_IDLE + 500
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), max(hard, needed)))
    except (ValueError, PermissionError):
        pytest.skip(f"this process may not open {needed} files")
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def _is_closed(connection: socket.socket) -> bool:
    """Whether the service has ended a connection, whatever it said before."""
    connection.setblocking(False)
    try:
        while connection.recv(65_536):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return True


def _slowest_of(url: str, n_requests: int = 20) -> float:
    """Ask others' questions; give the seconds of the slowest answer."""
    seconds = []
    for number in range(n_requests):
        started = time.monotonic()
        assert httpx.get(f"{url}/anime/{1 + 3 * number}/similar?limit=20", timeout=PATIENCE_S).status_code == 200
        seconds.append(time.monotonic() - started)
    return max(seconds)


@takes_long
def test_slow_senders_are_cut_off_and_others_are_answered(service: Service) -> None:
    url, port, _ = service
    slow = [_connect(port) for _ in range(N_SLOW)]
    ended = threading.Event()

    def send_byte_by_byte() -> None:
        for number, connection in enumerate(slow):
            connection.sendall(HEAD if number % 2 else POST)
        while not ended.wait(0.2):
            for connection in slow:
                with contextlib.suppress(OSError):
                    connection.send(b"a")

    sending = threading.Thread(target=send_byte_by_byte)
    sending.start()
    try:
        started = time.monotonic()
        seconds = _slowest_of(url)
        wait_until(lambda: all(map(_is_closed, slow)), HEAD_TIMEOUT_S + PATIENCE_S, pause=0.2)
        waited = time.monotonic() - started
    finally:
        ended.set()
        sending.join()
        for connection in slow:
            connection.close()
    report(f"{N_SLOW} slow senders: cut off within {waited:.0f} s, others answered within {seconds:.2f} s")


def test_idle_and_half_open_connections_leave_room_for_others(many_files: None, service: Service) -> None:
    url, port, process_id = service
    _slowest_of(url)
    memory, idle = [private_mb(process_id)], []
    try:
        for _ in range(N_ROUNDS):
            started = time.monotonic()
            for number in range(N_IDLE):
                connection = _connect(port)
                # Of three one says nothing, one half of a head, one half of a body; none goes on.
                connection.sendall((b"", HEAD, POST)[number % 3])
                idle.append(connection)
            seconds = _slowest_of(url)
            memory.append(private_mb(process_id))
            n_open = sum(not _is_closed(connection) for connection in idle)
            if IS_FULL:
                wait_until(lambda: all(map(_is_closed, idle)), HEAD_TIMEOUT_S + PATIENCE_S, pause=0.5)
            waited = time.monotonic() - started
            for connection in idle:
                connection.close()
            idle.clear()
            memory.append(private_mb(process_id))
    finally:
        for connection in idle:
            connection.close()
    report(
        f"{N_IDLE:,} idle and half-open connections, {N_ROUNDS} times ({n_open:,} still open at the end): "
        f"others answered within {seconds:.2f} s, all closed within {waited:.0f} s; "
        f"own memory {' '.join(f'{mb:.0f}' for mb in memory)} MB"
    )
    # What the first ones took is kept for the next.
    assert memory[-1] < memory[-3] * 1.1 + 5 or not IS_FULL


@takes_long
def test_a_service_that_may_open_few_files_answers_again_once_idle_ones_are_cut_off(
    own_store: Path, tmp_path: Path
) -> None:
    port, log = free_port(), tmp_path / "log"
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    process = start(own_store, port=port, log=log, OSUSUME_WATCH_S="0.1")
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (128, hard))
        idle = [_connect(port) for _ in range(300)]
        wait_until(lambda: all(map(_is_closed, idle)), HEAD_TIMEOUT_S * 4 + PATIENCE_S, pause=0.5)
        assert _slowest_of(f"http://127.0.0.1:{port}") < PATIENCE_S
        for connection in idle:
            connection.close()
    finally:
        stop(process)
    assert log.stat().st_size < 200_000
    report("300 idle connections to a service that may open 128 files: closed in turn, others answered after")
