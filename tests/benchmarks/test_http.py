"""The benchmark over HTTP: it runs, asks all over the model, and tells what it measured."""

import itertools
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.http_cases import make_cases
from benchmarks.load import UnexpectedAnswerError, get, measure
from benchmarks.precompute import measure_precompute
from benchmarks.routes import Plan, Side, as_row, run
from benchmarks.start import measure_start
from tests.service import small_bundle
from tests.service.running import ROOT, running


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    small_bundle.publish(folder)
    return folder


def test_every_route_is_measured_first_and_again(store: Path) -> None:
    rows: list[Any] = run(store, Plan(rounds=1, seconds=0.3, n_connections=2), only="recommendations")
    names = [row["route"] for row in rows]
    assert names[0] == "recommendations"
    assert {"POST recommendations", "recommendations, neighbours, top-quarter"} <= set(names)
    assert names[-1] == "recommendations, asked again"
    for row in rows:
        assert row["ratio"] > 0
        assert 0 < row["p50 ms"] <= row["p99 ms"]
        assert row["kB"] >= 0.1


def test_questions_come_from_all_over_the_model() -> None:
    bundle = small_bundle.make_bundle()
    cases = {case.name: case for case in make_cases(bundle)}
    asked = {int(path.split("/")[2]) for path in cases["similar anime"].paths}
    assert asked == set(bundle.anime_ids[~bundle.adult].tolist())
    adult = {int(path.split("/")[2]) for path in cases["similar anime of adult titles"].paths}
    assert adult == set(bundle.anime_ids[bundle.adult].tolist())
    again = list(itertools.islice(cases["similar anime, asked again"].requests(), 5))
    assert again[0].startswith(b"GET /anime/")
    posted = next(cases["POST recommendations"].requests())
    head, _, body = posted.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert json.loads(body)["ratings"]


def test_precomputed_answers_are_measured_where_there_are_some(store: Path, tmp_path: Path) -> None:
    own = tmp_path / "store"
    shutil.copytree(store, own)
    row: Any = measure_precompute(own, 10)
    assert row["users"] == 10
    assert row["all users at this rate, min"] == pytest.approx(row["seconds"] * 4 / 60.0, abs=0.1)
    results = run(own, Plan(rounds=1, seconds=0.3, n_connections=2), only="recommendations, pre")
    assert [result["route"] for result in results] == ["recommendations, precomputed"]


def test_a_start_is_timed_and_each_worker_weighed(store: Path) -> None:
    for n_workers in (1, 2):
        row: Any = measure_start(store, n_workers, 1)
        assert 0.2 < row["ready, s"] < 60
        assert 20 < row["private MB of a worker"] <= row["of the largest"] < 200


def test_an_answer_that_is_none_ends_the_measuring(store: Path) -> None:
    with running(store) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(UnexpectedAnswerError, match="404"):
            measure(port, itertools.repeat(get("/anime/2")), 2, 0.05)


def test_a_row_shows_both_sides_and_their_ratios() -> None:
    service, bare = Side(3000.4, 5.04, 9.0, 310.4), Side(4000.0, 4.0, 7.0, 233.0)
    row = as_row("similar anime", b"x" * 12_345, service, bare, 0.752)
    assert row["route"] == "similar anime"
    assert [row[column] for column in ("kB", "requests/s", "p50 ms", "CPU us")] == [12.3, 3000, 5.0, 310]
    assert [row[column] for column in ("bare requests/s", "ratio", "CPU ratio")] == [4000, 0.75, 0.75]


def test_the_command_writes_what_it_measured(store: Path, tmp_path: Path) -> None:
    out = tmp_path / "http.json"
    command = ["-m", "benchmarks.routes", "--store", str(store), "--only", "similar users", "--rounds", "1"]
    subprocess.run(
        [sys.executable, *command, "--seconds", "0.3", "--out", str(out)],
        cwd=ROOT,
        timeout=280,
        check=True,
        capture_output=True,
    )
    content: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    assert [row["route"] for row in content["rows"]] == ["similar users", "similar users, asked again"]
