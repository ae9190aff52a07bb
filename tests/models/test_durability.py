"""A disk that fails at a publish, or Ctrl-C: the old bundle serves or the new one, and the error tells which."""

import os
from pathlib import Path

import pytest

from models.bundle.reader import read_bundle
from models.errors import BundleError, StoreError
from models.store import CURRENT_FILE, INCOMING_PREFIX, Store
from tests.failing_disk import CALLS, Disk
from tests.models.conftest import NEW, OLD
from tests.models.small_bundle import make_arrays, make_manifest


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def test_all_is_on_the_disk_before_it_is_named_and_named_before_it_is_current(store: Store, disk: Disk) -> None:
    folder = store.publish(make_manifest(NEW), make_arrays())
    log = [call for call in disk.log if call[0] in {"fsync", "rename", "replace"}]
    incoming = next(call[1] for call in log if call[0] == "rename")
    pointer = next(call[1] for call in log if call[0] == "replace")
    written = [("fsync", f"{incoming}/{path.name}", str(path.stat().st_size)) for path in folder.iterdir()]
    assert set(log[: len(written)]) == set(written)
    assert log[len(written) :] == [
        ("fsync", incoming),
        ("fsync", pointer, str(len(f"{NEW}\n"))),
        ("rename", incoming, str(folder)),
        ("fsync", str(store.root)),
        ("replace", pointer, str(store.root / CURRENT_FILE)),
        ("fsync", str(store.root)),
    ]


def test_who_reads_current_while_it_moves_reads_one_version_or_the_other(store: Store) -> None:
    with (store.root / CURRENT_FILE).open(encoding="utf-8") as file:
        store.publish(make_manifest(NEW), make_arrays())
        assert file.read() == f"{OLD}\n"


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_what_is_published_may_be_read_by_another_user_whatever_the_umask(store: Store, umask: int) -> None:
    before = os.umask(umask)
    try:
        folder = store.publish(make_manifest(NEW), make_arrays())
    finally:
        os.umask(before)
    modes = {path: path.stat().st_mode & 0o777 for path in (folder, store.root / CURRENT_FILE, *folder.iterdir())}
    assert modes == {path: 0o755 if path == folder else 0o644 for path in modes}
    assert len(modes) > 40


def _incoming(store: Store) -> set[str]:
    return {path.name.removeprefix(INCOMING_PREFIX) for path in store.root.glob(f"{INCOMING_PREFIX}*")}


def _leave_rubbish(store: Store) -> None:
    """Leave what a killed writer would."""
    (store.root / f"{INCOMING_PREFIX}dead").mkdir(exist_ok=True)
    for name in (f"{INCOMING_PREFIX}dead/half", f"{INCOMING_PREFIX}pointer"):
        (store.root / name).write_bytes(b"half")


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _try_to_publish(store: Store, version: str) -> str:
    """Publish; give what went wrong, if anything."""
    try:
        store.publish(make_manifest(version), make_arrays())
    except (StoreError, BundleError) as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", CALLS)
def test_whichever_call_fails_the_store_is_as_it_was_or_the_error_says_how_it_is(
    store: Store, disk: Disk, name: str
) -> None:
    _leave_rubbish(store)
    disk.work()
    store.publish(make_manifest("v000"), make_arrays())
    n_calls = disk.count(name)
    assert n_calls
    versions, content, moved = [OLD, "v000"], _content(store.root / "v000"), []
    for nth in range(1, n_calls + 1):
        version = f"v{nth:03}"
        _leave_rubbish(store)
        disk.work()
        disk.fail(name, nth)
        error = _try_to_publish(store, version)
        assert disk.has_failed
        if store.current_folder().name == version:
            versions, content = [*versions, version], _content(store.root / version)
            moved.append(error.removeprefix(f"{store.root / version} "))
        else:
            assert (
                error == f"{store.root} cannot be written: Input/output error; the bundle that was current still is"
            )
            assert _content(store.root / versions[-1]) == content
            assert store.current_folder().name == versions[-1]
        assert store.versions() == versions
        # What could not be removed goes with whoever publishes next.
        assert name in {"open", "unlink", "rmdir"} or _incoming(store) <= {"dead", "pointer"}
        store.require_writable()
        assert not _incoming(store)
    # Only the last sync comes too late to turn back.
    last = f"is published and current, but a power cut may undo that: {store.root} could not be synced"
    late = [f"{last}: Input/output error"] if name in {"fsync", "open"} else []
    assert [error for error in moved if error] == late
    # Leftovers that cannot be removed stop nobody; everything else that fails does, but for a folder that exists.
    assert len(moved) == {"unlink": n_calls, "rmdir": n_calls, "mkdir": 1, "open": len(moved)}.get(name, len(late))
    assert _try_to_publish(store, "v999") == ""
    read_bundle(store.current_folder())
    assert store.versions() == [*versions, "v999"]


def test_a_version_that_can_neither_become_current_nor_be_removed_is_named(store: Store, disk: Disk) -> None:
    disk.fail("replace", 1)
    disk.fail("rename", 2)
    error = _try_to_publish(store, NEW)
    assert error == (
        f"{store.root / NEW} could not be made current, nor be removed: Input/output error; "
        "the bundle that was current still is"
    )
    assert store.current_folder().name == OLD
    assert read_bundle(store.root / NEW).manifest.model_version == NEW


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("name", "from_last"), [("fsync", 0), ("fsync", 1), ("fsync", 2), ("rename", 0), ("replace", 0)]
)
def test_an_interrupt_at_the_last_steps_publishes_all_or_nothing(
    store: Store, disk: Disk, name: str, from_last: int, *, after: bool
) -> None:
    store.publish(make_manifest("v0"), make_arrays())
    nth = disk.count(name) - from_last
    disk.work()
    disk.fail(name, nth, KeyboardInterrupt(), after=after)
    with pytest.raises(KeyboardInterrupt):
        store.publish(make_manifest("v1"), make_arrays())
    assert disk.has_failed
    moved = (name, from_last) == ("fsync", 0) or (name, after) == ("replace", True)
    assert store.current_folder().name == ("v1" if moved else "v0")
    assert store.versions() == [OLD, "v0", *(["v1"] if moved else [])]
    read_bundle(store.current_folder())
    assert not _incoming(store)
