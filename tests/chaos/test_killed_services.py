"""A whole service killed at random moments: its workers end by themselves, the next one starts on the same port."""

import os
import random
import signal
import time
from pathlib import Path
from typing import Final

import httpx2 as httpx
import pytest

from models.store import Store
from tests.chaos.killing import MARK, new_mark, wait_until_all_ended
from tests.chaos.scale import report, scaled
from tests.service.models.test_swap import SECOND, publish_other
from tests.service.running import PATIENCE_S, free_port, start, stop, wait_until_ready, workers
from tests.service.small_bundle import VERSION

N_SERVICES: Final = scaled(2, 40)


@pytest.mark.timeout(7200)
def test_a_killed_service_leaves_no_process_and_the_next_one_starts(own_store: Path) -> None:
    publish_other(own_store, SECOND, seed=1)
    rng, store, port, length = random.Random(2), Store(own_store), free_port(), 3.0
    for number in range(N_SERVICES):
        mark = new_mark()
        store.pin((VERSION, SECOND)[number % 2])
        settings = {MARK: mark, "OSUSUME_WATCH_S": "0.1", "OSUSUME_ACCESS_LOG": "false"}
        process = start(own_store, "--workers", str(2 - number % 4 // 3), port=port, log=None, **settings)
        try:
            if number % 2:
                started = time.monotonic()
                wait_until_ready(f"http://127.0.0.1:{port}", process)
                length = time.monotonic() - started
                assert httpx.get(f"http://127.0.0.1:{port}/anime/1/similar", timeout=PATIENCE_S).status_code == 200
                # In the midst of a swap.
                store.pin((VERSION, SECOND)[(number + 1) % 2])
                time.sleep(rng.uniform(0.0, 0.5))
            else:
                time.sleep(rng.uniform(0.0, length))
        finally:
            process.kill()
            process.wait()
        wait_until_all_ended(mark)
    process = start(own_store, "--workers", "2", port=port)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        assert httpx.get(f"http://127.0.0.1:{port}/anime/1/similar", timeout=PATIENCE_S).status_code == 200
    finally:
        stop(process)
    report(f"{N_SERVICES} services killed, none left a process, the next one started each time")


@pytest.mark.timeout(7200)
def test_a_worker_that_says_nothing_for_some_seconds_is_not_replaced(own_store: Path) -> None:
    port = free_port()
    process = start(own_store, "--workers", "2", port=port)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        before = workers(process)
        os.kill(before[0], signal.SIGSTOP)
        # uvicorn by itself gives a worker five seconds, which the imports alone take on a busy machine.
        time.sleep(7)
        os.kill(before[0], signal.SIGCONT)
        time.sleep(1)
        assert workers(process) == before
    finally:
        stop(process)
