"""What a busy service does: bodies that do not come, clients that leave, searches that overtake."""

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx2 as httpx
import pytest

from service.app import create_app
from service.recommending.recommendations import Recommender
from service.settings import Settings
from tests.service.running import serving

SECONDS: Final = 20.0
LIST: Final = json.dumps({"ratings": [{"anime_id": 1, "rating": 9}]}).encode()


class Connection:
    """A client that sends what it likes, when it likes."""

    def __init__(self, url: str, stack: contextlib.ExitStack) -> None:
        port = int(url.rpartition(":")[2])
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        stack.callback(self.socket.close)

    def post(self, body: bytes, n_bytes: int | None = None) -> "Connection":
        """Send a list, or the beginning of one of so many bytes."""
        head = "POST /recommendations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        self.socket.sendall(f"{head}content-length: {n_bytes or len(body)}\r\n\r\n".encode() + body)
        return self

    def get(self, path: str) -> "Connection":
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        return self

    def answer(self) -> tuple[int, dict[str, str], Any]:
        """Wait for an answer: status, headers, body."""
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._receive()
        head, _, body = received.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        while len(body) < int(headers["content-length"]):
            body += self._receive()
        return int(status.split()[1]), headers, json.loads(body)

    def is_closed(self) -> bool:
        return self.socket.recv(1) == b""

    def close(self) -> None:
        self.socket.close()

    def _receive(self) -> bytes:
        received = self.socket.recv(100_000)
        assert received, "the connection was closed without an answer"
        return received


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _n_requests(url: str, status: int) -> int:
    labels = rf'method="(?:GET|POST)",route=".*",status="{status}"'
    return sum(
        map(int, re.findall(rf"osusume_http_requests_total{{{labels}}} (\d+)", httpx.get(f"{url}/metrics").text))
    )


