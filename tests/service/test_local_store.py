"""A service whose store is in a bucket: it serves a checked copy, and says in a line why it cannot."""

import subprocess
import sys
from pathlib import Path

import httpx2 as httpx
import pytest

from tests.object_store.server import SECRET, Bucket
from tests.service import small_bundle
from tests.service.running import ROOT, clean_environment, free_port, running, start, wait_until

RECOMMENDED = "/users/7/recommendations?limit=20"


@pytest.fixture
def url(bucket: Bucket) -> str:
    """The URL of a store with the small bundle."""
    url = f"{bucket.url}/store"
    small_bundle.publish(url)
    return url


def _ends(url: str, cache: Path, log: Path, **environment: str) -> str:
    """Start a service that must end with 1; give what it logged."""
    process = start(url, port=free_port(), log=log, OSUSUME_STORE_CACHE=str(cache), **environment)
    try:
        assert process.wait(60) == 1
    finally:
        process.terminate()
    text = log.read_text(encoding="utf-8")
    assert "Traceback" not in text
    assert SECRET not in text
    return text


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_bundle_in_a_bucket_is_served_as_one_in_a_folder_is(
    url: str, store: Path, tmp_path: Path, workers: str
) -> None:
    with running(store) as local:
        expected = httpx.get(local + RECOMMENDED)
    with running(url, OSUSUME_STORE_CACHE=str(tmp_path), OSUSUME_WORKERS=workers) as remote:
        answer = httpx.get(remote + RECOMMENDED)
        assert httpx.get(f"{remote}/model").json()["model_version"] == small_bundle.VERSION
    assert (answer.status_code, answer.content) == (200, expected.content)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_bundle_that_is_published_to_the_bucket_is_swapped_in(url: str, tmp_path: Path, workers: str) -> None:
    version = "20260102T000000Z-small-00000002"
    cache = str(tmp_path)
    with running(url, OSUSUME_STORE_CACHE=cache, OSUSUME_WORKERS=workers, OSUSUME_WATCH_S="0.2") as remote:
        small_bundle.publish(url, version)
        wait_until(lambda: httpx.get(f"{remote}/model").json()["model_version"] == version)


def test_answers_computed_in_advance_go_to_the_bucket_and_are_served(
    url: str, bucket: Bucket, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "service.precompute", "--store", url, "--query", "limit=20"],
        cwd=ROOT,
        env=clean_environment(OSUSUME_STORE_CACHE=str(tmp_path / "one")),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "a running service uses them from now on" in done.stderr
    log = tmp_path / "log"
    with running(url, log=log, OSUSUME_STORE_CACHE=str(tmp_path / "two")) as remote:
        assert httpx.get(remote + RECOMMENDED).status_code == 200
    assert f"precomputed={small_bundle.N_USERS}" in log.read_text(encoding="utf-8")


def test_a_bucket_that_cannot_be_reached_is_no_fault_where_there_is_a_copy(url: str, tmp_path: Path) -> None:
    away = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}
    assert "cannot be reached: connection refused" in _ends(url, tmp_path / "none", tmp_path / "log", **away)
    cache = {"OSUSUME_STORE_CACHE": str(tmp_path / "cache")}
    with running(url, log=tmp_path / "log", **cache):
        pass
    with running(url, log=tmp_path / "log", **cache, **away) as remote:
        assert httpx.get(remote + RECOMMENDED).status_code == 200
    assert "the copy of an earlier start is served" in (tmp_path / "log").read_text(encoding="utf-8")
    # Of another store there is no copy.
    assert "cannot be reached" in _ends(f"{url}-2", tmp_path / "cache", tmp_path / "log", **away)


def test_a_bucket_without_rights_is_a_fault_whatever_is_here(url: str, bucket: Bucket, tmp_path: Path) -> None:
    with running(url, OSUSUME_STORE_CACHE=str(tmp_path)):
        pass
    bucket.deny("s3:GetObject")
    assert "access denied" in _ends(url, tmp_path, tmp_path / "log")


def test_a_damaged_bundle_ends_the_start_with_a_line(url: str, bucket: Bucket, tmp_path: Path) -> None:
    path = f"/store/{small_bundle.VERSION}/user_embeddings.npy"
    bucket.ask("PUT", path, bucket.ask("GET", path)[:-4] + b"\0\0\0\1")
    assert "user_embeddings.npy: has sha256" in _ends(url, tmp_path / "cache", tmp_path / "log")


def test_an_address_of_no_bucket_ends_the_start_with_a_line(tmp_path: Path) -> None:
    assert "expected s3://bucket/prefix" in _ends(f"s3://me:{SECRET}@bucket", tmp_path, tmp_path / "log")
