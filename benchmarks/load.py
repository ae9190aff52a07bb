"""A small HTTP/1.1 client that measures: keep-alive connections, one request at a time on each."""

import contextlib
import re
import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_TIMEOUT_S: Final = 60.0


class UnexpectedAnswerError(Exception):
    """An answer is not 200, or does not come: what was measured would mean nothing."""


@dataclass(frozen=True)
class LoadResult:
    """What a burst of requests measured, as the client saw it."""

    requests_per_s: float
    latencies_ms: NDArray[np.float64]


def get(path: str) -> bytes:
    """Write a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    """Write a POST request of some JSON."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def ask(port: int, request: bytes) -> bytes:
    """Ask once on 127.0.0.1; return the answer's body."""
    with contextlib.closing(_Connection(port)) as connection:
        connection.send(request)
        while (body := connection.receive()) is None:
            pass
        return body


def measure(port: int, requests: Iterator[bytes], n_connections: int, seconds: float) -> LoadResult:
    """Send requests to 127.0.0.1 for a while; a connection sends the next one when it has its answer.

    Raises
    ------
    UnexpectedAnswerError
        If an answer is not 200, or does not come.
    """
    latencies: list[float] = []
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as waiting:
        connections = [stack.enter_context(contextlib.closing(_Connection(port))) for _ in range(n_connections)]
        started = time.perf_counter()
        for connection in connections:
            # Without a timeout of its own, a socket needs no call of poll for each call.
            connection.socket.settimeout(None)
            waiting.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send(next(requests))
        while waiting.get_map():
            ready = waiting.select(_TIMEOUT_S)
            if not ready:
                raise UnexpectedAnswerError(f"port {port}: no answer within {_TIMEOUT_S:.0f} s")
            for key, _ in ready:
                if key.data.receive() is None:
                    continue
                now = time.perf_counter()
                latencies.append(now - key.data.sent)
                if now < started + seconds:
                    key.data.send(next(requests))
                else:
                    waiting.unregister(key.fileobj)
        elapsed = time.perf_counter() - started
    return LoadResult(len(latencies) / elapsed, np.array(latencies) * 1000)


class _Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), _TIMEOUT_S)
        self.close = self.socket.close

    def send(self, request: bytes) -> None:
        self._request, self._received = request, b""
        self.sent = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bytes | None:
        """Read what has come; return the body once it is complete.

        Raises
        ------
        UnexpectedAnswerError
            If the answer is not 200, or the connection is closed.
        """
        chunk = self.socket.recv(1 << 18)
        self._received += chunk
        head, end_of_head, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not chunk or (end_of_head and not (head.startswith(b"HTTP/1.1 200 ") and length)):
            raise UnexpectedAnswerError(f"{self._request[:200]!r} was answered with {self._received[:100]!r}")
        return body if end_of_head and length and len(body) == int(length[1]) else None
