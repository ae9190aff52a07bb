"""The command that precomputes: the same bytes as those computed, and a good end whatever happens."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx2 as httpx
import pytest

from service.api.params import RecommendationsQuery
from service.precompute import __main__ as precompute
from service.precompute import pool
from service.precompute.files import (
    PrecomputedError,
    is_close,
    precomputed_file,
)
from service.recommending.model import load_model
from tests.service.running import ROOT, children, clean_environment, has_ended, precomputed_of, running, wait_until
from tests.service.small_bundle import N_USERS, VERSION, publish
from tests.training.support.dask_cluster import running_cluster

TWENTY = RecommendationsQuery(limit=20)


def _run(store: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    process = _start(store, *arguments)
    said = _end(process)
    return subprocess.CompletedProcess(process.args, process.returncode, stderr=said)


def _end(process: subprocess.Popen[str]) -> str:
    """Wait for the end of a process; give what it said."""
    try:
        return process.communicate(timeout=60)[1]
    finally:
        process.kill()


def _start(store: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "service.precompute", "--store", str(store), *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=clean_environment(), stderr=subprocess.PIPE, text=True)


def test_the_command_makes_answers_that_are_served_as_the_same_bytes(own_store: Path) -> None:
    paths = [f"/users/{5 * row + 2}/recommendations?limit={limit}" for row in range(N_USERS) for limit in (1, 10, 20)]
    paths += ["/users/7/recommendations", "/users/7/recommendations?limit=5&offset=15"]
    with running(own_store, OSUSUME_ANSWER_MEMORY_MB="0") as url:
        before = {path: httpx.get(url + path) for path in paths}
    done = _run(own_store, "--query", "limit=20", "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("precompute: 40 answers, ")
    assert done.stderr.endswith("precompute: a running service uses them from now on\n")
    assert precomputed_of(load_model(own_store / VERSION), own_store).n_answers == N_USERS
    with running(own_store, OSUSUME_ANSWER_MEMORY_MB="0") as url:
        for path in paths:
            answer, worked_out = httpx.get(url + path), before[path]
            if path.endswith("limit=20"):
                assert answer.content == worked_out.content
                assert answer.headers["etag"] == worked_out.headers["etag"]
            # The last digit of a sum depends on how many rows are computed at once.
            assert is_close(answer.json(), worked_out.json())
        assert f"osusume_precomputed_answers_total {len(paths)}.0" in httpx.get(f"{url}/metrics").text


def test_users_without_an_answer_are_answered_all_the_same(own_store: Path, tmp_path: Path) -> None:
    users = tmp_path / "users.txt"
    # As a spreadsheet would save it.
    users.write_bytes(b"\xef\xbb\xbf12\r\n\r\n7\r\n12\r\n 102\r\n3\r\n")
    done = _run(own_store, "--users", str(users))
    assert done.returncode == 0, done.stderr
    assert "1 of 4 users are not in the model and get no answer: 3" in done.stderr
    precomputed = precomputed_of(load_model(own_store / VERSION), own_store)
    assert precomputed.user_rows().tolist() == [1, 2, 20]
    assert precomputed.find(1, RecommendationsQuery()) is not None
    assert precomputed.find(0, RecommendationsQuery()) is None
    with running(own_store) as url:
        assert httpx.get(f"{url}/users/2/recommendations").json()["user_id"] == 2


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--query", "limit=200"], 2, "--query: limit: expected a whole number from 1 to 100, got '200'"),
        (["--query", "?limitt=20"], 2, "did you mean limit?"),
        (["--query", "offset=5"], 2, "offset should be left out"),
        (["--query", "rule=weighted"], 2, "--query: rule: expected left out"),
        (["--query", "genre=Nonsense"], 2, "--query: genre: expected one of Action, Comedy"),
        (["--query", "genre=\udcff"], 2, "--query: "),
        (["--users", "nowhere.txt"], 1, "nowhere.txt cannot be used: No such file"),
        (["--users", "users.txt"], 2, "users.txt, line 2: expected a user id, a whole number from 0 to"),
        (["--users", "empty.txt"], 2, "empty.txt: expected a user id per line, like 2, 7, 12; got 0, all unknown"),
        (
            ["--users", "unseen_users.txt"],
            2,
            "unseen_users.txt: expected a user id per line, like 2, 7, 12; got 2, all unknown",
        ),
        (["--users", "utf16.txt"], 2, "utf16.txt: expected text with a user id per line"),
    ],
)
def test_what_cannot_be_asked_is_said_before_the_work_begins(
    own_store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    words: str,
) -> None:
    (tmp_path / "users.txt").write_text("7\nx7\n", encoding="utf-8")
    (tmp_path / "empty.txt").touch()
    (tmp_path / "unseen_users.txt").write_text("1\n3\n", encoding="utf-8")
    (tmp_path / "utf16.txt").write_text("7\n12\n", encoding="utf-16")
    monkeypatch.chdir(tmp_path)
    assert precompute.main(["--store", str(own_store), *arguments]) == code
    assert words in capsys.readouterr().err
    assert not precomputed_file(own_store, VERSION).exists()


@pytest.mark.parametrize("number", ["0", "-1", "two"])
def test_no_number_of_workers_is_refused(own_store: Path, capsys: pytest.CaptureFixture[str], number: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        precompute.main(["--store", str(own_store), f"--workers={number}"])
    assert f"expected a number from 1 on, got {number}" in capsys.readouterr().err


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_who_stops_it_leaves_no_process_and_no_half_of_the_answers_behind(
    own_store: Path, stop: signal.Signals, code: int
) -> None:
    process = _start(own_store, "--workers", "2")
    # By then the pool is at work, or about to begin.
    wait_until(lambda: (own_store / ".precomputing").exists() and len(children(process.pid)) > 1)
    ended = children(process.pid)
    process.send_signal(stop)
    said = _end(process)
    assert process.returncode == code
    wait_until(lambda: all(map(has_ended, ended)))
    assert not precomputed_file(own_store, VERSION).exists()
    if stop != signal.SIGKILL:
        assert "Traceback" not in said
    # Whatever it had, the next one goes on with.
    done = _run(own_store, "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert not list(own_store.glob(".precomputing*"))
    assert precomputed_of(load_model(own_store / VERSION), own_store).n_answers == N_USERS


def test_a_bundle_published_meanwhile_is_said_and_the_answers_are_those_of_the_one_before(own_store: Path) -> None:
    newer = "20260102T000000Z-small-00000000"
    publish(own_store, newer)
    (own_store / "current").write_text(VERSION, encoding="utf-8")
    process = _start(own_store, "--workers", "2")
    wait_until((own_store / ".precomputing").exists)
    (own_store / "current").write_text(newer, encoding="utf-8")
    said = _end(process)
    assert process.returncode == 0
    assert f"precompute: meanwhile {newer} was published, for which they are none: start again" in said
    assert precomputed_of(load_model(own_store / VERSION), own_store).n_answers == N_USERS
    assert not precomputed_file(own_store, newer).exists()


def test_a_process_that_cannot_read_the_bundle_says_why(own_store: Path) -> None:
    work = pool.Work(own_store / VERSION, TWENTY)
    (own_store / VERSION / "members.npy").unlink()
    before = signal.getsignal(signal.SIGINT)
    try:
        pool.begin()
    finally:
        signal.signal(signal.SIGINT, before)
    with pytest.raises(PrecomputedError, match=r"members\.npy: cannot be read"):
        pool.answer(work, [0])


def test_a_store_without_a_bundle_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert precompute.main(["--store", str(tmp_path / "none")]) == 1
    assert "no bundle is published here yet" in capsys.readouterr().err


def test_workers_of_a_cluster_give_the_same_file(own_store: Path, tmp_path: Path) -> None:
    assert precompute.main(["--store", str(own_store), "--workers", "1"]) == 0
    path = precomputed_file(own_store, VERSION)
    alone = path.read_bytes()
    path.unlink()
    with running_cluster(tmp_path) as cluster:
        command = [sys.executable, "-m", "service.precompute", "--store", str(own_store), "--engine", cluster.address]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        assert (done.returncode, "answers, " in done.stderr) == (0, True), done.stderr
        assert path.read_bytes() == alone
        # One line, and what was there stays.
        work = pool.Work(own_store / "nothing", TWENTY, version="of tomorrow")
        with pytest.raises(PrecomputedError, match="a worker has version"):
            pool.answer(work, [0])
    # Of another query nothing is there yet.
    command += ["--query", "limit=5"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert re.fullmatch(r"precompute: --engine tcp://\S+: cannot be reached, .*", done.stderr.splitlines()[-1])
    assert "Traceback" not in done.stderr
    assert path.read_bytes() == alone
