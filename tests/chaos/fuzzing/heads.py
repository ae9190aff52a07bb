"""Bytes of a connection: requests are answered or refused, in pieces of any size, and the connection ends."""

import asyncio
import re
from typing import Final

from uvicorn import Config
from uvicorn.server import ServerState

from service.operations.bounded_heads import BoundedProtocol
from tests.chaos.fuzzing.asgi import APP, LOOP

WORDS: Final = (
    *("GET ", "POST ", "HEAD ", "OPTIONS ", " HTTP/1.1\r\n", " HTTP/1.0\r\n", "\r\n\r\n", "Host: a\r\n", "0\r\n\r\n"),
    *("Content-Length: 2\r\n", "Transfer-Encoding: chunked\r\n", "Expect: 100-continue\r\n", "Connection: close\r\n"),
    *(
        "Upgrade: websocket\r\n",
        "Upgrade: h2c\r\n",
        "Content-Type: application/json\r\n",
        "/anime/1",
        "/recommendations",
    ),
    *("If-None-Match: *\r\n", "Accept-Encoding: gzip\r\n", "Origin: http://a\r\n", "X-Request-Id: a\r\n"),
)
_CONFIG: Final = Config(APP, lifespan="off", log_config=None, access_log=False, http=BoundedProtocol)
_CONFIG.load()
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})")


class _Transport(asyncio.Transport):
    """Takes what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 8000)})
        self.written = bytearray()
        self._is_closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def close(self) -> None:
        self._is_closing = True

    def is_closing(self) -> bool:
        return self._is_closing

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None: ...


def seeds() -> list[bytes]:
    """Give requests, one and several on a connection."""
    post = b"POST /recommendations HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    requests = [
        b"GET /anime/1/similar?limit=2 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"HEAD /anime/1 HTTP/1.0\r\n\r\n",
        post + b'Content-Length: 31\r\n\r\n{"ratings": [{"anime_id": 1 }]}',
        post + b'Transfer-Encoding: chunked\r\n\r\n10\r\n{"ratings": []} \r\n0\r\n\r\n',
        post + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\nOrigin: b\r\nAccess-Control-Request-Method: GET\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    ]
    return [bytes([size]) + text for size in (0, 1, 7) for text in (*requests, b"".join(requests))]


def run(data: bytes) -> None:
    """Send bytes in pieces of as many as the first says, then close."""
    LOOP.run_until_complete(_connect(data[0] if data else 0, data[1:]))


async def _connect(size: int, data: bytes) -> None:
    transport, state = _Transport(), ServerState()
    protocol = BoundedProtocol(_CONFIG, state, {}, LOOP)
    protocol.connection_made(transport)
    for start in range(0, len(data), size or len(data) or 1):
        if transport.is_closing():
            break
        protocol.data_received(data[start : start + (size or len(data))])
        await asyncio.sleep(0)
    # What is complete is answered, while what is not waits for more.
    if state.tasks:
        await asyncio.wait(state.tasks, timeout=0.05)
    protocol.connection_lost(None)
    if state.tasks:
        _, late = await asyncio.wait(state.tasks, timeout=20)
        assert not late, "a request outlives its connection"
    statuses = {int(status) for status in _STATUS.findall(bytes(transport.written))}
    assert all(status < 500 for status in statuses), bytes(transport.written)
