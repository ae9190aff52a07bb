"""Requests over all routes at full load while models are swapped and refused: none fails, none mixes two models."""

import contextlib
import http.client
import itertools
import json
import multiprocessing
import os
import random
import time
from pathlib import Path
from typing import Any, Final

import pytest

from benchmarks.start import private_mb
from models.store import Store
from service.models.__main__ import main as models_command
from tests.chaos.scale import report, scaled
from tests.service.models.test_swap import SECOND, THIRD, publish_other, publish_spoiled
from tests.service.running import children, free_port, start, stop, wait_until, wait_until_ready, workers
from tests.service.small_bundle import VERSION, make_arrays

N_REQUESTS: Final = scaled(6_000, 1_000_000)
N_SWAPS: Final = scaled(8, 100)
N_REFUSED: Final = scaled(2, 10)
N_CLIENTS: Final = 4
REFUSED: Final = range(1, N_SWAPS, max(1, N_SWAPS // N_REFUSED))

Question = tuple[str, str, str | None]


def _questions() -> list[Question]:
    arrays = make_arrays()
    ids, users = arrays["anime_ids"].tolist(), arrays["user_ids"].tolist()
    asked: list[Question] = []
    for anime_id in ids[::3]:
        asked += [
            ("GET", f"/anime/{anime_id}", None),
            ("GET", f"/anime/{anime_id}/similar?limit=20", None),
            ("GET", f"/anime/{anime_id}/similar?diversity=0.5", None),
            ("GET", f"/anime?query={['bebop', 'steins', 'gate', 'titan'][anime_id % 3]}", None),
        ]
    for user_id in users[::3]:
        asked += [
            ("GET", f"/users/{user_id}/similar", None),
            ("GET", f"/users/{user_id}/recommendations?limit=30", None),
        ]
    for first in range(10):
        listed = {"ratings": [{"anime_id": ids[first + 3 * k], "rating": 10 - k} for k in range(6)]}
        asked += [("POST", path, json.dumps(listed)) for path in ("/recommendations", "/users/similar")]
    return asked


def _ask(connection: http.client.HTTPConnection, question: Question) -> bytes:
    method, path, body = question
    connection.request(method, path, body, {"content-type": "application/json"} if body else {})
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status == 200, f"{method} {path}: {answer.status} {content[:300]!r}"
    return content


def _load(port: int, known: list[tuple[Question, set[bytes]]], n_requests: int, seed: int, n_done: Any) -> None:
    rng = random.Random(seed)
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        for _ in range(n_requests):
            question, answers = rng.choice(known)
            assert _ask(connection, question) in answers, f"{question}: an answer of neither model"
            with n_done.get_lock():
                n_done.value += 1


def _answers(port: int, questions: list[Question]) -> list[bytes]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        return [_ask(connection, question) for question in questions]


def _memory(process: Any) -> float:
    return sum(private_mb(worker) for worker in workers(process) or [process.pid, *children(process.pid)])


def _swap(store: Store, command: list[str], process: Any, clients: list[Any], n_done: Any) -> float:
    """Swap models all the time that there are requests; give the memory after a quarter of the swaps."""
    early = 0.0
    for number, version in zip(range(N_SWAPS), itertools.cycle((VERSION, SECOND)), strict=False):
        while n_done.value < number * N_REQUESTS // N_SWAPS:
            assert all(client.is_alive() or client.exitcode == 0 for client in clients)
            time.sleep(0.02)
        if number in REFUSED:
            store.pin(THIRD)
            # Once refused, it is refused without being tried: its files have not changed.
            os.utime(store.root / THIRD / "years.npy", (number, number))
            assert models_command(command) == 1
        store.pin(version)
        assert models_command(command) == 0
        early = early or (_memory(process) if number == N_SWAPS // 4 else 0.0)
    return early


@pytest.mark.timeout(7200)
def test_no_request_fails_and_no_answer_mixes_two_models(own_store: Path) -> None:
    publish_other(own_store, SECOND, seed=1)
    publish_spoiled(own_store, THIRD)
    store, port, questions = Store(own_store), free_port(), _questions()
    command = ["--store", str(own_store), "--port", str(port), "swap"]
    store.pin(VERSION)
    process = start(own_store, "--workers", "2", port=port, OSUSUME_WATCH_S="0.1", OSUSUME_ACCESS_LOG="false")
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        wait_until(lambda: len(workers(process)) == 2)
        time.sleep(1)
        of_first = _answers(port, questions)
        store.pin(SECOND)
        assert models_command(command) == 0
        time.sleep(1)
        of_second = _answers(port, questions)
        known = [(q, {a, b}) for q, a, b in zip(questions, of_first, of_second, strict=True)]
        assert sum(len(answers) == 2 for _, answers in known) > len(known) * 0.9
        context = multiprocessing.get_context("spawn")
        n_done = context.Value("q", 0)
        clients = [
            context.Process(target=_load, args=(port, known, N_REQUESTS // N_CLIENTS, seed, n_done))
            for seed in range(N_CLIENTS)
        ]
        for client in clients:
            client.start()
        early = _swap(store, command, process, clients, n_done)
        for client in clients:
            client.join()
        assert [client.exitcode for client in clients] == [0] * N_CLIENTS
        time.sleep(2)
        late = _memory(process)
        report(
            f"{n_done.value:,} requests, 0 failed, 0 of two models; {N_SWAPS} swaps, {len(REFUSED)} refusals; "
            f"own memory of two workers {early:.0f} MB after {N_SWAPS // 4} swaps, {late:.0f} MB after all"
        )
        assert late < early * 1.15 + 5
    finally:
        stop(process)
