"""A store in a bucket: a publish is whole or did not happen, and nothing is read that is not checked."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.bundle.layout import MANIFEST_FILE, MANIFEST_SUM_FILE
from models.bundle.reader import read_bundle
from models.errors import BundleContentError, BundleCorruptError, BundleError, ObjectStoreError, StoreError
from models.object_store import ObjectStore
from models.objects import Objects
from models.store import Store
from tests.models.conftest import NEW, OLD
from tests.models.small_bundle import ALL_FILES, make_arrays, make_manifest
from tests.object_store.server import Bucket

THIRD = "20260103T000000Z-third"


def _names(store: ObjectStore, version: str) -> set[str]:
    return {name.removeprefix(f"{version}/") for name in store.objects.list(version)}


def assert_only_the_old_one_is_there(store: ObjectStore) -> None:
    assert store.current_version() == OLD
    assert set(store.objects.list()) == {"current", *(f"{OLD}/{name}" for name in ALL_FILES)}


def _copy(arrays: dict[str, Any], tmp_path: Path) -> Path:
    """Publish the same bundle to a folder."""
    return Store(tmp_path / "twin").publish(make_manifest(NEW), arrays)


def test_a_publish_becomes_current_and_a_copy_has_the_same_bytes(remote: ObjectStore, tmp_path: Path) -> None:
    arrays = make_arrays(seed=1)
    assert remote.publish(make_manifest(NEW), arrays) == f"{remote.url}/{NEW}"
    assert remote.current_version() == NEW
    assert _names(remote, OLD) == _names(remote, NEW) == set(ALL_FILES)
    folder = remote.fetch(tmp_path / "copies")
    assert folder == Store(tmp_path / "copies").current_folder() == tmp_path / "copies" / NEW
    assert read_bundle(folder).manifest.model_version == NEW
    twin = _copy(arrays, tmp_path)
    for name in ALL_FILES:
        assert (folder / name).read_bytes() == (twin / name).read_bytes(), name


def test_the_manifest_goes_last_and_only_then_current_moves(
    remote: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    write = Objects.write

    def note(self: Objects, name: str, content: Any, mode: Any = "overwrite") -> bool:
        written.append((name, mode))
        return write(self, name, content, mode)

    before = remote.objects.read("current")
    assert before
    monkeypatch.setattr(Objects, "write", note)
    remote.publish(make_manifest(NEW), make_arrays())
    assert written[0] == (f"{NEW}/{MANIFEST_SUM_FILE}", "create")
    assert written[-2:] == [(f"{NEW}/{MANIFEST_FILE}", "create"), ("current", before[1])]
    assert len(written) == len(ALL_FILES) + 1


def test_a_version_is_never_overwritten_not_even_one_that_is_still_uploaded(remote: ObjectStore) -> None:
    for version in (OLD, NEW):
        remote.objects.write(f"{NEW}/{MANIFEST_SUM_FILE}", b"of another publisher")
        with pytest.raises(StoreError, match=f"{version} is published already: versions are never overwritten"):
            remote.publish(make_manifest(version), make_arrays(seed=1))
    assert _names(remote, NEW) == {MANIFEST_SUM_FILE}
    assert remote.current_version() == OLD


def test_arrays_that_break_the_format_upload_nothing(remote: ObjectStore) -> None:
    arrays = make_arrays()
    arrays["list_embeddings"][2] = float("nan")
    with pytest.raises(BundleContentError, match="list_embeddings"):
        remote.publish(make_manifest(NEW), arrays)
    assert_only_the_old_one_is_there(remote)


@pytest.mark.parametrize("failing", ["anime_ids.npy", MANIFEST_FILE, "current"])
@pytest.mark.parametrize("error", [ObjectStoreError("the network is gone"), KeyboardInterrupt()])
def test_a_publish_that_fails_on_the_way_leaves_nothing(
    remote: ObjectStore, monkeypatch: pytest.MonkeyPatch, failing: str, error: BaseException
) -> None:
    write = Objects.write

    def fail(self: Objects, name: str, content: Any, mode: Any = "overwrite") -> bool:
        if name.endswith(failing):
            raise error
        return write(self, name, content, mode)

    with monkeypatch.context() as patch:
        patch.setattr(Objects, "write", fail)
        with pytest.raises(type(error)):
            remote.publish(make_manifest(NEW), make_arrays())
    assert_only_the_old_one_is_there(remote)


def test_an_object_that_did_not_arrive_whole_is_noticed(remote: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Objects.write

    def cut(self: Objects, name: str, content: Any, mode: Any = "overwrite") -> bool:
        return write(self, name, b"half" if name.endswith("cards.npy") else content, mode)

    monkeypatch.setattr(Objects, "write", cut)
    with pytest.raises(StoreError, match=r"cards\.npy: did not arrive whole"):
        remote.publish(make_manifest(NEW), make_arrays())
    assert_only_the_old_one_is_there(remote)


@pytest.mark.parametrize("is_first", [True, False])
def test_of_two_publishers_at_once_the_second_is_told(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, is_first: bool
) -> None:
    remote = ObjectStore(bucket.url)
    if not is_first:
        remote.publish(make_manifest(OLD), make_arrays())
    upload_whole = ObjectStore._require_whole

    def another_is_faster(self: ObjectStore, folder: Path, version: str) -> None:
        upload_whole(self, folder, version)
        if version == THIRD:
            remote.publish(make_manifest(NEW), make_arrays(seed=1))

    monkeypatch.setattr(ObjectStore, "_require_whole", another_is_faster)
    with pytest.raises(StoreError, match=f"{NEW} became current while {THIRD} was uploaded"):
        remote.publish(make_manifest(THIRD), make_arrays(seed=2))
    assert remote.current_version() == NEW
    assert not _names(remote, THIRD)
    assert _names(remote, NEW) == set(ALL_FILES)


def test_an_answer_that_was_lost_is_no_failure(remote: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library asks again then, and is told that the version it named is no longer there."""
    write = Objects.write

    def twice(self: Objects, name: str, content: Any, mode: Any = "overwrite") -> bool:
        moved = write(self, name, content, mode)
        return write(self, name, content, mode) if name == "current" else moved

    monkeypatch.setattr(Objects, "write", twice)
    assert remote.publish(make_manifest(NEW), make_arrays()) == f"{remote.url}/{NEW}"
    assert remote.current_version() == NEW
    assert _names(remote, NEW) == set(ALL_FILES)


