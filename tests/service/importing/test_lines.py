"""Titles line by line, as people write them down."""

import pytest

from service.recommending.title_search import SURE
from tests.service.importing.lists_for_tests import NAMES, imported


@pytest.mark.parametrize(
    ("line", "name", "rating"),
    [
        ("Cowboy Bebop", "Cowboy Bebop", None),
        ("cowboy bebop 9/10", "Cowboy Bebop", 9),
        ("Cowboy Bebop - 9/10", "Cowboy Bebop", 9),
        ("Cowboy Bebop (8.5/10)", "Cowboy Bebop", 9),
        ("Cowboy Bebop, 9", "Cowboy Bebop", 9),
        ("Cowboy Bebop\t9", "Cowboy Bebop", 9),
        ("Cowboy Bebop;9;Completed", "Cowboy Bebop", 9),
        ("Cowboy Bebop [9]", "Cowboy Bebop", 9),
        ("Cowboy Bebop 4/5", "Cowboy Bebop", 8),
        ("Cowboy Bebop 85%", "Cowboy Bebop", 9),
        ("Cowboy Bebop ★★★★☆", "Cowboy Bebop", 8),
        ("Cowboy Bebop ⭐⭐⭐⭐⭐", "Cowboy Bebop", 10),
        ("Monster★", "Monster", None),
        ("Steins Gate - 10", "Steins;Gate", 10),
        ("Mushishi: 9.5", "Mushishi", 10),
        ("1. Monster", "Monster", None),
        ("#3 Monster", "Monster", None),
        ("12) Monster = 7", "Monster", 7),
        ("• Monster", "Monster", None),
        ("[x] Monster", "Monster", None),
        ("- Overlord 2 - 6", "Overlord II", 6),
        ("Overlord S2", "Overlord II", None),
        ("Overlord 2nd season", "Overlord II", None),
        ("overlord: second season", "Overlord II", None),
        ("Overlord season 1", "Overlord", None),
        ("Mob Psycho 100", "Mob Psycho 100", None),
        ("Berserk (2016)", "Berserk", None),
        ("Berserk (1997) 10/10", "Kenpuu Denki Berserk", 10),
        ("Panty and Stocking with Garterbelt", "Panty & Stocking with Garterbelt", None),
        ("fmab", "Fullmetal Alchemist: Brotherhood", None),
        ("FMA", "Fullmetal Alchemist", None),
        ("AoT", "Shingeki no Kyojin", None),
        ("mp100 - 8", "Mob Psycho 100", 8),
        ("https://myanimelist.net/anime/1/Cowboy_Bebop", "Cowboy Bebop", None),
        ("myanimelist.net/anime.php?id=1 9/10", "Cowboy Bebop", 9),
        ("https://shikimori.one/animes/z1-cowboy-bebop", "Cowboy Bebop", None),
        ("https://anilist.co/anime/1001/x/", "Cowboy Bebop", None),
        ("https://anilist.co/anime/424242/Cowboy-Bebop/", "Cowboy Bebop", None),
    ],
)
def test_a_line_means_what_people_mean(line: str, name: str, rating: int | None) -> None:
    (found,) = imported(line).ratings
    assert (found.anime_id, found.rating) == (NAMES[name], rating)


@pytest.mark.parametrize(
    "line", ["Oshi no Ko", "oregairu", "Cowboi Bebop", "Overlord 4", "Berserk (2022)", "Overlord 4 - 9"]
)
def test_what_no_rule_gives_is_not_sure(line: str) -> None:
    read = imported(line)
    assert not read.ratings
    assert all(one.relevance is not None and one.relevance < SURE for one in read.uncertain)
    assert len(read.uncertain) + len(read.unmatched) == 1


def test_a_number_behind_nearly_every_title_is_a_rating() -> None:
    read = imported("1. Monster 8\n2. Mushishi 9.5\n3. Cowboy Bebop 10\n4. Mob Psycho 100 7\n")
    assert [(one.anime_id, one.rating) for one in read.ratings] == [(22, 8), (25, 10), (1, 10), (40, 7)]
    assert not imported("Overlord 4\nMonster 3\nMushishi 2\n").ratings
    assert not imported("Monster 8\nMushishi\nCowboy Bebop\n").ratings[0].rating


