"""When the disk fails while precomputed answers are written: the old ones are there or the new ones, all of them."""

import os
from pathlib import Path

import pytest

from service.api.params import RecommendationsQuery
from service.precompute.files import (
    ABOUT_FILE,
    ANSWERS_FILE,
    OFFSETS_FILE,
    About,
    PrecomputedError,
    write_precomputed,
)
from service.precompute.written_page import WrittenPage
from tests.failing_disk import CALLS, Disk

VERSION = "20260101T000000Z-small-00000000"
PAGES = [(row, WrittenPage(b'{"a":1}', [3, 4], [b"{}", b'{"b":2}'], 0, 20, 345)) for row in range(3)]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def _write(store: Path, limit: int) -> Path:
    """Write answers that are known by the limit that was asked for."""
    about = About(model_version=VERSION, query=RecommendationsQuery(limit=limit))
    return write_precomputed(store, about, 3, PAGES)


def _limit(store: Path) -> int:
    """Find the limit of the answers that lie in a store, all of them being whole."""
    folder = store / f"{VERSION}-precomputed"
    assert {path.name for path in folder.iterdir()} == {ABOUT_FILE, ANSWERS_FILE, OFFSETS_FILE}
    return About.model_validate_json((folder / ABOUT_FILE).read_bytes()).query.limit


def _names(store: Path) -> set[str]:
    return {path.name for path in store.iterdir()} - {".precompute.lock"}


@pytest.mark.parametrize(
    "error", [OSError(5, "Input/output error"), KeyboardInterrupt()], ids=["failed", "interrupted"]
)
@pytest.mark.parametrize("name", sorted({*CALLS} - {"replace"}))
def test_whichever_call_fails_the_old_answers_are_there_or_the_new_ones(
    tmp_path: Path, disk: Disk, name: str, error: BaseException
) -> None:
    _write(tmp_path, 1)
    disk.work()
    _write(tmp_path, 1)
    n_calls, limit, moved = disk.count(name), 1, []
    assert n_calls
    for nth in range(1, n_calls + 1):
        disk.work()
        disk.fail(name, nth, error)
        try:
            _write(tmp_path, nth + 1)
            said = ""
        except (OSError, PrecomputedError, KeyboardInterrupt) as raised:
            said = str(raised) or "interrupted"
        assert disk.has_failed
        if _limit(tmp_path) == nth + 1:
            limit = nth + 1
            moved.append(nth)
        assert _limit(tmp_path) == limit
        assert limit == nth + 1 or said
        assert name in {"open", "unlink", "rmdir"} or _names(tmp_path) == {f"{VERSION}-precomputed"}
    # Syncing the name comes last, when it is too late to turn back.
    assert moved == {"fsync": [n_calls], "open": moved, "unlink": moved, "rmdir": moved}.get(name, [])
    _write(tmp_path, 100)
    assert _names(tmp_path) == {f"{VERSION}-precomputed"}
    assert _limit(tmp_path) == 100


def test_all_is_on_the_disk_before_it_takes_its_place(tmp_path: Path, disk: Disk) -> None:
    _write(tmp_path, 1)
    disk.work()
    folder = _write(tmp_path, 2)
    log = [call for call in disk.log if call[0] in {"fsync", "rename"}]
    unfinished = log[-2][1]
    assert set(log[:3]) == {
        ("fsync", f"{unfinished}/{name}", str((folder / name).stat().st_size))
        for name in (ABOUT_FILE, ANSWERS_FILE, OFFSETS_FILE)
    }
    assert [call[:2] for call in log[3:]] == [
        ("fsync", unfinished),
        ("rename", str(folder)),
        ("rename", unfinished),
        ("fsync", str(tmp_path)),
    ]
    assert log[5] == ("rename", unfinished, str(folder))


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_service_of_another_user_may_read_the_answers_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        folder = _write(tmp_path, 1)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}
    assert modes == {folder.name: 0o755, ABOUT_FILE: 0o644, ANSWERS_FILE: 0o644, OFFSETS_FILE: 0o644}
