"""Another model takes the place of the one that answers, between one request and the next."""

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx2 as httpx
import pytest

from models.store import Store
from service.precompute.__main__ import main as precompute
from service.worker_environment import process_of
from tests.service.running import free_port, running, start, stop, wait_until, wait_until_ready, workers
from tests.service.small_bundle import VERSION, make_arrays, make_manifest

SECOND: Final = "20260102T000000Z-small-00000002"
THIRD: Final = "20260103T000000Z-small-00000003"
PATHS: Final = ("/anime/1/similar", "/users/2/similar", "/users/2/recommendations", "/anime/1")


def publish_other(store: Path, version: str = SECOND, *, seed: int = 1) -> None:
    arrays = make_arrays(seed=seed)
    Store(store).publish(make_manifest(arrays, version=version), arrays)


def publish_spoiled(store: Path, version: str = SECOND) -> None:
    """Publish a bundle that does not reproduce its golden answers: only a service can find out."""
    arrays = make_arrays(seed=1)
    manifest = make_manifest(arrays, version=version)
    golden = [answer.model_copy(update={"scores": [s - 0.01 for s in answer.scores]}) for answer in manifest.golden]
    Store(store).publish(manifest.model_copy(update={"golden": golden}), arrays)


def version_of(url: str) -> Any:
    return httpx.get(f"{url}/health/ready").json()["model_version"]


def metric(url: str, name: str) -> float:
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith(name)).split()[1])


def test_answers_change_from_one_request_to_the_next_and_none_fails(own_store: Path) -> None:
    with running(own_store, OSUSUME_WATCH_S="0.05") as url:
        before = {path: httpx.get(url + path).content for path in PATHS}
        swapped, answers = threading.Event(), []

        def ask(path: str) -> None:
            with httpx.Client(base_url=url) as client:
                while not swapped.is_set():
                    answers.append((path, client.get(path)))

        with ThreadPoolExecutor() as pool:
            asking = [pool.submit(ask, path) for path in PATHS * 2]
            publish_other(own_store)
            try:
                wait_until(lambda: version_of(url) == SECOND)
                time.sleep(0.2)
            finally:
                swapped.set()
        for one in asking:
            one.result()
        after = {path: httpx.get(url + path).content for path in PATHS}
        # Of either model, whole, and what was remembered of the first is forgotten.
        assert {answer.status_code for _, answer in answers} == {200}
        assert all(answer.content in (before[path], after[path]) for path, answer in answers)
        assert all(json.loads(after[path])["model_version"] == SECOND for path in PATHS)
        etags = {answer.headers["etag"].split("-small")[0] for path, answer in answers if path == PATHS[0]}
        assert len(etags) == 2
        assert metric(url, "osusume_model_swaps_total") == 1


