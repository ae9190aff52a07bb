"""Traits: what rankers look at besides the card."""

from datetime import timedelta

import numpy as np
import pytest

from models.bundle.card import AnimeCard
from training.dump.traits import FIRST_DAY, AnimeTraits, read_traits, trait_arrays

CARD = AnimeCard(
    anime_id=1, name="A", english_name=None, japanese_name=None, type="TV", episodes=26, genres=[], synopsis=None,
    year=None, score=None, members=None, age_rating="PG-13", url="https://myanimelist.net/anime/1",
)  # fmt: skip


@pytest.mark.parametrize(
    ("aired", "expected"),
    [
        ("Apr 3, 1998 to Apr 24, 1999", "1998-04-03"),
        ("Sep 1, 2001", "2001-09-01"),
        ("Apr 1998 to Jun 1998", "1998-04-01"),
        ("Apr, 1998", "1998-04-01"),
        ("2005", "2005-07-01"),
        ("2021 to ?", "2021-07-01"),
        ("Spring 1998", "1998-07-01"),
    ],
)
def test_the_first_airing_is_read_from_every_form_of_the_dump(aired: str, expected: str) -> None:
    day = FIRST_DAY + timedelta(days=read_traits({"aired": aired}).start_day)
    assert day.isoformat() == expected


@pytest.mark.parametrize("aired", ["", "soon", "Not available"])
def test_an_unknown_first_airing_is_day_zero(aired: str) -> None:
    assert read_traits({"aired": aired}).start_day == 0


@pytest.mark.parametrize(
    ("duration", "minutes"),
    [("24 min. per ep.", 24), ("1 hr. 55 min.", 115), ("2 hr.", 120), ("30 sec.", 0), ("", 0)],
)
def test_the_length_of_an_episode_is_read_in_minutes(duration: str, minutes: int) -> None:
    assert read_traits({"duration": duration}).minutes == minutes


def test_the_first_studio_counts() -> None:
    assert read_traits({"studios": "Sunrise, Bones"}).studio == "Sunrise"


def test_codes_name_their_values_and_zero_is_unknown() -> None:
    traits = [AnimeTraits(source="Manga", favorites=3), AnimeTraits(studio="Bones"), AnimeTraits(source="Game")]
    arrays = trait_arrays([CARD] * 3, traits)
    assert arrays["source_names"].tolist() == ["", "Game", "Manga"]
    assert arrays["source_names"][arrays["source_codes"]].tolist() == ["Manga", "", "Game"]
    assert arrays["studio_codes"].tolist() == [0, 1, 0]
    assert arrays["favorites"].tolist() == [3, 0, 0]
    assert arrays["age_rating_codes"].tolist() == [1, 1, 1]


def test_names_may_all_be_unknown() -> None:
    arrays = trait_arrays([CARD], [AnimeTraits()])
    assert arrays["studio_names"].dtype == np.dtype("U1")
    assert arrays["studio_codes"].tolist() == [0]
