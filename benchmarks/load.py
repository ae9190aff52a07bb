"""A small HTTP/1.1 load generator: keep-alive connections, one request at a time on each.

On uvloop and bare protocols, so that the client is never what limits a route.
"""

import asyncio
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import uvloop

_LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


class UnexpectedAnswerError(Exception):
    """An answer is not 200: what was measured would mean nothing."""


@dataclass(frozen=True)
class LoadResult:
    """What a burst of requests measured, as the client saw it."""

    requests_per_s: float
    latencies_ms: np.ndarray[tuple[int], np.dtype[np.float64]]


def measure(port: int, requests: Iterator[bytes], n_connections: int, seconds: float) -> LoadResult:
    """Send requests for a while.

    Parameters
    ----------
    port : int
        On 127.0.0.1.
    requests : iterator of bytes
        Endless; see :func:`get` and :func:`post`. A connection takes the next one once it has its answer.
    n_connections : int
    seconds : float

    Raises
    ------
    UnexpectedAnswerError
        If an answer is not 200, or a connection is closed.
    """
    return uvloop.run(_measure(port, requests, n_connections, seconds))


def get(path: str) -> bytes:
    """Write a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    """Write a POST request of some JSON."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def _measure(port: int, requests: Iterator[bytes], n_connections: int, seconds: float) -> LoadResult:
    loop = asyncio.get_running_loop()
    connections = [_Connection(requests, loop) for _ in range(n_connections)]
    for connection in connections:
        await loop.create_connection(lambda made=connection: made, "127.0.0.1", port)  # type: ignore[misc]
    started = time.perf_counter()
    for connection in connections:
        connection.start(started + seconds)
    await asyncio.wait([connection.done for connection in connections], return_when=asyncio.FIRST_EXCEPTION)
    elapsed = time.perf_counter() - started
    for connection in connections:
        connection.close()
    await asyncio.gather(*(connection.closed for connection in connections))
    await asyncio.gather(*(connection.done for connection in connections if not connection.done.cancelled()))
    latencies = np.concatenate([np.array(connection.latencies_s) for connection in connections]) * 1000
    return LoadResult(len(latencies) / elapsed, latencies)


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], loop: asyncio.AbstractEventLoop) -> None:
        self._requests = requests
        self.done: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self.latencies_s: list[float] = []
        self._received = bytearray()
        self._expected = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are asyncio's in everything but their class.
        self._transport = cast(asyncio.Transport, transport)

    def start(self, deadline: float) -> None:
        self._deadline = deadline
        self._ask(time.perf_counter())

    def _ask(self, now: float) -> None:
        self._received.clear()
        self._expected = 0
        self._sent = now
        self._request = next(self._requests)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._expected and (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._received[:end])
            length = _LENGTH.search(head)
            if not head.startswith(b"HTTP/1.1 200 ") or length is None:
                self._fail(head)
                return
            self._expected = end + 4 + int(length[1])
        if self._expected and len(self._received) >= self._expected:
            now = time.perf_counter()
            self.latencies_s.append(now - self._sent)
            if now < self._deadline:
                self._ask(now)
            else:
                self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self._fail(str(exc).encode())
        self.closed.set_result(None)

    def close(self) -> None:
        self.done.cancel()
        self._transport.close()

    def _fail(self, answer: bytes) -> None:
        fault = f"{self._request[:200]!r} was answered with {answer[:100]!r}"
        self.done.set_exception(UnexpectedAnswerError(fault))
