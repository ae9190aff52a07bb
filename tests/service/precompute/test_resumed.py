"""Precomputing that was stopped goes on where it was, and takes nothing that is not whole or not what is wanted."""

import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from service.api.params import RecommendationsQuery
from service.api.rendering import WrittenPage
from service.precompute import __main__ as precompute
from service.precompute.answers import About
from service.precompute.files import write_precomputed
from tests.service.running import ROOT, clean_environment
from tests.service.small_bundle import N_USERS, VERSION

N = 1_000
ABOUT = About(model_version=VERSION, query=RecommendationsQuery())
DIGESTS = {row: b"%016d" % row for row in range(N)}
UNFINISHED = ".precomputing"


def page_of(row: int) -> WrittenPage:
    # Of a length that hardly compresses, so that the file has many pages.
    return WrittenPage(b'{"user":%d}' % row, [row], [random.Random(row).randbytes(900).hex().encode()], 0, 10, 345)


def answers(rows: list[int]) -> Iterator[tuple[int, WrittenPage]]:
    return ((row, page_of(row)) for row in rows)


def _stopped_after(
    n: int, error: BaseException, asked: list[int]
) -> Callable[[list[int]], Iterator[tuple[int, WrittenPage]]]:
    def answer(rows: list[int]) -> Iterator[tuple[int, WrittenPage]]:
        asked[:] = rows
        yield from answers(rows[:n])
        raise error

    return answer


def _content(path: Path) -> list[tuple[int, bytes, bytes]]:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return connection.execute("SELECT * FROM answers ORDER BY user_row").fetchall()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, bytes, bytes]]:
    return _content(write_precomputed(tmp_path_factory.mktemp("whole"), ABOUT, DIGESTS, answers))


def test_at_most_the_part_at_work_is_computed_again(
    tmp_path: Path, uninterrupted: list[tuple[int, bytes, bytes]]
) -> None:
    asked: list[int] = []
    for n_kept in (0, 320, 640):
        with pytest.raises(KeyboardInterrupt):
            write_precomputed(tmp_path, ABOUT, DIGESTS, _stopped_after(350, KeyboardInterrupt(), asked))
        assert asked == list(range(n_kept, N))
    path = write_precomputed(tmp_path, ABOUT, DIGESTS, answers)
    assert _content(path) == uninterrupted
    assert not list(tmp_path.glob(f"{UNFINISHED}*"))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-70_000])


def _write_nonsense(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = random.Random(0).randbytes(len(content) - len(content) // 2)
    path.write_bytes(content)


def _as_another_model(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE answers SET digest = x'00' WHERE user_row = 100")


def _without_one(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM answers WHERE user_row = 100")


@pytest.mark.parametrize("spoil", [_cut, _write_nonsense, _as_another_model, _without_one, Path.unlink])
def test_what_is_damaged_or_of_another_model_is_swept(
    tmp_path: Path, uninterrupted: list[tuple[int, bytes, bytes]], spoil: Callable[[Path], None]
) -> None:
    asked: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        write_precomputed(tmp_path, ABOUT, DIGESTS, _stopped_after(350, KeyboardInterrupt(), asked))
    (tmp_path / f"{UNFINISHED}-journal").write_bytes(b"of another file")
    spoil(tmp_path / UNFINISHED)
    with pytest.raises(OSError, match="disk"):
        write_precomputed(tmp_path, ABOUT, DIGESTS, _stopped_after(70, OSError("disk"), asked))
    assert asked == list(range(N))
    # A disk that fails is not filled.
    assert not list(tmp_path.glob(f"{UNFINISHED}*"))
    assert _content(write_precomputed(tmp_path, ABOUT, DIGESTS, answers)) == uninterrupted


_SLOWLY = """
import sys, time
from pathlib import Path
from service.precompute.files import write_precomputed
from tests.service.precompute.test_resumed import ABOUT, DIGESTS, answers
def answer(rows):
    print(len(rows), flush=True)
    for one in answers(rows):
        time.sleep(0.0005)
        yield one
write_precomputed(Path(sys.argv[1]), ABOUT, DIGESTS, answer)
"""


@pytest.mark.slow
def test_it_goes_on_however_often_it_is_killed(tmp_path: Path, uninterrupted: list[tuple[int, bytes, bytes]]) -> None:
    rng, left = random.Random(0), [N + 1]
    for _ in range(8):
        command = [sys.executable, "-c", _SLOWLY, str(tmp_path)]
        process = subprocess.Popen(command, cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        with process.stdout:
            left.append(int(process.stdout.readline()))
            time.sleep(rng.uniform(0.0, 0.25))
            process.kill()
        if process.wait() == 0 or (tmp_path / f"{VERSION}-precomputed.sqlite").exists():
            break
    # Nothing that was kept was lost again.
    assert left[1:] == sorted(left[1:], reverse=True)
    assert len(left) > 3
    assert _content(write_precomputed(tmp_path, ABOUT, DIGESTS, answers)) == uninterrupted


def test_the_command_says_what_it_goes_on_with(
    own_store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.precompute.files._ANSWERS_AT_ONCE", 5)
    monkeypatch.setattr(
        precompute, "work_out", lambda *_: _stopped_after(12, KeyboardInterrupt(), [])(list(range(N_USERS)))
    )
    assert precompute.main(["--store", str(own_store)]) == 130
    assert capsys.readouterr().err == "precompute: stopped; started again, it goes on from there\n"
    monkeypatch.undo()
    assert precompute.main(["--store", str(own_store), "--workers", "1"]) == 0
    assert "precompute: 10 answers are there from an earlier start\n" in capsys.readouterr().err