def test_where_every_line_has_a_rating_none_is_a_season() -> None:
    rated = "Completed:\nMonster 8\nMushishi 9\nOverlord 2\nOverlord 2 6\n\nDropped:\nCowboy Bebop 10\n"
    assert [(one.anime_id, one.rating) for one in imported(rated).ratings] == [
        *((NAMES["Monster"], 8), (NAMES["Mushishi"], 9), (NAMES["Overlord"], 2)),
        *((NAMES["Overlord II"], 6), (NAMES["Cowboy Bebop"], 10)),
    ]
    # Where another is not rated, or ratings are written otherwise, it may be one.
    mixed = imported("Monster 8\nMushishi 9\nOverlord 2\nCowboy Bebop 10\nMob Psycho 100\n")
    assert [(one.anime_id, one.rating) for one in mixed.ratings][2] == (NAMES["Overlord II"], None)
    dashes = imported("Monster - 8\nMushishi - 9\nOverlord 2\nCowboy Bebop - 10\n")
    assert [(one.anime_id, one.rating) for one in dashes.ratings][2] == (NAMES["Overlord II"], None)


def test_a_heading_holds_for_the_lines_below_it() -> None:
    text = "Completed:\n1. Monster\n2. Mushishi\n\n## Plan to Watch\n---\n- Overlord\n"
    assert [one.status for one in imported(text).ratings] == ["completed", "completed", "plan_to_watch"]


@pytest.mark.parametrize(
    ("heading", "status"),
    [("Hated:", "dropped"), ("## disliked", "dropped"), ("My favorites:", None), ("Loved", "completed")],
)
def test_headings_that_people_write(heading: str, status: str | None) -> None:
    assert imported(f"{heading}\nMonster\n").ratings[0].status == status


def test_a_single_line_of_several_titles_is_a_list() -> None:
    read = imported("Cowboy Bebop, Mushishi: 9, Monster, steins gate - 10")
    assert [(one.place, one.anime_id, one.rating) for one in read.ratings] == [
        *((1, NAMES["Cowboy Bebop"], None), (2, NAMES["Mushishi"], 9)),
        *((3, NAMES["Monster"], None), (4, NAMES["Steins;Gate"], 10)),
    ]
    read = imported("watched: Cowboy Bebop, Mushishi; dropped: Overlord\n")
    assert [(one.anime_id, one.status) for one in read.ratings] == [
        *((NAMES["Cowboy Bebop"], "completed"), (NAMES["Mushishi"], "completed"), (NAMES["Overlord"], "dropped")),
    ]
    assert len(imported("Cowboy Bebop, 9, Completed").ratings) == 1
    assert len(imported("Steins;Gate, 9").ratings) == 1
    for line in ("Steins;Gate", "Mushishi, seen twice, completed"):
        whole = imported(line)
        assert len(whole.ratings) + len(whole.uncertain) + len(whole.unmatched) == 1


def test_of_an_anime_that_comes_twice_the_last_counts_and_the_other_is_accounted_for() -> None:
    read = imported("FMAB - 9\nMonster\nFullmetal Alchemist: Brotherhood - 10\n")
    assert [(one.place, one.rating) for one in read.ratings] == [(2, None), (3, 10)]
    assert [(one.place, one.reason) for one in read.unmatched] == [
        (1, "the same anime comes again as entry 3, which counts")
    ]


def test_only_so_many_titles_are_compared_letter_by_letter() -> None:
    read = imported("Cowboi Bebop\n" * 501 + "Monster\n")
    assert len(read.uncertain) == 500
    assert len(read.ratings) == 1
    assert read.unmatched[0].reason.startswith("no title of this model; the first 500")


def test_a_gigantic_line_costs_itself() -> None:
    read = imported("x" * 1_000_000 + "\nMonster\n")
    assert read.unmatched[0].reason == "the line is longer than 300 characters"
    assert len(read.ratings) == 1
