"""Buckets that cannot be used, or not for everything: one line that says so, without a secret."""

from collections.abc import Callable
from pathlib import Path

import pytest

from models.errors import ObjectStoreError
from models.object_store import ObjectStore
from tests.models.conftest import NEW
from tests.models.small_bundle import make_arrays, make_manifest
from tests.models.test_object_store import assert_only_the_old_one_is_there
from tests.object_store.server import SECRET, Bucket
from tests.service.running import free_port


@pytest.mark.parametrize(
    ("url", "environment", "fault"),
    [
        ("s3://nobody-has-this/x", {}, "s3://nobody-has-this/x: there is no such bucket"),
        (
            "BUCKET",
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:PORT"},
            ":PORT cannot be reached: connection refused",
        ),
        (
            "BUCKET",
            {"AWS_ENDPOINT_URL": f"http://x:{SECRET}@nowhere.invalid"},
            "cannot be reached: no such host",
        ),
    ],
)
def test_a_bucket_that_cannot_be_used_is_told_in_a_line(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, environment: dict[str, str], fault: str
) -> None:
    port = str(free_port())
    for name, value in environment.items():
        monkeypatch.setenv(name, value.replace("PORT", port))
    store = ObjectStore(url.replace("BUCKET", bucket.url))
    attempts: list[Callable[[], object]] = [
        store.require_writable,
        lambda: store.fetch(tmp_path),
        lambda: store.publish(make_manifest(NEW), make_arrays()),
        store.objects.list,
    ]
    for attempt in attempts:
        with pytest.raises(ObjectStoreError) as raised:
            attempt()
        assert fault.replace("PORT", port) in str(raised.value)
        assert "\n" not in str(raised.value)
        assert SECRET not in str(raised.value)
        assert raised.value.is_unreachable == bool(environment)


def test_without_the_right_to_write_a_publish_fails_before_the_training(remote: ObjectStore, bucket: Bucket) -> None:
    bucket.deny("s3:PutObject")
    with pytest.raises(ObjectStoreError, match="access denied"):
        remote.require_writable()
    with pytest.raises(ObjectStoreError, match="access denied"):
        remote.publish(make_manifest(NEW), make_arrays())
    bucket.ask("DELETE", "?policy")
    assert_only_the_old_one_is_there(remote)
    remote.require_writable()
    assert_only_the_old_one_is_there(remote)


def test_without_the_right_to_read_nothing_is_fetched(remote: ObjectStore, bucket: Bucket, tmp_path: Path) -> None:
    bucket.deny("s3:GetObject")
    with pytest.raises(ObjectStoreError, match="access denied") as raised:
        remote.fetch(tmp_path)
    assert SECRET not in str(raised.value)
    assert not raised.value.is_unreachable


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3:///x",
        "s3://B UCKET/x",
        "ftp://bucket/x",
        "s3://bucket/x?region=y",
        "s3://me:geheim-4711@bucket/x",
    ],
)
def test_what_is_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(ObjectStoreError, match="expected s3://bucket/prefix or gs://bucket/prefix") as raised:
        ObjectStore(url)
    assert SECRET not in str(raised.value)
