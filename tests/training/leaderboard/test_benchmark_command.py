"""The whole command on a small dump, and the cheap rows on the real lists."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.training.commands import fails, works
from tests.training.small_dump import SmallDump
from training.evaluation.plots import PLOTS
from training.evaluation.scorers import Scorer
from training.leaderboard.methods import METHODS, Material, Method
from training.leaderboard.report import markdown, print_report, write_report
from training.leaderboard.run import choose_methods, run_benchmark
from training.lists.prepared import load_prepared
from training.lists.split import splitmix64
from training.settings import RunSettings

CHEAP = ("oracle", "random", "popularity", "user kNN, all they saw")


FRESH = ("popularity", "EDLAE")


def _fall_over(material: Material) -> Scorer:
    raise ValueError("on purpose")


def test_the_command_writes_tables_numbers_and_plots(
    small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only = [word for name in (*CHEAP, "EDLAE") for word in ("--only", name)]
    places = ("--work", str(tmp_path / "work"), "--out", str(tmp_path / "out"))
    works(monkeypatch, "benchmark", "--data", str(small_dump.folder), *places, *only)
    printed = capsys.readouterr().out
    for text in (
        "user kNN, all they saw",
        "EDLAE",
        "NDCG@100",
        "p (Wilcoxon)",
        "as it must be",
        str(tmp_path / "out"),
    ):
        assert text in printed
    assert "WRONG" not in printed
    summary = json.loads((tmp_path / "out" / "benchmark.json").read_text(encoding="utf-8"))
    assert list(summary["methods"]) == [*CHEAP, "EDLAE"]
    assert summary["methods"]["oracle"]["next_anime"]["ndcg_at_100"]["mean"] == pytest.approx(1.0)
    for name, one in summary["methods"].items():
        for metric in ("recall_at_20", "ndcg_at_10", "ndcg_at_100", "coverage_at_10", "popularity_at_10"):
            estimate = one["next_anime"][metric]
            assert estimate["low"] <= estimate["mean"] <= estimate["high"], (name, metric)
        assert one["cost"]["peak_memory_mb"] > 20
    assert summary["methods"]["user kNN, all they saw"]["similar_anime"] == {}
    assert summary["methods"]["EDLAE"]["similar_anime"]["ndcg_at_10"]["mean"] > 0.9
    best = summary["paired"]["next_anime"]["baseline"]
    assert best in ("EDLAE", "user kNN, all they saw")
    assert set(summary["paired"]["next_anime"]["methods"]) == {"popularity", *CHEAP[3:], "EDLAE"} - {best}
    assert summary["paired"]["similar_anime"]["baseline"] == "EDLAE"
    page = (tmp_path / "out" / "benchmark.md").read_text(encoding="utf-8")
    for text in (
        "loved NDCG@10",
        "## Love and hate",
        "Mirror, ",
        "Loved anime: loved NDCG@10 minus that of the best",
    ):
        assert text in page
    for name in PLOTS:
        assert f"]({name})" in page
        assert (tmp_path / "out" / name).read_bytes().startswith(b"\x89PNG")
    assert page == markdown(summary)


def test_a_fold_that_nothing_was_chosen_on_tests_and_does_not_train(
    small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = [word for name in FRESH for word in ("--only", name)]
    places = ("--work", str(tmp_path / "work"), "--out", str(tmp_path / "out"))
    works(monkeypatch, "benchmark", "--data", str(small_dump.folder), "--fold", "3", *places, *only)
    summary = json.loads((tmp_path / "out" / "benchmark.json").read_text(encoding="utf-8"))
    lists = load_prepared(tmp_path / "work" / "prepared").interactions
    of_fold = splitmix64(lists.user_ids) % np.uint64(10) == 3
    assert summary["settings"]["test_fold"] == 3
    assert summary["n_training_users"] == np.count_nonzero(~of_fold)
    assert 0 < summary["n_test_users"] <= np.count_nonzero(of_fold)
    assert summary["methods"]["EDLAE"]["next_anime"]["recall_at_20"]["n"] == summary["n_test_users"]
    assert "splitmix64(user_id) % 10 == 3" in (tmp_path / "out" / "benchmark.md").read_text(encoding="utf-8")


def test_a_method_that_cannot_run_is_left_out_and_said_so(
    small_dump: SmallDump, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    methods = [
        Method("needy", "baseline", _fall_over, "", requires="a_package_nobody_has"),
        Method("clumsy", "ours", _fall_over, ""),
        *choose_methods(["random"]),
    ]
    summary = run_benchmark(small_dump.folder, tmp_path / "work", RunSettings(), methods)
    assert list(summary["methods"]) == ["random"]
    assert "osusume[benchmark]" in summary["left_out"]["needy"]
    assert summary["left_out"]["clumsy"].startswith("failed")
    assert "ValueError: on purpose" in capfd.readouterr().err
    # Without a baseline there is nothing to compare with.
    assert summary["paired"] == {"next_anime": {}, "loved_anime": {}, "similar_anime": {}}
    print_report(summary)
    write_report(tmp_path, summary)
    assert "left out, needs a_package_nobody_has" in capfd.readouterr().out


def test_a_table_that_cannot_be_trusted_ends_in_an_error(
    small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sanity = [{"method": "random", "holds": False}, {"method": "oracle", "holds": True}]
    summary = {"left_out": {"clumsy": "failed: it fell over", "needy": "needs a package"}, "sanity": sanity}
    monkeypatch.setattr("training.leaderboard.run.run_benchmark", lambda *_: summary)
    for name in ("print_report", "write_report"):
        monkeypatch.setattr(f"training.leaderboard.report.{name}", lambda *_: None)
    line = fails(monkeypatch, "benchmark", "--data", str(small_dump.folder), "--work", str(tmp_path / "work"))
    assert "failed: ['clumsy']" in line
    assert "sanity wrong: ['random']" in line


def test_a_folder_that_cannot_be_written_is_found_out_before_anything_is_measured(
    small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setattr("training.leaderboard.run.run_benchmark", lambda *_: pytest.fail("measured in vain"))
    places = ("--work", str(tmp_path / "work"), "--out", str(tmp_path / "file" / "out"))
    assert "file" in fails(monkeypatch, "benchmark", "--data", str(small_dump.folder), *places)


def test_an_unknown_method_is_refused_with_those_there_are(
    small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = fails(monkeypatch, "benchmark", "--data", str(small_dump.folder), "--only", "magic")
    assert "'magic'" in line
    assert "'EDLAE'" in line


def test_every_row_has_a_name_of_its_own_and_a_source() -> None:
    assert len({method.name for method in METHODS}) == len(METHODS)
    assert all(method.source for method in METHODS)
    assert {"sanity", "baseline", "ours"} == {method.kind for method in METHODS}


def test_rows_are_built_by_functions_that_another_process_can_import() -> None:
    for method in METHODS:
        build = getattr(method.build, "func", method.build)
        assert getattr(__import__("training.leaderboard.methods", fromlist=["x"]), build.__name__) is build


@pytest.mark.real_data
def test_the_real_lists_give_what_is_documented(mal_data: Path, tmp_path: Path) -> None:
    summary = run_benchmark(mal_data, tmp_path, RunSettings(), choose_methods(CHEAP[1:]))
    assert [(check["method"], check["holds"]) for check in summary["sanity"]] == [("random", True)]
    means = {name: one["next_anime"]["ndcg_at_100"]["mean"] for name, one in summary["methods"].items()}
    assert means["popularity"] == pytest.approx(0.218, abs=0.01)
    assert means["user kNN, all they saw"] == pytest.approx(0.429, abs=0.01)
    curve = [
        point["ndcg_at_100"]["mean"] for point in summary["methods"]["user kNN, all they saw"]["cold_start"].values()
    ]
    assert curve == sorted(curve)
    difference = summary["paired"]["next_anime"]["methods"]["popularity"]
    assert difference["high"] < 0.0
    assert difference["p_wilcoxon"] < 1e-6
