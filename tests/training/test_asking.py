"""`similar` and `recommend`: what the service would answer, in the terminal."""

from pathlib import Path

import pytest

from service.recommending.model import build_model
from service.recommending.requests import SimilarAnimeRequest
from tests.service import small_bundle
from tests.service.small_bundle import make_bundle
from tests.training.commands import fails, works


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    small_bundle.publish(folder)
    return folder


def test_similar_lists_what_the_service_answers(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    works(monkeypatch, "similar", "cowboy bebop", "--store", str(store), "--limit", "3")
    shown = capsys.readouterr().out
    assert shown.startswith("similar to Cowboy Bebop (1)\n")
    bundle = make_bundle()
    page = build_model(bundle).similar_anime.page(0, SimilarAnimeRequest(limit=3))
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.splitlines() if line.startswith("│")]
    assert [(row[0], row[1], row[-1]) for row in cells] == [
        (str(place + 1), f"{score:.3f}", str(bundle.anime_ids[row]))
        for place, (row, score) in enumerate(zip(page.rows, page.scores, strict=True))
    ]


def test_a_guess_is_called_one(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    works(monkeypatch, "similar", "fulmetal alchemist", "--store", str(store))
    assert "note: that is a guess; it may be Fullmetal Alchemist" in capsys.readouterr().out


def test_recommend_reads_any_list_and_says_what_became_of_it(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "list.csv"
    path.write_text("title,score\nCowboy Bebop,95\nSteins;Gate,80\nCowboi Bebop,70\nzzzzz,50\n", encoding="utf-8")
    works(monkeypatch, "recommend", str(path), "--store", str(store), "--limit", "2")
    shown = capsys.readouterr().out
    assert shown.startswith("csv: 2 anime; 1 titles that are not sure and 1 entries without a match do not count\n")
    assert "'Cowboi Bebop' may be Cowboy Bebop (1)" in shown
    assert "entry 4, zzzzz: no title of this model is like it" in shown
    assert "note: 3 scores out of 100 became ratings out of 10; halves are rounded up." in shown
    rows = [line for line in shown.splitlines() if line.startswith("│ ")]
    assert [row.split("│")[1].strip() for row in rows if row.split("│")[1].strip()] == ["1", "2"]


def test_recommend_by_plans_alone_says_that_it_knows_nothing(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "list.txt"
    path.write_text("Plan to watch:\nCowboy Bebop\n", encoding="utf-8")
    works(monkeypatch, "recommend", str(path), "--store", str(store))
    assert "nothing on the list says what you like" in capsys.readouterr().out


def test_bad_input_ends_in_one_line(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.xml"
    page.write_text("<!DOCTYPE html><html></html>", encoding="utf-8")
    assert "this is a web page, not an exported list" in fails(
        monkeypatch, "recommend", str(page), "--store", str(store)
    )
    assert "No such file" in fails(monkeypatch, "recommend", str(tmp_path / "none"), "--store", str(store))
    assert "no title of this model is like 'qqqq'" in fails(monkeypatch, "similar", "qqqq", "--store", str(store))
    assert "no bundle is published" in fails(monkeypatch, "similar", "x", "--store", str(tmp_path / "empty"))
