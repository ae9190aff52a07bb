"""The store: a publish is whole or did not happen, and one bundle is always current."""

import multiprocessing
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import models.store
from models.bundle.layout import MANIFEST_FILE
from models.bundle.reader import read_bundle
from models.errors import BundleContentError, BundleMissingError, StoreError
from models.store import CURRENT_FILE, INCOMING_PREFIX, Store
from tests.models.conftest import NEW, OLD
from tests.models.small_bundle import make_arrays, make_manifest, unit_rows


def _assert_old_one_serves(store: Store) -> None:
    assert store.current_folder().name == OLD
    np.testing.assert_array_equal(read_bundle(store.current_folder()).anime_ids, make_arrays()["anime_ids"])
    assert not list(store.root.glob(f"{INCOMING_PREFIX}*"))


def test_a_publish_becomes_current_and_the_earlier_bundle_stays(store: Store) -> None:
    folder = store.publish(make_manifest(NEW), make_arrays(seed=1))
    assert folder == store.current_folder() == store.root / NEW
    assert store.versions() == [OLD, NEW]
    assert read_bundle(store.root / OLD).manifest.model_version == OLD
    assert read_bundle(folder).manifest.model_version == NEW


def test_current_moves_only_after_the_bundle_has_its_name_and_was_read_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    (store.root / f"{INCOMING_PREFIX}abc123").mkdir()  # goes first, since it may be what fills the disk
    seen = []

    def read_and_look(folder: Path) -> object:
        seen.append(
            (folder.name.startswith(INCOMING_PREFIX), store.current_folder().name, (store.root / NEW).exists())
        )
        assert list(store.root.glob(f"{INCOMING_PREFIX}*")) == [folder]
        assert (folder / MANIFEST_FILE).is_file()
        assert store.versions() == [OLD]
        return read_bundle(folder)

    monkeypatch.setattr(models.store, "read_bundle", read_and_look)
    store.publish(make_manifest(NEW), make_arrays())
    assert seen == [(True, OLD, False)]


def test_a_version_is_never_overwritten(store: Store) -> None:
    before = (store.root / OLD / MANIFEST_FILE).read_bytes()
    with pytest.raises(StoreError, match="published already"):
        store.publish(make_manifest(OLD), make_arrays(seed=1))
    assert (store.root / OLD / MANIFEST_FILE).read_bytes() == before
    _assert_old_one_serves(store)


def test_what_killed_writers_left_is_swept(store: Store) -> None:
    leftover = store.root / f"{INCOMING_PREFIX}abc123"
    leftover.mkdir()
    (leftover / "anime_ids.npy").write_bytes(b"half")
    (store.root / f"{INCOMING_PREFIX}pointer").write_text("x", encoding="utf-8")
    store.publish(make_manifest(NEW), make_arrays())
    assert not list(store.root.glob(f"{INCOMING_PREFIX}*"))
    assert store.versions() == [OLD, NEW]


def test_arrays_that_break_the_format_leave_the_store_as_it_was(store: Store) -> None:
    arrays = make_arrays()
    arrays["user_embeddings"][2] = np.nan
    with pytest.raises(BundleContentError, match=r"user_embeddings\.npy: row 2 holds NaN"):
        store.publish(make_manifest(NEW), arrays)
    _assert_old_one_serves(store)
    assert store.versions() == [OLD]


def test_a_store_without_a_bundle_says_how_to_make_one(tmp_path: Path) -> None:
    store = Store(tmp_path / "none")
    assert store.versions() == []
    with pytest.raises(BundleMissingError, match="python -m training run"):
        store.current_folder()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"20990101T000000Z-gone\n",
        b"..",
        b".",
        b"../store/20260101T000000Z-old",
        b"/etc",
        b"20260101T000000Z-old/..",
        b".incoming-x",
        b"\xff\xfe\x00",
        b"a\x00b",
        b"x" * 5000,
        b"20260101T000000Z-old\nsecond",
    ],
)
def test_current_may_name_a_bundle_of_the_store_and_nothing_else(store: Store, content: bytes) -> None:
    (store.root / f"{INCOMING_PREFIX}x").mkdir()
    (store.root / CURRENT_FILE).write_bytes(content)
    with pytest.raises(BundleMissingError, match=r"current: names .* no such bundle is in the store") as error:
        store.current_folder()
    assert len(str(error.value)) < 600


def test_current_with_windows_line_end_or_none_is_understood(store: Store) -> None:
    for content in (OLD, OLD + "\r\n"):
        (store.root / CURRENT_FILE).write_text(content, encoding="utf-8", newline="")
        assert store.current_folder().name == OLD


def test_a_folder_in_the_place_of_current_is_named(store: Store) -> None:
    (store.root / CURRENT_FILE).unlink()
    (store.root / CURRENT_FILE).mkdir()
    with pytest.raises(BundleMissingError, match="current: cannot be read"):
        store.current_folder()


def test_a_file_in_the_place_of_the_store_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("", encoding="utf-8")
    store = Store(tmp_path / "store")
    with pytest.raises(StoreError, match=r"store cannot be written: File exists"):
        store.publish(make_manifest(NEW), make_arrays())
    with pytest.raises(StoreError, match=r"store cannot be written: File exists"):
        store.require_writable()


def test_asking_whether_a_store_can_be_written_changes_nothing_but_sweeps(store: Store) -> None:
    (store.root / f"{INCOMING_PREFIX}abc123").mkdir()
    store.require_writable()
    _assert_old_one_serves(store)
    assert store.versions() == [OLD]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte, where this process may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, check=False, capture_output=True, timeout=60).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("this process may not mount a file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], timeout=60, check=True)


def test_a_disk_that_is_really_full_leaves_the_old_bundle_serving(small_disk: Path) -> None:
    store = Store(small_disk / "store")
    store.publish(make_manifest(OLD), make_arrays())
    large = make_arrays(embedding_size=30_000)
    with pytest.raises(StoreError, match="No space left on device"):
        store.publish(make_manifest(NEW, embedding_size=30_000), large)
    _assert_old_one_serves(store)
    store.publish(make_manifest(NEW), make_arrays())
    assert store.current_folder().name == NEW


def test_a_disk_mounted_read_only_is_a_store_error_and_still_serves(small_disk: Path) -> None:
    store = Store(small_disk / "store")
    store.publish(make_manifest(OLD), make_arrays())
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], timeout=60, check=True)
    with pytest.raises(StoreError, match="Read-only file system; the bundle that was current still is"):
        store.publish(make_manifest(NEW), make_arrays())
    with pytest.raises(StoreError, match="Read-only file system"):
        store.require_writable()
    _assert_old_one_serves(store)


def _publish(root: Path, number: int) -> None:
    Store(root).publish(make_manifest(f"v{number}"), make_arrays(seed=number))


def test_publishers_at_the_same_time_wait_for_each_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_publish, args=(tmp_path, number)) for number in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    store = Store(tmp_path)
    assert store.versions() == ["v0", "v1", "v2"]
    for version in store.versions():
        read_bundle(tmp_path / version)


def test_a_reader_keeps_what_it_mapped_while_another_bundle_becomes_current(store: Store) -> None:
    bundle = read_bundle(store.current_folder())
    before = bundle.anime_embeddings.copy()
    arrays = make_arrays()
    arrays["anime_embeddings"] = unit_rows(12, 4, np.random.default_rng(9))
    store.publish(make_manifest(NEW), arrays)
    np.testing.assert_array_equal(bundle.anime_embeddings, before)
