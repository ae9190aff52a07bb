"""SIGKILL at random moments, of what changes a store and of workers that swap: it is whole, somebody answers."""

import os
import random
import signal
import time
from pathlib import Path
from typing import Final

import httpx2 as httpx
import pytest

from models.bundle.reader import read_bundle
from models.store import Store
from tests.chaos.killing import kill_after
from tests.chaos.scale import report, scaled
from tests.chaos.victims import command_for_ever, publish_for_ever
from tests.service.models.test_swap import SECOND, publish_other
from tests.service.running import PATIENCE_S, free_port, running, start, stop, wait_until, wait_until_ready, workers
from tests.service.small_bundle import VERSION

N_PUBLISHERS: Final = scaled(10, 440)
N_COMMANDS: Final = scaled(10, 200)
N_WORKERS: Final = scaled(4, 200)

pytestmark = pytest.mark.timeout(7200)


def test_a_store_survives_publishers_that_are_killed(own_store: Path) -> None:
    rng, store, n_half = random.Random(0), Store(own_store), 0
    for number in range(N_PUBLISHERS):
        kill_after(rng.uniform(0.0, 0.8), publish_for_ever, own_store, number)
        n_half += bool(list(own_store.glob(".incoming-*")))
        read_bundle(store.current_folder())
    assert n_half > N_PUBLISHERS / 10, "kills come too rarely in the midst of a bundle: they prove nothing"
    report(f"{N_PUBLISHERS} publishers killed, {n_half} in the midst of a bundle, 0 broken stores")
    # The next publisher sweeps what they left.
    store.keep(2)
    assert not list(own_store.glob(".incoming-*"))
    for version in store.versions():
        read_bundle(own_store / version)


def test_there_is_an_answer_though_commands_of_the_operator_are_killed(own_store: Path) -> None:
    rng, store = random.Random(1), Store(own_store)
    with running(own_store, OSUSUME_WATCH_S="0.1", OSUSUME_ACCESS_LOG="false") as url:
        port = int(url.rpartition(":")[2])
        for number in range(N_COMMANDS):
            while len(store.versions()) < 6:
                publish_other(own_store, f"20260105T{number:06d}Z-small-{len(store.versions()):08x}", seed=number)
            kill_after(rng.uniform(0.0, 0.5), command_for_ever, own_store, port, number)
            read_bundle(store.current_folder())
            assert httpx.get(f"{url}/anime/1/similar", timeout=PATIENCE_S).status_code == 200
        version = store.current_version()
        wait_until(lambda: _versions(url) == {version})
        assert httpx.get(f"{url}/model").json()["refused"] is None
    report(f"{N_COMMANDS} commands killed, 0 broken stores, {N_COMMANDS} answers in between")
    store.keep(1)
    assert not list(own_store.glob(".incoming-*"))


def test_there_is_an_answer_though_workers_are_killed_while_they_swap(own_store: Path) -> None:
    publish_other(own_store, SECOND, seed=1)
    rng, store, port = random.Random(0), Store(own_store), free_port()
    process = start(own_store, "--workers", "2", port=port, OSUSUME_WATCH_S="0.1", OSUSUME_ACCESS_LOG="false")
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(url, process)
        for number in range(N_WORKERS):
            wait_until(lambda: len(workers(process)) == 2)
            store.pin((VERSION, SECOND)[number % 2])
            time.sleep(rng.uniform(0.0, 0.5))
            os.kill(rng.choice(workers(process)), signal.SIGKILL)
            wait_until(lambda: _answers(url))
        version = store.current_version()
        wait_until(lambda: _versions(url) == {version})
        report(f"{N_WORKERS} workers killed, an answer after each")
    finally:
        stop(process)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/anime/1/similar", timeout=PATIENCE_S).status_code == 200
    except httpx.TransportError:
        # On a connection of the worker that was killed.
        return False


def _versions(url: str) -> set[str]:
    try:
        return {httpx.get(f"{url}/health/ready", timeout=PATIENCE_S).json()["model_version"] for _ in range(20)}
    except httpx.TransportError:
        return set()