class BlockedRecommender:
    """Stands in for recommending: counts, and lets nobody through before it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.n_calls = 0
        self.entered = threading.Event()
        self.opened = threading.Event()
        recommend = Recommender.page

        def page(*arguments: Any) -> Any:
            self.n_calls += 1
            self.entered.set()
            assert self.opened.wait(SECONDS)
            return recommend(*arguments)

        monkeypatch.setattr(Recommender, "page", page)


Connect = Callable[[str], Connection]


@pytest.fixture
def connect() -> Iterator[Connect]:
    with contextlib.ExitStack() as stack:
        yield lambda url: Connection(url, stack)


@pytest.fixture
def in_process(store: Path) -> Iterator[str]:
    with serving(create_app(Settings(store=store, access_log=False, body_timeout_s=1))) as url:
        yield url


@pytest.fixture
def blocked(in_process: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[BlockedRecommender]:
    recommender = BlockedRecommender(monkeypatch)
    yield recommender
    recommender.opened.set()


def test_unfinished_bodies_hold_so_much_together_and_no_more(service_url: str, connect: Connect) -> None:
    begun = b" " * 3_900_000
    n_refused, n_gone = _n_requests(service_url, 503), _n_requests(service_url, 499)
    # Of twenty, sixteen fit into 64,000,000 bytes.
    connections = [connect(service_url) for _ in range(20)]
    senders = [threading.Thread(target=one.post, args=(begun, 3_900_001)) for one in connections]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(SECONDS)
    _wait_until(lambda: _n_requests(service_url, 503) == n_refused + 4)
    answered = []
    for connection in connections:
        connection.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            answered.append(connection.answer())
    assert len(answered) == 4
    for status, headers, problem in answered:
        assert (status, headers["retry-after"], problem["code"]) == (503, "1", "busy")
    with httpx.Client(base_url=service_url, headers={"content-type": "application/json"}) as client:
        # Whoever sends little still gets through, and so does whoever sends nothing.
        assert client.post("/recommendations", json={"ratings": []}).status_code == 200
        assert client.get("/anime/1").status_code == 200
        for connection in connections:
            connection.close()
        _wait_until(lambda: _n_requests(service_url, 499) == n_gone + 16)
        # Nothing is held any more; what is answered holds nothing either.
        for _ in range(18):
            assert client.post("/recommendations", content=begun[len(LIST) :] + LIST).status_code == 200


def test_a_body_that_does_not_come_in_time_is_not_waited_for(in_process: str, connect: Connect) -> None:
    stalled = connect(in_process).post(b'{"ratings"', 1_000)
    slow = connect(in_process).post(b'{"ratings"', 1_000)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for _ in range(15):
            time.sleep(0.1)
            slow.socket.sendall(b" ")
    status, headers, problem = stalled.answer()
    assert (status, problem["code"], headers["connection"]) == (408, "request_timeout", "close")
    assert "1 second" in problem["detail"]
    assert stalled.is_closed()
    assert _n_requests(in_process, 408) == 2


def test_a_body_in_pieces_is_read_whole(service_url: str, connect: Connect) -> None:
    connection = connect(service_url).post(LIST[:10], len(LIST))
    for start in range(10, len(LIST)):
        connection.socket.sendall(LIST[start : start + 1])
    status, _, answer = connection.answer()
    assert (status, answer["list_summary"]["n_entries"]) == (200, 1)


def test_what_nobody_waits_for_any_more_is_not_computed(
    in_process: str, connect: Connect, blocked: BlockedRecommender
) -> None:
    first = connect(in_process).post(LIST)
    assert blocked.entered.wait(SECONDS)
    staying = [connect(in_process).post(LIST), connect(in_process).get("/users/12/recommendations")]
    leaving = [connect(in_process).post(LIST) for _ in range(5)]
    leaving += [connect(in_process).get(f"/users/12/recommendations?limit={limit}") for limit in (1, 2, 3)]
    # Answered after those before it were read.
    assert httpx.get(f"{in_process}/health/live").status_code == 200
    for connection in leaving:
        connection.close()
    _wait_until(lambda: _n_requests(in_process, 499) == 8)
    blocked.opened.set()
    assert [connection.answer()[0] for connection in [first, *staying]] == [200, 200, 200]
    assert blocked.n_calls == 3


def test_a_client_that_leaves_in_the_midst_of_its_body_is_counted_as_gone(service_url: str, connect: Connect) -> None:
    n_gone = _n_requests(service_url, 499)
    connect(service_url).post(b'{"ratings"', 1_000).close()
    _wait_until(lambda: _n_requests(service_url, 499) == n_gone + 1)


def test_a_title_search_does_not_wait_for_recommendations(
    in_process: str, connect: Connect, blocked: BlockedRecommender
) -> None:
    waiting = connect(in_process).post(LIST)
    assert blocked.entered.wait(SECONDS)
    for path in ("/anime?query=bebop", "/anime"):
        assert httpx.get(f"{in_process}{path}", timeout=SECONDS).json()["data"]
    blocked.opened.set()
    assert waiting.answer()[0] == 200


@pytest.mark.parametrize("head", ["GET /", "GET / HTTP/1.1\r\nlong: ", "GET / HTTP/1.1\r\nq: 1\r\n"])
def test_a_head_that_does_not_end_is_refused(service_url: str, connect: Connect, head: str) -> None:
    connection = connect(service_url)
    more = b"a: 1\r\n" if head.endswith("\r\n") else b"a" * 6
    connection.socket.sendall(head.encode() + more * 87_000)
    # Answered after that was read, which is not too much yet.
    assert httpx.get(f"{service_url}/health/live").status_code == 200
    connection.socket.sendall(more * 500)
    received = b"".join(iter(lambda: connection.socket.recv(1_000), b""))
    assert received.startswith(b"HTTP/1.1 400")
    assert received.endswith(b"too long.")


def test_many_heads_of_one_connection_may_be_long_together(service_url: str, connect: Connect) -> None:
    connection = connect(service_url)
    for _ in range(9):
        connection.socket.sendall(b"GET /anime/1 HTTP/1.1\r\nhost: x\r\nlong: " + b"a" * 70_000)
        assert httpx.get(f"{service_url}/health/live").status_code == 200
        connection.socket.sendall(b"\r\n\r\n")
        assert connection.answer()[0] == 200
