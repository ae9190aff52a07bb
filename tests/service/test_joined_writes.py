"""Joined writes: one system call per answer, and nothing else changes for either side."""

import asyncio
import http.client
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from service.operations.joined_writes import MAX_HELD_BYTES, JoiningTransport


class _Recorded(asyncio.Transport):
    """A transport that notes what reaches it."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[Any] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.done.append(bytes(data))

    def writelines(self, list_of_data: Any) -> None:
        self.done.append(b"|".join(list_of_data))

    def close(self) -> None:
        self.done.append("close")

    def abort(self) -> None:
        self.done.append("abort")

    def write_eof(self) -> None:
        self.done.append("eof")

    def get_write_buffer_size(self) -> int:
        return 5


async def _turns() -> None:
    for _ in range(2):
        await asyncio.sleep(0)


def test_what_is_written_in_one_turn_goes_out_together() -> None:
    async def write() -> list[Any]:
        recorded = _Recorded()
        transport = JoiningTransport(recorded)
        transport.write(b"head")
        transport.write(b"body")
        assert recorded.done == []
        assert transport.get_write_buffer_size() == 13
        await _turns()
        transport.write(b"next")
        await _turns()
        return recorded.done

    assert asyncio.run(write()) == [b"head|body", b"next"]


@pytest.mark.parametrize(("end", "expected"), [("close", [b"a", "close"]), ("write_eof", [b"a", "eof"])])
def test_what_was_written_goes_out_before_the_end(end: str, expected: list[Any]) -> None:
    async def write() -> list[Any]:
        recorded = _Recorded()
        transport = JoiningTransport(recorded)
        transport.write(b"a")
        getattr(transport, end)()
        await _turns()
        return recorded.done

    assert asyncio.run(write()) == expected


def test_an_aborted_connection_is_written_nothing_more() -> None:
    async def write() -> list[Any]:
        recorded = _Recorded()
        transport = JoiningTransport(recorded)
        transport.write(b"a")
        transport.abort()
        await _turns()
        return recorded.done

    assert asyncio.run(write()) == ["abort"]


def test_whoever_writes_much_is_not_held_back() -> None:
    async def write() -> tuple[int, int]:
        recorded = _Recorded()
        transport = JoiningTransport(recorded)
        for _ in range(10):
            transport.write(b"x" * (MAX_HELD_BYTES // 2))
        written = sum(len(piece.replace(b"|", b"")) for piece in recorded.done)
        await _turns()
        return written, sum(len(piece.replace(b"|", b"")) for piece in recorded.done)

    before, after = asyncio.run(write())
    assert (before, after) == (9 * (MAX_HELD_BYTES // 2), 10 * (MAX_HELD_BYTES // 2))


def test_pipelined_requests_are_answered_in_their_order(service_url: str) -> None:
    place = urlsplit(service_url)
    request = "GET {} HTTP/1.1\r\nHost: x\r\n{}\r\n"
    paths = ["/anime/1", "/anime/1/similar", "/health/live", "/anime/4/similar"]
    asked = "".join(request.format(path, "Connection: close\r\n" if path == paths[-1] else "") for path in paths)
    with socket.create_connection((place.hostname or "", place.port or 0)) as connection:
        connection.sendall(asked.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.count(b"HTTP/1.1 200 OK") == 4
    assert answer.count(b'"anime_id":1,') >= 2
    assert answer.index(b'"data":{"anime_id":1,') < answer.index(b'"status":"live"') < answer.rindex(b'"pagination"')


def test_a_client_that_leaves_early_harms_nobody(service_url: str) -> None:
    place = urlsplit(service_url)
    for _ in range(20):
        with socket.create_connection((place.hostname or "", place.port or 0)) as connection:
            connection.sendall(b"GET /anime?limit=60 HTTP/1.1\r\nHost: x\r\n\r\n")
    alive = http.client.HTTPConnection(place.netloc)
    alive.request("GET", "/health/ready")
    assert alive.getresponse().status == 200
    alive.close()


def test_a_file_of_many_pieces_arrives_whole(service_url: str) -> None:
    page = Path(__file__).resolve().parents[2] / "service" / "page"
    largest = max((path for path in page.iterdir() if path.is_file()), key=lambda path: path.stat().st_size)
    connection = http.client.HTTPConnection(urlsplit(service_url).netloc)
    connection.request("GET", f"/page/{largest.name}")
    assert connection.getresponse().read() == largest.read_bytes()
    connection.close()
