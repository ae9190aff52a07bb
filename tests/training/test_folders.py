"""A folder is either whole or not there."""

import subprocess
import sys
from pathlib import Path

import pytest

from training.folders import replaced_folder


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


def test_an_interrupt_between_the_two_renames_brings_the_earlier_one_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "target"
    _write(target, "one")
    rename = Path.rename

    def interrupted(self: Path, other: Path) -> Path:
        if self.name == "new":
            raise KeyboardInterrupt
        return rename(self, other)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _write(target, "two")
    assert (target / "file").read_text(encoding="utf-8") == "one"
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_what_a_killed_writer_left_is_swept_and_a_living_one_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "target"
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom training.folders import replaced_folder\n"
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
