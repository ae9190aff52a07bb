"""A prepared dump is used again only if preparing would give the same, and only if it is whole."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.training.commands import works
from tests.training.small_dump import SmallDump
from training.dump.files import find_dump
from training.lists.prepared import find_prepared, load_prepared
from training.lists.thresholds import Thresholds
from training.pipeline import run_prepare
from training.settings import RunSettings

USED_AGAIN = "the dump has not changed since it was prepared"


@pytest.fixture
def work(small_dump: SmallDump, tmp_path: Path) -> Path:
    """A work folder with a prepared dump."""
    run_prepare(small_dump.folder, tmp_path / "work", RunSettings())
    return tmp_path / "work"


def is_used_again(work: Path, data: Path, thresholds: Thresholds = Thresholds()) -> bool:  # noqa: B008 - frozen
    return find_prepared(work / "prepared", find_dump(data), thresholds) is not None


@pytest.mark.parametrize("command", ["prepare", "run"])
def test_a_dump_that_has_not_changed_is_prepared_once_and_anew_when_told_to(
    small_dump: SmallDump,
    work: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    for stage in ("run_train", "run_evaluate", "run_publish"):
        monkeypatch.setattr(f"training.pipeline.{stage}", lambda *_: {})
    monkeypatch.setattr("training.cli.print_metrics", lambda *_: None)
    arguments = [command, "--data", str(small_dump.folder), "--work", str(work)]
    arguments += ["--store", str(work / "store")] if command == "run" else []
    before = (work / "prepared").stat().st_ino
    works(monkeypatch, *arguments)
    told = capsys.readouterr()
    assert [line for line in told.err.splitlines() if USED_AGAIN in line] == told.err.splitlines()
    assert "kept 600 rows of 60 users and 40 anime" in told.out
    assert (work / "prepared").stat().st_ino == before
    works(monkeypatch, *arguments, "--prepare-anew")
    assert USED_AGAIN not in capsys.readouterr().err
    assert (work / "prepared").stat().st_ino != before


def _append(folder: Path) -> None:
    with (folder / "animelist.csv").open("a", encoding="utf-8") as file:
        file.write("3,1,9,2,1\n")


def _rewrite_in_place(folder: Path) -> None:
    """Change a rating and nothing else: neither the size, nor the inode, nor, as well as one can, the time."""
    path = folder / "animelist.csv"
    before = path.stat()
    content = path.read_bytes()
    with path.open("r+b") as file:
        file.write(content.replace(b",8,2,12\n", b",9,2,12\n", 1))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_ino, after.st_mtime_ns) == (before.st_size, before.st_ino, before.st_mtime_ns)


def _no_synopses(folder: Path) -> None:
    (folder / "anime_with_synopsis.csv").unlink()


def _name(folder: Path) -> None:
    (folder / "dataset.json").write_text('{"name": "another"}', encoding="utf-8")


@pytest.mark.parametrize("change", [_append, _rewrite_in_place, _no_synopses, _name])
def test_a_dump_that_changed_is_prepared_anew(
    small_dump: SmallDump,
    tmp_path: Path,
    change: Callable[[Path], None],
) -> None:
    run_prepare(small_dump.folder, tmp_path / "work", RunSettings())
    assert is_used_again(tmp_path / "work", small_dump.folder)
    change(small_dump.folder)
    assert not is_used_again(tmp_path / "work", small_dump.folder)


def test_other_thresholds_prepare_anew(small_dump: SmallDump, work: Path) -> None:
    assert is_used_again(work, small_dump.folder)
    assert not is_used_again(work, small_dump.folder, Thresholds(min_user_rows=6))


def _cut(folder: Path) -> None:
    path = folder / "list_ratings.npy"
    path.write_bytes(path.read_bytes()[:-1])


def _flip(folder: Path) -> None:
    path = folder / "list_anime_rows.npy"
    content = path.read_bytes()
    path.write_bytes(content[:-4] + bytes([content[-4] ^ 1]) + content[-3:])


def _older_format(folder: Path) -> None:
    path = folder / "report.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"format_version": ', '"format_version": 1'))


@pytest.mark.parametrize(
    "damage",
    [
        _cut,
        _flip,
        _older_format,
        lambda folder: (folder / "report.json").unlink(),
        lambda folder: (folder / "rejected_rows.csv").unlink(),
        lambda folder: (folder / "card_offsets.npy").unlink(),
    ],
)
def test_a_folder_that_is_damaged_or_older_is_made_anew(
    small_dump: SmallDump, work: Path, damage: Callable[[Path], object]
) -> None:
    damage(work / "prepared")
    assert not is_used_again(work, small_dump.folder)
    run_prepare(small_dump.folder, work, RunSettings())
    assert is_used_again(work, small_dump.folder)
    assert load_prepared(work / "prepared").interactions.n_users == 60


def test_what_a_killed_prepare_left_goes_with_the_next_one_even_if_that_has_nothing_to_do(
    small_dump: SmallDump, work: Path
) -> None:
    (work / ".prepared-half").mkdir()
    (work / ".prepared-half" / "array.npy").write_bytes(b"half")
    before = (work / "prepared").stat().st_ino
    run_prepare(small_dump.folder, work, RunSettings())
    assert [path.name for path in work.iterdir()] == ["prepared"]
    assert (work / "prepared").stat().st_ino == before


def test_a_dump_that_moved_is_known_by_its_content_and_found_where_it_is_now(
    small_dump: SmallDump, work: Path, tmp_path: Path
) -> None:
    moved = small_dump.folder.rename(tmp_path / "elsewhere")
    assert is_used_again(work, moved)
    prepared = load_prepared(work / "prepared")
    assert prepared.report.data_folder == str(moved)
    assert is_used_again(work, moved)
