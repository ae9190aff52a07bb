"""When the disk fails while precomputed answers are written: the old ones are there or the new ones, all of them."""

import contextlib
import json
import os
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from service.api.params import RecommendationsQuery
from service.api.rendering import WrittenPage
from service.precompute.answers import About
from service.precompute.files import PrecomputedError, write_precomputed
from tests.failing_disk import Disk
from tests.service.running import ROOT

VERSION = "20260101T000000Z-small-00000000"
FILE = f"{VERSION}-precomputed.sqlite"
PAGES = [(row, WrittenPage(b'{"a":1}', [3, 4], [b"{}", b'{"b":2}'], 0, 20, 345)) for row in range(3)]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def _write(store: Path, limit: int) -> Path:
    """Write answers that are known by the limit that was asked for."""
    return write_all(store, limit, PAGES)


def write_all(store: Path, limit: int, answers: list[tuple[int, WrittenPage]]) -> Path:
    about = About(model_version=VERSION, query=RecommendationsQuery(limit=limit))
    digests = {row: b"%d" % limit for row, _ in answers}
    return write_precomputed(store, about, digests, lambda rows: iter(answers[-len(rows) :]))


def _limit(store: Path) -> int:
    """Find the limit of the answers that lie in a store, all of them being whole."""
    with contextlib.closing(sqlite3.connect(store / FILE)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM answers").fetchone() == (3,)
        (content,) = connection.execute("SELECT content FROM about").fetchone()
    limit: int = json.loads(content)["query"]["limit"]
    return limit


def _names(store: Path) -> set[str]:
    return {path.name for path in store.iterdir()} - {".precompute.lock"}


@pytest.mark.parametrize(
    "error", [OSError(5, "Input/output error"), KeyboardInterrupt()], ids=["failed", "interrupted"]
)
@pytest.mark.parametrize("name", ["chmod", "create", "flock", "fsync", "open", "replace", "unlink"])
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
        # Who is interrupted may go on.
        assert _names(tmp_path) - ({".precomputing"} if said == "interrupted" else set()) == {FILE}
    # Syncing the name comes last, when it is too late to turn back.
    assert moved == ([n_calls] if name in {"fsync", "open"} else [])
    _write(tmp_path, 100)
    assert _names(tmp_path) == {FILE}
    assert _limit(tmp_path) == 100


def test_all_is_on_the_disk_before_it_takes_its_place(tmp_path: Path, disk: Disk) -> None:
    _write(tmp_path, 1)
    disk.work()
    path = _write(tmp_path, 2)
    log = [call for call in disk.log if call[0] in {"fsync", "rename", "replace"}]
    unfinished = log[0][1]
    assert log == [
        ("fsync", unfinished, str(path.stat().st_size)),
        ("replace", unfinished, str(path)),
        ("fsync", str(tmp_path)),
    ]


def test_a_full_disk_is_said_and_the_old_answers_stay(tmp_path: Path) -> None:
    _write(tmp_path, 1)

    def limit_files_to_100_kb() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    program = f"""if True:
        from pathlib import Path
        from service.precompute.files import PrecomputedError
        from tests.service.precompute.test_precomputed_durability import PAGES, write_all
        page = PAGES[0][1]._replace(fields=bytes(range(1, 256)) * 100)
        try:
            write_all(Path({str(tmp_path)!r}), 2, [(row, page) for row in range(2_000)])
        except PrecomputedError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        preexec_fn=limit_files_to_100_kb,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert f"{FILE} cannot be written: " in done.stdout
    assert _names(tmp_path) == {FILE}
    assert _limit(tmp_path) == 1


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_service_of_another_user_may_read_the_answers_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        path = _write(tmp_path, 1)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o644
