"""A store that is read-only, or away for a while: the service answers, and follows the store once it can."""

import os
import signal
import time
from pathlib import Path

import httpx2 as httpx
import pytest

from models.errors import StoreError
from service.models.__main__ import main as models_command
from service.precompute.__main__ import main as precompute
from tests.chaos.small_disk import SmallDisk
from tests.object_store.server import Bucket, running_server
from tests.service import small_bundle
from tests.service.models.test_swap import SECOND, THIRD, publish_other
from tests.service.running import (
    PATIENCE_S,
    children,
    free_port,
    running,
    start,
    stop,
    wait_until,
    wait_until_ready,
    workers,
)
from tests.service.small_bundle import VERSION


def _version(url: str) -> object:
    return httpx.get(f"{url}/health/ready", timeout=PATIENCE_S).json()["model_version"]


def test_a_read_only_store_is_served_and_followed(disk: SmallDisk, capsys: pytest.CaptureFixture[str]) -> None:
    root = disk.folder / "store"
    small_bundle.publish(root)
    disk.be_read_only()
    with running(root, OSUSUME_WATCH_S="0.05", OSUSUME_WORKERS="2") as url:
        assert httpx.get(f"{url}/users/2/recommendations", timeout=PATIENCE_S).status_code == 200
        with pytest.raises(StoreError, match="Read-only file system; the bundle that was current still is"):
            publish_other(root)
        for command in (["pin", VERSION], ["unpin"], ["rollback"], ["keep", "1"]):
            assert models_command(["--store", str(root), *command]) == 1
            assert "Read-only file system" in capsys.readouterr().err
        assert precompute(["--store", str(root), "--workers", "1"]) == 1
        assert "Read-only file system" in capsys.readouterr().err
        # Somebody else writes, where the service cannot.
        disk.be_writable()
        publish_other(root)
        disk.be_read_only()
        wait_until(lambda: _version(url) == SECOND)
        assert models_command(["--store", str(root), "--port", url.rpartition(":")[2], "swap"]) == 0


def test_a_store_whose_disk_is_away_goes_on_being_served_though_a_worker_is_killed(
    disk: SmallDisk, tmp_path: Path
) -> None:
    root, log, port = disk.folder / "store", tmp_path / "log", free_port()
    small_bundle.publish(root)
    process, url = (
        start(root, "--workers", "2", port=port, log=log, OSUSUME_WATCH_S="0.05"),
        f"http://127.0.0.1:{port}",
    )
    try:
        wait_until_ready(url, process)
        wait_until(lambda: log.read_text(encoding="utf-8").count(" ready ") == 2)
        disk.go_away()
        wait_until(lambda: "the store cannot be read" in log.read_text(encoding="utf-8"))
        os.kill(workers(process)[0], signal.SIGKILL)
        # The one in its place cannot read its bundle, and is tried again and again.
        wait_until(lambda: log.read_text(encoding="utf-8").count("the bundle was refused") >= 2)
        assert process.poll() is None
        wait_until(lambda: _answers(url))
        disk.come_back()
        publish_other(root)
        wait_until(lambda: {_version_or_none(url) for _ in range(20)} == {SECOND})
    finally:
        stop(process)


def test_a_bucket_that_goes_away_and_comes_back_is_followed_again(tmp_path: Path) -> None:
    log, cache = tmp_path / "log", {"OSUSUME_STORE_CACHE": str(tmp_path / "cache"), "OSUSUME_WATCH_S": "0.2"}
    with running_server(tmp_path) as endpoint:
        bucket = Bucket(endpoint, "away")
        bucket.ask("PUT")
        with pytest.MonkeyPatch.context() as patch:
            for name, value in bucket.environment.items():
                patch.setenv(name, value)
            small_bundle.publish(f"{bucket.url}/store")
            with running(f"{bucket.url}/store", log=log, **cache) as url:
                server = children_of_port(endpoint)
                os.kill(server, signal.SIGSTOP)
                time.sleep(1)
                # While the bucket's server hangs, and after.
                assert _version(url) == VERSION
                os.kill(server, signal.SIGCONT)
                small_bundle.publish(f"{bucket.url}/store", THIRD)
                wait_until(lambda: _version(url) == THIRD)


def children_of_port(endpoint: str) -> int:
    port = endpoint.rpartition(":")[2].encode()
    return next(child for child in children(os.getpid()) if port in Path(f"/proc/{child}/cmdline").read_bytes())


def _answers(url: str) -> bool:
    return _version_or_none(url) is not None


def _version_or_none(url: str) -> object:
    try:
        return _version(url)
    except httpx.TransportError:
        # On a connection of the worker that was killed.
        return None
