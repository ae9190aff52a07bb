"""Over HTTP the service is as good as the evaluation said, and a model that has seen the answers is refused."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import quality
from benchmarks.questions import Figure
from tests.service.running import ROOT, free_port, running
from tests.training.small_dump import write_small_dump
from training.evaluation.metrics import Estimate
from training.evaluation.mirror import MIRROR_METRICS
from training.lists.split import is_test_user
from training.settings import RunSettings

pytestmark = pytest.mark.slow

QUICK = ("--no-compare", "--set", "autoencoder.epochs=2", "--set", "autoencoder.embedding_size=4")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dump, a run on it, a store with its bundle and one with a bundle that leaves out who tests."""
    folder = tmp_path_factory.mktemp("quality")
    write_small_dump(folder / "dump", n_users=150, n_strange=4)
    work = ("--work", folder / "work")
    _training("run", "--data", folder / "dump", *work, "--store", folder / "insiders", *QUICK)
    _training("publish", *work, "--store", folder / "unseen_users", "--hold-out")
    return folder


def _training(*arguments: object) -> None:
    command = [sys.executable, "-m", "training", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr


def _measure(monkeypatch: pytest.MonkeyPatch, url: str, folder: Path) -> object:
    """Run the command; give what it exits with."""
    places = ("--data", str(folder / "dump"), "--work", str(folder / "work"))
    monkeypatch.setattr(sys, "argv", ["quality", "--url", url, *places])
    try:
        quality.main()
    except SystemExit as stop:
        return stop.code
    return 0


def test_over_http_every_method_is_as_good_as_its_card_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(folder / "unseen_users") as url:
        figures = quality.measure(url, folder / "dump", folder / "work")
        assert _measure(monkeypatch, url, folder) == 0, capsys.readouterr().out
    asked = {figure.asked.partition(",")[0] for figure in figures}
    assert asked == {"recommendations", "similar"}
    assert {figure.metric for figure in figures} >= {"recall_at_20", "ndcg_at_100", "similar ndcg_at_10"}
    # Every way of asking has its mirror, and no reason is a title that was told as hated.
    of_lists = {figure.asked for figure in figures if figure.metric == "ndcg_at_100"}
    for metric in ("loved_ndcg_at_10", "harm_at_10", *MIRROR_METRICS, quality.HATED_REASONS):
        assert {figure.asked for figure in figures if figure.metric == metric} == of_lists
    assert all(figure.measured.n > 0 for figure in figures)
    assert "on the card" in capsys.readouterr().out


def test_those_are_asked_for_who_tested(folder: Path) -> None:
    settings = RunSettings(test_fold=3, max_test_users=2)
    truth = quality.read_truth(folder / "dump", folder / "work", settings)
    assert len(truth.user_ids) == len(truth.questions.lists.inputs) == 2
    assert is_test_user(np.array(truth.user_ids), 3).all()


def test_answers_are_counted_that_name_a_hated_title_as_a_reason() -> None:
    answer = {"data": [{"because": [{"anime_id": i} for i in ids]} for ids in ([1, 2], [3], [], [9])]}
    assert quality.share_naming(answer, {2, 9}) == 0.5
    assert quality.share_naming({"data": []}, {2}) == 0.0


def test_a_model_that_knows_who_tests_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(folder / "insiders") as url:
        message = _measure(monkeypatch, url, folder)
    assert "it has seen the answers" in str(message)
    assert "--hold-out" in str(message)


def test_without_a_service_there_is_one_plain_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    message = str(_measure(monkeypatch, f"http://127.0.0.1:{free_port()}", folder))
    assert message.startswith("error: ")
    assert "does not answer" in message
    assert "\n" not in message


@pytest.mark.parametrize(("card", "differs"), [(0.5, False), (0.5019, False), (0.503, True), (float("nan"), True)])
def test_a_difference_counts_from_two_thousandths_on(card: float, differs: bool) -> None:
    figure = Figure("recommendations", "recall_at_20", Estimate(0.5, 0.4, 0.6, 9), card)
    assert figure.differs is differs
