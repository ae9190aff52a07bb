"""A folder is either whole or not there."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.failing_disk import CALLS, Disk
from training.support.folders import replaced_folder


def _write(target: Path, text: str) -> None:
    with replaced_folder(target) as folder:
        (folder / "file").write_text(text, encoding="utf-8")


def test_a_folder_takes_the_place_of_the_earlier_one(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "target"
    _write(target, "one")
    (target / "more").write_text("", encoding="utf-8")
    _write(target, "two")
    assert [path.name for path in target.iterdir()] == ["file"]
    assert (target / "file").read_text(encoding="utf-8") == "two"
    assert [path.name for path in target.parent.iterdir()] == ["target"]
    assert target.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_fails_half_way_leaves_the_earlier_one(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "target"
    _write(target, "one")

    def write_half() -> None:
        with replaced_folder(target) as folder:
            (folder / "file").write_text("tw", encoding="utf-8")
            raise error

    with pytest.raises(error):
        write_half()
    assert (target / "file").read_text(encoding="utf-8") == "one"
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def _try_to_write(target: Path, text: str) -> bool:
    try:
        _write(target, text)
    except (OSError, KeyboardInterrupt):
        return False
    return True


@pytest.mark.parametrize(
    "error", [OSError(5, "Input/output error"), KeyboardInterrupt()], ids=["failed", "interrupted"]
)
@pytest.mark.parametrize("name", sorted({*CALLS} - {"replace", "chmod", "fchmod"}))
def test_whichever_call_fails_the_folder_is_the_old_one_or_the_new_one(
    tmp_path: Path, disk: Disk, name: str, error: BaseException
) -> None:
    target = tmp_path / "target"
    _write(target, "0")
    disk.work()
    _write(target, "0")
    n_calls, now, moved = disk.count(name), "0", []
    assert n_calls
    for nth in range(1, n_calls + 1):
        disk.work()
        disk.fail(name, nth, error)
        succeeded = _try_to_write(target, str(nth))
        assert disk.has_failed
        if (target / "file").read_text(encoding="utf-8") == str(nth):
            now = str(nth)
            moved.append(nth)
        assert (target / "file").read_text(encoding="utf-8") == now
        assert now == str(nth) or not succeeded
        # What could not be removed goes with whoever writes next.
        assert name in {"open", "unlink", "rmdir"} or [path.name for path in tmp_path.iterdir()] == ["target"]
    # Syncing the name comes last, when it is too late to turn back.
    assert moved == {"fsync": [n_calls], "rename": [], "write": [], "create": []}.get(name, moved)
    assert _try_to_write(target, "last")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_all_is_on_the_disk_before_it_takes_its_place(tmp_path: Path, disk: Disk) -> None:
    target = tmp_path / "target"
    _write(target, "one")
    disk.work()
    with replaced_folder(target) as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "file").write_text("two", encoding="utf-8")
        (folder / "report.json").write_text("{}", encoding="utf-8")
    log = [call for call in disk.log if call[0] in {"fsync", "rename"}]
    assert set(log[:4]) == {
        ("fsync", f"{folder}/inner/file", "3"),
        ("fsync", f"{folder}/report.json", "2"),
        ("fsync", f"{folder}/inner"),
        ("fsync", str(folder)),
    }
    earlier = f"{folder.parent}/earlier"
    assert log[4:] == [
        ("rename", str(target), earlier),
        ("rename", str(folder), str(target)),
        ("fsync", str(tmp_path)),
    ]


def test_what_a_killed_writer_left_is_swept_and_a_living_one_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "target"
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom training.support.folders import replaced_folder\n"
        "with replaced_folder(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'file').write_text('half')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(target)], timeout=60, check=False).returncode == -9
    assert len(list(tmp_path.iterdir())) == 1
    with replaced_folder(target) as mine:
        (mine / "file").write_text("mine", encoding="utf-8")
        _write(target, "other")
        assert mine.is_dir()
    assert (target / "file").read_text(encoding="utf-8") == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