def test_a_refused_bundle_leaves_the_old_one_serving_and_is_tried_once(own_store: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(own_store, log=log, OSUSUME_WATCH_S="0.02") as url:
        publish_spoiled(own_store)
        wait_until(lambda: bool(httpx.get(f"{url}/model").json()["refused"]))
        model = httpx.get(f"{url}/model").json()
        assert model["model_version"] == VERSION
        assert model["refused"]["model_version"] == SECOND
        assert "is not reproduced" in model["refused"]["fault"]
        time.sleep(0.3)
        assert metric(url, "osusume_model_refusals_total") == metric(url, "osusume_model_refused") == 1
        publish_other(own_store, THIRD)
        wait_until(lambda: version_of(url) == THIRD)
        assert httpx.get(f"{url}/model").json()["refused"] is None
        assert metric(url, "osusume_model_refused") == 0
    assert log.read_text(encoding="utf-8").count("another model was refused") == 1


def test_a_damaged_bundle_is_tried_again_once_it_was_mended(own_store: Path) -> None:
    damaged = own_store / SECOND / "anime_embeddings.npy"
    with running(own_store, OSUSUME_WATCH_S="0") as url:
        process_id = _process_of(url)
        publish_other(own_store)
        sound = damaged.read_bytes()
        damaged.write_bytes(sound[:-5] + b"#" + sound[-4:])
        os.kill(process_id, signal.SIGHUP)
        wait_until(lambda: bool(httpx.get(f"{url}/model").json()["refused"]))
        assert "anime_embeddings.npy" in httpx.get(f"{url}/model").json()["refused"]["fault"]
        assert version_of(url) == VERSION
        damaged.write_bytes(sound)
        os.kill(process_id, signal.SIGHUP)
        wait_until(lambda: version_of(url) == SECOND)


def test_a_store_that_goes_away_and_comes_back_is_followed_again(own_store: Path, tmp_path: Path) -> None:
    log, away = tmp_path / "log", tmp_path / "away"
    with running(own_store, log=log, OSUSUME_WATCH_S="0.02") as url:
        own_store.rename(away)
        wait_until(lambda: b"the store cannot be read" in log.read_bytes())
        assert httpx.get(f"{url}/anime/1/similar").status_code == 200
        publish_other(away)
        time.sleep(0.1)
        away.rename(own_store)
        wait_until(lambda: version_of(url) == SECOND)
    assert log.read_text(encoding="utf-8").count("the store cannot be read") == 1


def test_answers_precomputed_while_the_service_runs_are_used(own_store: Path) -> None:
    with running(own_store, OSUSUME_WATCH_S="0.02") as url:
        assert precompute(["--store", str(own_store)]) == 0
        # Nothing remembers an answer that was never asked for.
        users = iter(make_arrays()["user_ids"].tolist())

        def is_used() -> bool:
            assert httpx.get(f"{url}/users/{next(users)}/recommendations").status_code == 200
            time.sleep(0.1)
            return metric(url, "osusume_precomputed_answers_total") > 0

        wait_until(is_used)
        assert metric(url, "osusume_model_swaps_total") == 0


@pytest.fixture
def three_workers(own_store: Path) -> Iterator[tuple[str, Path, Any]]:
    port = free_port()
    process = start(own_store, "--workers", "3", port=port, OSUSUME_WATCH_S="0")
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        wait_until(lambda: len(workers(process)) == 3)
        wait_until(lambda: _versions(f"http://127.0.0.1:{port}", 12) == {VERSION})
        time.sleep(0.5)  # until the last of them listens to signals
        yield f"http://127.0.0.1:{port}", own_store, process
    finally:
        stop(process)


def _versions(url: str, n_times: int) -> set[str]:
    # Each on a connection of its own: the kernel chooses the worker.
    return {version_of(url) for _ in range(n_times)}


def test_all_workers_swap_within_a_second_and_back(three_workers: tuple[str, Path, Any]) -> None:
    url, store, process = three_workers
    publish_other(store)
    for version in (SECOND, VERSION, SECOND):
        Store(store).pin(version)
        process.send_signal(signal.SIGHUP)
        wait_until(lambda version=version: version_of(url) == version)  # type: ignore[misc]
        time.sleep(1)
        assert _versions(url, 40) == {version}


def test_a_worker_in_the_place_of_another_answers_from_the_model_of_the_rest(
    three_workers: tuple[str, Path, Any],
) -> None:
    url, store, process = three_workers
    publish_other(store)
    process.send_signal(signal.SIGHUP)
    wait_until(lambda: version_of(url) == SECOND)
    killed = workers(process)[0]
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: killed not in workers(process) and len(workers(process)) == 3)
    shutil.rmtree(store / VERSION)
    wait_until(lambda: _all_answer(url))
    assert _versions(url, 40) == {SECOND}


def test_a_bundle_that_all_workers_refuse_is_said_by_all(three_workers: tuple[str, Path, Any]) -> None:
    url, store, process = three_workers
    publish_spoiled(store)
    process.send_signal(signal.SIGHUP)

    def refused() -> set[str | None]:
        answers = [httpx.get(f"{url}/model").json()["refused"] for _ in range(30)]
        return {answer and answer["model_version"] for answer in answers}

    wait_until(lambda: refused() == {SECOND}, pause=0.2)
    assert _versions(url, 20) == {VERSION}


def _all_answer(url: str) -> bool:
    try:
        return bool(_versions(url, 20))
    except httpx.TransportError:
        return False


def _process_of(url: str) -> int:
    process = process_of(int(url.rpartition(":")[2]))
    assert process is not None
    return process
