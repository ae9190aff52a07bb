"""A full disk: one line says so, the old model serves, nothing is half there, and with room all goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import httpx2 as httpx
import pytest

from models.errors import StoreError
from models.store import Store
from service.recommending.model import load_model
from tests.chaos.killing import run
from tests.chaos.scale import report, scaled, takes_long
from tests.chaos.small_disk import SmallDisk
from tests.chaos.victims import train
from tests.object_store.server import Bucket
from tests.service import small_bundle
from tests.service.models.test_swap import SECOND, publish_other, version_of
from tests.service.running import (
    ROOT,
    clean_environment,
    free_port,
    precomputed_of,
    running,
    start,
    stop,
    wait_until,
    wait_until_ready,
    workers,
)
from tests.service.small_bundle import VERSION
from tests.training.small_dump import write_small_dump

FULL: Final = "No space left on device"
# Room is left for a part of what is written.
ROOM: Final = range(0, 200_000, scaled(60_000, 5_000))
WORK_ROOM: Final = (0, 20_000, 60_000, 100_000, 200_000, 300_000)


def _ends(*command: object, **settings: str) -> str:
    """Run a command that must fail; give its last line."""
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=ROOT,
        env=clean_environment(**settings),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.strip().rpartition("\n")[2]


@pytest.mark.timeout(3600)
def test_publishing_on_a_full_disk_leaves_the_old_model_serving(disk: SmallDisk) -> None:
    root = disk.folder / "store"
    small_bundle.publish(root)
    with running(root, OSUSUME_WATCH_S="0.05") as url:
        for room in ROOM:
            disk.fill(room)
            with pytest.raises(StoreError, match=FULL):
                publish_other(root)
            assert Store(root).versions() == [VERSION]
            assert not list(root.glob(".incoming-*"))
            assert version_of(url) == VERSION
            disk.empty()
        publish_other(root)
        wait_until(lambda: version_of(url) == SECOND)
    report(f"{len(ROOM)} publishes on a full disk, 0 broken stores, the old model served")


@takes_long
@pytest.mark.timeout(3600)
def test_training_on_a_full_disk_ends_with_a_line(disk: SmallDisk, own_store: Path, tmp_path: Path) -> None:
    data, work, log = write_small_dump(tmp_path / "dump").folder, disk.folder / "work", tmp_path / "log"
    command = ("run", "--data", str(data), "--work", str(work), "--store", str(own_store), "--no-compare")
    for room in WORK_ROOM:
        disk.fill(room)
        assert run(train, log, *command) == 1
        said = log.read_text(encoding="utf-8")
        assert "Traceback" not in said
        last = said.rstrip().rpartition("\n")[2]
        assert last.startswith("error: ")
        assert FULL in last
        assert not list(work.glob(".prepared-*"))
        assert Store(own_store).versions() == [VERSION]
        disk.empty()
    report(f"{len(WORK_ROOM)} runs of training on a full disk, each ended with a line")


def test_precomputing_on_a_full_disk_leaves_the_old_answers(disk: SmallDisk) -> None:
    root = disk.folder / "store"
    small_bundle.publish(root)
    command = ("service.precompute", "--store", str(root), "--workers", "1")
    environment = clean_environment()
    subprocess.run([sys.executable, "-m", *command], cwd=ROOT, env=environment, check=True, capture_output=True)
    disk.fill()
    said = _ends(*command, "--query", "limit=20")
    assert "full" in said or FULL in said
    model = load_model(Store(root).current_folder())
    assert precomputed_of(model, root).query.limit == 10
    assert not (root / ".precomputing").exists()


def test_a_full_disk_for_the_copy_of_a_bucket_leaves_the_old_model_serving(
    disk: SmallDisk, bucket: Bucket, tmp_path: Path
) -> None:
    url, log = f"{bucket.url}/store", tmp_path / "log"
    small_bundle.publish(url)
    settings = {"OSUSUME_STORE_CACHE": str(disk.folder), "OSUSUME_WATCH_S": "0.2"}
    with running(url, log=log, **settings) as service:
        disk.fill(100_000)
        small_bundle.publish(url, SECOND)
        wait_until(lambda: FULL in log.read_text(encoding="utf-8"))
        assert version_of(service) == VERSION
    # A service that starts now serves what it has.
    with running(url, log=log, **settings) as service:
        assert version_of(service) == VERSION
        disk.empty()
        wait_until(lambda: version_of(service) == SECOND)
    assert not list(disk.folder.rglob(".incoming-*"))


def test_a_full_disk_for_the_log_costs_no_answer(disk: SmallDisk, own_store: Path) -> None:
    log = disk.folder / "log"
    with running(own_store, log=log) as url, httpx.Client(base_url=url) as client:
        disk.fill()
        for number in range(1, 60, 3):
            answer = client.get(f"/anime/{number}/similar")
            assert answer.status_code == 200
            assert answer.headers.get("connection") != "close"
        n_bytes = log.stat().st_size
        disk.empty()
        client.get("/anime/1")
        wait_until(lambda: log.stat().st_size > n_bytes)


@takes_long
def test_a_full_disk_for_temporary_files_costs_no_answer(disk: SmallDisk, own_store: Path, tmp_path: Path) -> None:
    publish_other(own_store, SECOND, seed=1)
    Store(own_store).pin(VERSION)
    port, log = free_port(), tmp_path / "log"
    settings = {"TMPDIR": str(disk.folder), "OSUSUME_WATCH_S": "0.1"}
    process = start(own_store, "--workers", "2", port=port, log=log, **settings)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(url, process)
        wait_until(lambda: len(workers(process)) == 2)
        time.sleep(1)
        disk.fill()
        Store(own_store).pin(SECOND)
        for path in ("/anime/1/similar", "/users/2/similar", "/nowhere", "/metrics", "/model") * 8:
            assert httpx.get(url + path).status_code in {200, 404}
        os.kill(workers(process)[0], signal.SIGKILL)
        wait_until(lambda: len(workers(process)) == 2)
        wait_until(lambda: _versions(url) == {SECOND})
        Store(own_store).pin(VERSION)
        wait_until(lambda: _versions(url) == {VERSION})
    finally:
        stop(process)


def _versions(url: str) -> set[str]:
    try:
        return {version_of(url) for _ in range(20)}
    except httpx.TransportError:
        return set()
