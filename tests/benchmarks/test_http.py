"""The benchmark over HTTP: it runs, asks all over the model, and writes what it measured."""

import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.load import LoadResult, UnexpectedAnswerError, get, measure
from benchmarks.precompute import measure_precompute
from benchmarks.routes import Plan, as_row, make_cases, run
from benchmarks.serving import CLIENT_CORES, CORES, SERVER_CORES, serving_bare
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
    cases = {case.name: case for case in make_cases(bundle, bundle.user_ids[:0])}
    asked = {int(request.split(b"/")[2]) for request in cases["similar anime"].requests}
    assert asked == set(bundle.anime_ids[~bundle.adult].tolist())
    adult = {int(request.split(b"/")[2]) for request in cases["similar anime of adult titles"].requests}
    assert adult == set(bundle.anime_ids[bundle.adult].tolist())
    assert cases["similar anime, asked again"].again
    assert cases["similar anime, asked again"].requests[0].startswith(b"GET /anime/")
    head, _, body = cases["POST recommendations"].requests[0].partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert json.loads(body)["ratings"]
    # Nothing was precomputed.
    assert "recommendations, precomputed" not in cases


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
    service = [LoadResult(rate, np.array([4.0, 5.0, 9.0])) for rate in (3000.4, 6000.0)]
    bare = [LoadResult(rate, np.array([2.0, 4.0, 7.0])) for rate in (4000.0, 8000.0)]
    row = as_row("similar anime", 12_345, (service, bare), [0.00186, 0.00093])
    assert row["route"] == "similar anime"
    assert [row[column] for column in ("kB", "requests/s", "p50 ms", "CPU us")] == [12.3, 4500, 5.0, 310]
    assert [row[column] for column in ("bare requests/s", "bare CPU us", "ratio", "CPU ratio")] == [
        6000,
        155,
        0.75,
        0.5,
    ]


def test_client_and_server_never_share_a_core_where_there_are_two(tmp_path: Path) -> None:
    assert len(CORES) == 1 or not set(SERVER_CORES) & set(CLIENT_CORES)
    (tmp_path / "answer.json").write_text("{}", encoding="utf-8")
    with serving_bare(tmp_path / "answer.json") as bare:
        assert os.sched_getaffinity(bare.process_id) == set(SERVER_CORES)


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
