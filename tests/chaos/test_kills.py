"""SIGKILL at random moments, of publishing and of workers that swap: the store is whole, and there is an answer."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import httpx2 as httpx
import pytest

from models.bundle.reader import read_bundle
from models.store import Store
from tests.chaos.scale import scaled
from tests.service.models.test_swap import SECOND, publish_other
from tests.service.running import (
    ROOT,
    clean_environment,
    free_port,
    start,
    stop,
    wait_until,
    wait_until_ready,
    workers,
)
from tests.service.small_bundle import VERSION

N_PUBLISHERS: Final = scaled(6, 700)
N_WORKERS: Final = scaled(4, 300)
# Publishes one bundle after the other, until it is killed.
_PUBLISH: Final = """
import sys
from pathlib import Path
from models.store import Store
from tests.service.small_bundle import make_arrays, make_manifest
arrays = make_arrays(seed=1)
manifest = make_manifest(arrays)
print("ready", flush=True)
for number in range(10**6):
    version = f"20260105T{sys.argv[2]}{number % 100:02d}Z-small-{number:08x}"
    Store(Path(sys.argv[1])).publish(manifest.model_copy(update={"model_version": version}), arrays)
    Store(Path(sys.argv[1])).keep(2)
"""


@pytest.mark.timeout(7200)
def test_a_store_survives_publishers_that_are_killed(own_store: Path) -> None:
    rng, store = random.Random(0), Store(own_store)
    for number in range(N_PUBLISHERS):
        command = [sys.executable, "-c", _PUBLISH, str(own_store), f"{number:04d}"]
        process = subprocess.Popen(command, cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE)
        assert process.stdout is not None
        with process.stdout:
            process.stdout.readline()
            time.sleep(rng.uniform(0.0, 0.4))
            process.kill()
        process.wait()
        read_bundle(store.current_folder())
    # The next publisher sweeps what they left.
    store.keep(2)
    assert not list(own_store.glob(".incoming-*"))
    for version in store.versions():
        read_bundle(own_store / version)


@pytest.mark.timeout(7200)
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
        wait_until(lambda: _versions(url) == {version}, seconds=120)
    finally:
        stop(process)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/anime/1/similar", timeout=30).status_code == 200
    except httpx.TransportError:
        # On a connection of the worker that was killed.
        return False


def _versions(url: str) -> set[str]:
    try:
        return {httpx.get(f"{url}/health/ready").json()["model_version"] for _ in range(20)}
    except httpx.TransportError:
        return set()
