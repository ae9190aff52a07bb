"""What titles alone say of franchises."""

import pytest

from tests.training.dump.test_traits import CARD
from tests.training.franchises.small_catalogues import group, series
from training.franchises.title_points import TitlePoints
from training.franchises.titles import Title, Wording, read_japanese, read_title, read_wording


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("Shingeki no Kyojin Season 3 Part 2", "shingeki no kyojin"),
        ("Ookami to Koushinryou II", "ookami to koushinryou"),
        ("Boku no Hero Academia 2nd Season", "boku no hero academia"),
        ("Gekijouban Kara no Kyoukai 5: Mujun Rasen", "kara no kyoukai"),
        ("Zoku Natsume Yuujinchou", "natsume yuujinchou"),
        ("Fullmetal Alchemist: Brotherhood", "fullmetal alchemist"),
        ("Hunter x Hunter (2011)", "hunter x hunter"),
        ("Ｎａｒｕｔｏ: Shippuuden", "naruto"),
        ("K-On!!", "k on"),
        ("Dragon Ball GT", "dragon ball"),
        ("2nd Season", "2nd season"),
        ("OVA", "ova"),
        ("", ""),
    ],
)
def test_the_head_of_a_title_is_what_its_franchise_is_called(name: str, head: str) -> None:
    assert read_wording(name).head == tuple(head.split())


@pytest.mark.parametrize("name", ["劇場版 鬼滅の刃", "鬼滅の刃 第2期", "鬼滅の刃 スペシャル", "『鬼滅の刃』"])
def test_a_japanese_title_is_stripped_of_what_names_an_entry(name: str) -> None:
    assert read_japanese(name) == "鬼滅の刃"


def test_a_short_word_that_everybody_uses_is_weaker_evidence_than_a_long_head() -> None:
    names = ["Air", "Air TV", "Steins Gate Zero One", "Steins Gate Zero One 2"]
    titles = [read_title(CARD.model_copy(update={"name": name})) for name in names]
    points = TitlePoints(titles)
    assert points.compare(titles[0], titles[1]) < points.compare(titles[2], titles[3])


def test_titles_without_a_word_do_not_fall_together() -> None:
    assert not group([series("！！！", 37_000), series("？？？", 38_000)])
    assert read_wording("！！！") == Wording()
    assert read_title(CARD) == Title(Wording(("a",), ("a",), ("a",)), Wording(), "", extra=False)
