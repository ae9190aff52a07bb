"""Answers from memory: the same bytes, never an error, never more than there is room for."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2 as httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from service.app import create_app
from service.operations.answer_memory import Answer, AnswerMemory
from service.settings import Settings
from tests.service.running import wait_until


@pytest.fixture
def app(store: Path) -> FastAPI:
    return create_app(Settings(store=store, access_log=False, cors_origins=("https://a.example",)))


@pytest.fixture
def asked(app: FastAPI) -> Iterator[httpx.Client]:
    with TestClient(app) as client:
        wait_until(lambda: client.get("/health/ready").status_code == 200)
        yield client


def _counted(client: httpx.Client) -> tuple[int, int]:
    text = client.get("/metrics").text
    hits, misses = (re.search(rf"osusume_answer_memory_{name}_total (\d+)", text) for name in ("hits", "misses"))
    assert hits is not None
    assert misses is not None
    return int(hits[1]), int(misses[1])


PATHS = [
    "/anime/1",
    "/anime/1/similar?limit=3",
    "/users/7/similar",
    "/users/7/recommendations?method=items",
    "/anime",
]


@pytest.mark.parametrize("path", PATHS)
def test_what_is_asked_again_is_answered_with_the_same_bytes_from_memory(asked: httpx.Client, path: str) -> None:
    first, again = asked.get(path), asked.get(path)
    assert first.status_code == 200
    assert again.content == first.content
    own = {"x-request-id", "date"}
    assert {k: v for k, v in again.headers.items() if k not in own} == {
        k: v for k, v in first.headers.items() if k not in own
    }
    assert first.headers["x-request-id"] != again.headers["x-request-id"]
    assert _counted(asked) == (1, 1)


def test_requests_answered_from_memory_are_counted_by_their_route(asked: httpx.Client) -> None:
    for _ in range(3):
        asked.get("/anime/1/similar")
    labels = 'method="GET",route="/anime/{anime_id}/similar",status="200"'
    assert f"osusume_http_requests_total{{{labels}}} 3.0" in asked.get("/metrics").text


def test_an_answer_from_memory_says_unchanged_to_who_has_it(asked: httpx.Client) -> None:
    etag = asked.get("/anime/1").headers["etag"]
    unchanged = asked.get("/anime/1", headers={"if-none-match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert asked.get("/anime/1").status_code == 200
    assert _counted(asked) == (2, 1)


def test_head_is_answered_from_what_get_remembers(asked: httpx.Client) -> None:
    body = asked.get("/anime/1").content
    head = asked.head("/anime/1")
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(body)))
    assert _counted(asked) == (1, 1)


@pytest.mark.parametrize(
    "path", ["/anime/2", "/anime/1?limit=3", "/users/7/similar?limit=0", "/nowhere", "/health/live"]
)
def test_neither_errors_nor_what_changes_is_remembered(asked: httpx.Client, app: FastAPI, path: str) -> None:
    first, again = asked.get(path), asked.get(path)
    assert first.status_code == again.status_code
    assert _counted(asked) == (0, 0)
    assert app.state.answer_memory.n_bytes == 0


def test_posted_lists_are_not_remembered(asked: httpx.Client) -> None:
    for _ in range(2):
        assert asked.post("/recommendations", json={"ratings": [{"anime_id": 1}]}).status_code == 200
    assert _counted(asked) == (0, 0)


def test_a_page_of_another_origin_gets_headers_of_its_own(asked: httpx.Client) -> None:
    asked.get("/anime/1", headers={"origin": "https://a.example"})
    assert "access-control-allow-origin" not in asked.get("/anime/1").headers
    answer = asked.get("/anime/1", headers={"origin": "https://a.example"})
    assert answer.headers["access-control-allow-origin"] == "https://a.example"


def test_other_query_strings_are_other_questions(asked: httpx.Client) -> None:
    assert asked.get("/anime/1/similar?limit=2").json() != asked.get("/anime/1/similar?limit=3").json()


def test_a_memory_of_nothing_remembers_nothing(store: Path) -> None:
    app = create_app(Settings(store=store, access_log=False, answer_memory_mb=0))
    with TestClient(app) as client:
        wait_until(lambda: client.get("/anime/1").status_code == 200)
        assert client.get("/anime/1").status_code == 200
        assert _counted(client) == (0, 0)


def _answer(n_bytes: int) -> Answer:
    return Answer((), b"x" * n_bytes, None)


def _memory(max_bytes: int) -> AnswerMemory:
    return AnswerMemory(max_bytes, CollectorRegistry())


def test_what_was_not_asked_for_longest_goes_first() -> None:
    memory = _memory(35_000)
    for name in "abc":
        memory.remember((name, b""), _answer(9_000), memory.generation)
    memory.recall(("a", b""))
    memory.remember(("d", b""), _answer(9_000), memory.generation)
    assert [memory.recall((name, b"")) is not None for name in "abcd"] == [True, False, True, True]
    assert memory.n_bytes <= memory.max_bytes


def test_an_answer_larger_than_the_memory_is_not_kept_and_takes_nothing_else_out() -> None:
    memory = _memory(20_000)
    memory.remember(("a", b""), _answer(5_000), memory.generation)
    memory.remember(("b", b""), _answer(50_000), memory.generation)
    assert memory.recall(("a", b"")) is not None
    assert memory.recall(("b", b"")) is None


def test_an_answer_remembered_twice_takes_its_room_once() -> None:
    memory = _memory(100_000)
    for _ in range(20):
        memory.remember(("a", b""), _answer(9_000), memory.generation)
    assert memory.n_bytes < 11_000


class HandingOver:
    """Lets other threads run wherever it is looked at: what may come between two steps does."""

    def __len__(self) -> int:
        time.sleep(0)
        return super().__len__()  # type: ignore[misc, no-any-return]

    def __hash__(self) -> int:
        time.sleep(0)
        return super().__hash__()


class Url(HandingOver, str):
    __slots__ = ()


class Body(HandingOver, bytes):
    __slots__ = ()


def test_threads_may_share_a_memory() -> None:
    memory = _memory(50_000)
    keys = [(Url(number), b"") for number in range(40)]

    def ask(seed: int) -> None:
        for number in range(200):
            # Most are new or evicted, some are replaced by an answer of another size.
            key = keys[(number * seed) % 40]
            if number % 5 == 0 or memory.recall(key) is None:
                memory.remember(key, Answer((), Body(1_000 + number * seed % 700), None), memory.generation)

    with ThreadPoolExecutor(4) as pool:
        for asked in [pool.submit(ask, seed) for seed in (3, 7, 11, 13)]:
            asked.result(60)
    # What is left, remembered by one thread in a memory of its own, takes as much room.
    alone = _memory(1_000_000)
    for key in keys:
        answer = memory.recall(key)
        if answer is not None:
            alone.remember(key, answer, alone.generation)
    assert 0 < memory.n_bytes == alone.n_bytes <= 50_000
