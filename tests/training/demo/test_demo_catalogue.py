"""The curated titles: true facts, own words."""

import csv
import re
from pathlib import Path

import pytest

from training.demo.curated import Title, read_curated

WELL_KNOWN = {
    1, 5, 6, 813, 223, 20, 1735, 21, 269, 1535, 5114, 121, 199, 164, 523, 1575, 2904, 9253, 16498, 11061, 136, 30, 32,
    33, 19, 205, 2251, 4181, 2167, 578, 43, 47, 32281, 38000, 30276, 31964, 40748, 263, 170, 530, 740, 232, 9756, 849,
    1887, 7791, 5680, 457, 2034, 877, 7054, 853, 120, 38680,
}  # fmt: skip


@pytest.fixture(scope="module")
def titles() -> list[Title]:
    return read_curated()


def runs_of_words(text: str, length: int) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[start : start + length]) for start in range(len(words) - length + 1)}


def test_the_catalogue_holds_what_everybody_knows(titles: list[Title]) -> None:
    ids = [title.anime_id for title in titles]
    assert len(ids) >= 300
    assert ids == sorted(set(ids))
    assert set(ids) >= WELL_KNOWN


def test_the_catalogue_spans_eras_and_types(titles: list[Title]) -> None:
    years = {int(year) for title in titles for year in re.findall(r"\d{4}", title.facts["Aired"])}
    assert min(years) < 1970
    assert {decade * 10 for decade in range(197, 202)} <= {year // 10 * 10 for year in years}
    assert {title.facts["Type"] for title in titles} == {"TV", "Movie", "OVA", "ONA", "Special", "Music"}


def test_no_curated_title_is_for_adults_only(titles: list[Title]) -> None:
    assert not [title.facts["Name"] for title in titles if title.is_adult or title.facts["Rating"].startswith("Rx")]


def test_every_franchise_has_company(titles: list[Title]) -> None:
    franchises = [title.franchise for title in titles if title.franchise]
    assert {name for name in franchises if franchises.count(name) == 1} == set()


def test_every_title_has_one_sentence_of_its_own(titles: list[Title]) -> None:
    synopses = [title.synopsis or "" for title in titles]
    assert len(set(synopses)) == len(synopses)
    for synopsis in synopses:
        assert 50 <= len(synopsis) <= 200, synopsis
        assert synopsis[0].isupper(), synopsis
        assert synopsis.endswith("."), synopsis


@pytest.mark.real_data
def test_every_fact_is_true(titles: list[Title], mal_data: Path) -> None:
    with (mal_data / "anime.csv").open(encoding="utf-8", newline="") as file:
        real = {int(row["MAL_ID"]): row for row in csv.DictReader(file)}
    wrong = [
        (title.anime_id, name, fact, real[title.anime_id][name])
        for title in titles
        for name, fact in title.facts.items()
        if real[title.anime_id][name] != fact
    ]
    assert wrong == []


@pytest.mark.real_data
def test_no_synopsis_borrows_from_the_dump(titles: list[Title], mal_data: Path) -> None:
    with (mal_data / "anime_with_synopsis.csv").open(encoding="utf-8", newline="") as file:
        theirs = set().union(*(runs_of_words(row["sypnopsis"], 8) for row in csv.DictReader(file)))
    borrowed = [title.facts["Name"] for title in titles if runs_of_words(title.synopsis or "", 8) & theirs]
    assert borrowed == []
