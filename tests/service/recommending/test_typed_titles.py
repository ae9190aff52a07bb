"""Titles as people type them: first words, numbers of seasons, years."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.recommending.title_forms import form_of, normalise_title
from service.recommending.title_search import SURE, TitleSearch
from tests.service.recommending.test_title_search import best


@pytest.mark.parametrize(("second", "relevance"), [(800, 0.9), (801, 0.85)])
def test_first_words_are_sure_where_one_title_is_better_known(second: int, relevance: float) -> None:
    titles = [["JoJo no Kimyou na Bouken (TV)"], ["JoJo no Kimyou na Bouken: Stardust Crusaders"]]
    assert best(titles, [1000, second], "jojo") == (0, relevance)


def test_three_letters_are_not_enough_to_be_the_first_words() -> None:
    assert best([["Ano Hi Mita Hana"]], [1000], "ano") == (0, 0.85)


@pytest.mark.parametrize(
    "query",
    [
        "Overlord 2",
        "Overlord S2",
        "overlord s02",
        "Overlord 2nd Season",
        "Overlord Season 2",
        "Overlord: Second Season",
    ],
)
def test_numbers_of_seasons_are_spelt_in_many_ways(query: str) -> None:
    assert best([["Overlord"], ["Overlord II"], ["Overlord III"]], [900, 500, 400], query) == (
        1,
        0.96,
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Shingeki no Kyojin Season 3 Part 2", "Shingeki no Kyojin S3 part 2"),
        ("Boku no Hero Academia 2nd Season", "Boku no Hero Academia II"),
        ("Shoujo Kakumei Utena", "Shojo Kakumei Utena"),
        ("Kimi wo Aishita", "Kimi o Aishita"),
        ("Panty & Stocking", "Panty and Stocking"),
        ("Overlord", "Overlord Season 1"),
        ("Overlord", "Overlord: 1st Season"),
        ("進撃の巨人 第2期", "進撃の巨人 2"),
        ("Re:Zero Season 2 Part 2", "Re:Zero 2nd Season cour 2"),
    ],
)
def test_spellings_of_one_title_have_one_form(one: str, other: str) -> None:
    assert form_of(normalise_title(one)) == form_of(normalise_title(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Overlord", "Overlord II"),
        ("Hunter x Hunter", "Hunter 10 Hunter"),
        ("X", "10"),
        ("Final Season", "Final"),
        ("Season", ""),
        ("Season 2", "2"),
    ],
)
def test_other_titles_have_other_forms(one: str, other: str) -> None:
    assert form_of(normalise_title(one)) != form_of(normalise_title(other))


def test_a_year_decides_between_two_of_one_name_and_an_unknown_one_is_not_sure() -> None:
    titles, years = [["Kenpuu Denki Berserk", "Berserk"], ["Berserk"]], [1997, 2016]
    assert best(titles, [900, 500], "Berserk", years) == (0, 1.0)
    assert best(titles, [900, 500], "Berserk (2016)", years) == (1, 0.97)
    assert best(titles, [900, 500], "Berserk 1997", years) == (0, 0.97)
    assert best(titles, [900, 500], "Berserk (2022)", years)[1] < SURE


def test_a_title_that_has_the_year_is_exact() -> None:
    titles, years = [["Hunter x Hunter"], ["Hunter x Hunter (2011)"]], [1999, 2011]
    assert best(titles, [100, 900], "Hunter x Hunter (2011)", years) == (1, 1.0)
    assert best(titles, [100, 900], "Hunter x Hunter (1999)", years) == (0, 0.97)


@given(query=st.text(max_size=30))
def test_what_the_rules_say_is_what_the_search_says(query: str) -> None:
    search = TitleSearch(
        [["Overlord II"], ["K"], ["Berserk"], ["The And"]], np.array([4, 3, 2, 1]), np.array([2018, 0, 2016, 0])
    )
    by_rule, best = search.best_by_rule(query), search.best(query)
    if by_rule is not None and by_rule.relevance > 0.93:
        assert best is not None
        assert best.relevance >= by_rule.relevance - 1e-6