def test_what_is_asked_of_a_bucket_without_a_bundle(bucket: Bucket, tmp_path: Path) -> None:
    store = ObjectStore(bucket.url)
    with pytest.raises(StoreError, match="no bundle is published here yet"):
        store.fetch(tmp_path)
    bucket.ask("PUT", "/current", b"../../etc\n")
    with pytest.raises(StoreError, match=r"current: names '\.\./\.\./etc', which is no version"):
        store.fetch(tmp_path)
    bucket.ask("PUT", "/current", f"{OLD}\n".encode())
    with pytest.raises(StoreError, match=rf"{OLD}/manifest\.json: is not there"):
        store.fetch(tmp_path)


def _flip_last_byte(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize("name", ["anime_embeddings.npy", MANIFEST_FILE, MANIFEST_SUM_FILE])
@pytest.mark.parametrize("damage", [_flip_last_byte, lambda content: content[:-8]])
def test_a_damaged_bundle_is_not_taken(
    remote: ObjectStore, bucket: Bucket, tmp_path: Path, name: str, damage: Callable[[bytes], bytes]
) -> None:
    remote.fetch(tmp_path)
    remote.publish(make_manifest(NEW), make_arrays(seed=1))
    path = f"/deep/store/{NEW}/{name}"
    bucket.ask("PUT", path, damage(bucket.ask("GET", path)))
    with pytest.raises(BundleError):
        remote.fetch(tmp_path)
    assert Store(tmp_path).versions() == [OLD]
    assert Store(tmp_path).current_folder().name == OLD


def test_a_missing_object_is_named(remote: ObjectStore, bucket: Bucket, tmp_path: Path) -> None:
    bucket.ask("DELETE", f"/deep/store/{OLD}/years.npy")
    with pytest.raises(ObjectStoreError, match=rf"{OLD}/years\.npy: is not there"):
        remote.fetch(tmp_path)
    assert Store(tmp_path).versions() == []


def test_a_sound_copy_is_not_downloaded_again_and_a_damaged_one_is(
    remote: ObjectStore, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloaded = []
    download = Objects.download

    def note(self: Objects, name: str, path: Path) -> None:
        downloaded.append(name)
        download(self, name, path)

    monkeypatch.setattr(Objects, "download", note)
    folder = remote.fetch(tmp_path)
    assert len(downloaded) == len(ALL_FILES)
    assert remote.fetch(tmp_path) == folder
    assert len(downloaded) == len(ALL_FILES)
    content = (folder / "cards.npy").read_bytes()
    (folder / "cards.npy").write_bytes(_flip_last_byte(content))
    with pytest.raises(BundleCorruptError):
        read_bundle(folder)
    assert remote.fetch(tmp_path) == folder
    assert (folder / "cards.npy").read_bytes() == content


def test_of_earlier_copies_the_last_one_stays(remote: ObjectStore, tmp_path: Path) -> None:
    for version in (OLD, NEW, THIRD):
        if version != OLD:
            remote.publish(make_manifest(version), make_arrays())
        remote.fetch(tmp_path)
        (tmp_path / f"{version}-precomputed.sqlite").touch()
    assert Store(tmp_path).versions() == [NEW, THIRD]
    assert Store(tmp_path).current_version() == THIRD
    assert {path.name for path in tmp_path.glob("*.sqlite")} == {
        f"{version}-precomputed.sqlite" for version in (NEW, THIRD)
    }


def test_what_a_killed_publisher_left_is_listed(remote: ObjectStore) -> None:
    assert remote.unfinished() == []
    remote.objects.write(f"{NEW}/years.npy", b"half")
    assert remote.unfinished() == [NEW]


def test_a_file_is_downloaded_again_only_where_the_object_changed(bucket: Bucket, tmp_path: Path) -> None:
    objects, path = Objects(bucket.url), tmp_path / "deep" / "answers"
    bucket.ask("PUT", "/answers", b"one")
    objects.refresh("answers", path)
    assert path.read_bytes() == b"one"
    path.write_bytes(b"not looked at")
    objects.refresh("answers", path)
    assert path.read_bytes() == b"not looked at"
    bucket.ask("PUT", "/answers", b"two")
    objects.refresh("answers", path)
    assert path.read_bytes() == b"two"
    path.unlink()
    objects.refresh("answers", path)
    assert path.read_bytes() == b"two"


def test_a_large_object_is_uploaded_in_parts(bucket: Bucket, tmp_path: Path) -> None:
    content = hashlib.sha256(b"seed").digest() * (1 << 20)
    (tmp_path / "large").write_bytes(content)
    objects = Objects(bucket.url)
    assert objects.write("large", tmp_path / "large")
    objects.download("large", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == content
    assert "-" in objects.list()["large"]["e_tag"]
