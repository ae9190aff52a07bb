"""``python -m training verify``."""

from pathlib import Path

import pytest

from models.object_store import ObjectStore
from tests.models.small_bundle import make_arrays, make_manifest
from tests.object_store.server import Bucket
from tests.training.commands import OLD, fails, works


def test_a_bundle_in_a_bucket_is_verified_and_what_a_killed_publisher_left_is_told(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = ObjectStore(bucket.url)
    store.publish(make_manifest(OLD), make_arrays())
    store.objects.write("20260102T000000Z-killed/years.npy", b"half")
    works(monkeypatch, "verify", bucket.url)
    told = capsys.readouterr().out
    assert f"note: {bucket.url}/20260102T000000Z-killed has no manifest" in told
    assert f"{OLD}: sound; " in told
    years = bucket.ask("GET", f"/{OLD}/years.npy")
    bucket.ask("PUT", f"/{OLD}/years.npy", years[:-1] + bytes([years[-1] ^ 1]))
    assert "years.npy: has sha256" in fails(monkeypatch, "verify", bucket.url)
