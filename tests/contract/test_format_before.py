"""Bundles of the format before: this release does not read them, and every place says so and what to do."""

import json
import shutil
from pathlib import Path

import httpx2 as httpx
import pytest

from models.bundle.layout import FORMAT_VERSION, MANIFEST_FILE, MANIFEST_SUM_FILE
from models.bundle.reader import manifest_sum_line, read_bundle
from models.errors import BundleFormatError
from service.__main__ import main as serve
from service.models.__main__ import main as look_after
from tests.service.running import free_port, running, wait_until
from tests.service.small_bundle import VERSION, publish

OLD = "20260102T000000Z-old-00000000"
# What format 8 added to format 7.
ADDED = ("synonym_ids.npy", "synonyms.npy", "id_map.npy")
FAULT = (
    f"has format version 7, this software reads {FORMAT_VERSION}; train the bundle anew (`python -m training run`)"
)


def _publish_old(store: Path) -> Path:
    """Publish a bundle as the release of format 7 wrote it."""
    aside = store.with_name("aside")
    publish(aside, OLD)
    folder = aside / OLD
    manifest = json.loads((folder / MANIFEST_FILE).read_bytes())
    manifest["format_version"] = 7
    manifest["files"] = [entry for entry in manifest["files"] if entry["name"] not in ADDED]
    for name in ADDED:
        (folder / name).unlink()
    content = json.dumps(manifest).encode()
    (folder / MANIFEST_FILE).write_bytes(content)
    (folder / MANIFEST_SUM_FILE).write_bytes(manifest_sum_line(content))
    store.mkdir(exist_ok=True)
    shutil.move(folder, store)
    (store / "current").write_text(OLD, encoding="utf-8")
    return store / OLD


def test_the_reader_refuses_it_in_one_line(tmp_path: Path) -> None:
    folder = _publish_old(tmp_path / "store")
    with pytest.raises(BundleFormatError) as refused:
        read_bundle(folder)
    assert str(refused.value).startswith(f"{folder / MANIFEST_FILE}: {FAULT}")
    assert "\n" not in str(refused.value)


def test_a_service_does_not_start_with_it_and_says_which_command_mends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _publish_old(tmp_path / "store")
    assert serve(["--store", str(tmp_path / "store"), "--port", str(free_port())]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert FAULT in line


def test_a_running_service_goes_on_with_its_own_and_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own_store = tmp_path / "store"
    publish(own_store)
    with running(own_store, OSUSUME_WATCH_S="0.05") as url:
        _publish_old(own_store)
        wait_until(lambda: httpx.get(f"{url}/model").json()["refused"] is not None)
        model = httpx.get(f"{url}/model").json()
        assert (model["model_version"], model["refused"]["model_version"]) == (VERSION, OLD)
        assert FAULT in model["refused"]["fault"]
        assert httpx.get(f"{url}/anime/1/similar").status_code == 200
    assert look_after(["--store", str(own_store), "list"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == VERSION
    assert second.startswith(f"{OLD} current, cannot be served: ")
    assert FAULT in second
    # Until the training has run, the one before answers after a restart too.
    assert look_after(["--store", str(own_store), "rollback"]) == 0
    with running(own_store) as url:
        assert httpx.get(f"{url}/model").json()["model_version"] == VERSION
