"""Scores of other scales become ratings from 1 to 10, and what was done is said."""

from collections.abc import Sequence

import pytest

from service.importing.scores import rate, read_score


def _rate(raw: Sequence[object], out_of: float | None = None) -> tuple[list[int | None], list[str]]:
    rated = rate([read_score(one) for one in raw], range(1, len(raw) + 1), out_of)
    return rated.ratings, rated.notes


@pytest.mark.parametrize(
    ("raw", "rating"),
    [
        (9, 9),
        ("9", 9),
        ("9.0", 9),
        (9.5, 10),
        ("8,5", 9),
        ("8.4", 8),
        ("9/10", 9),
        ("4/5", 8),
        ("3 / 4", 8),
        ("85%", 9),
        ("84/100", 8),
        ("★★★★☆", 8),
        ("★★★½", 7),
        ("0.2", 1),
        (0, None),
        ("0", None),
        ("", None),
        ("-", None),
        ("N/A", None),
        (None, None),
        (True, None),
    ],
)
def test_a_score_is_read(raw: object, rating: int | None) -> None:
    assert _rate([raw])[0] == [rating]


@pytest.mark.parametrize("raw", [-3, "-3", 11, "11/10", "nine", 1e9, "1e9", float("nan"), "6/5", "9" * 40])
def test_what_is_no_score_counts_as_unrated_and_is_said(raw: object) -> None:
    ratings, notes = _rate([raw, 7])
    assert ratings == [None, 7]
    assert len(notes) == 1
    assert notes[0].startswith("Entry 1: ")
    assert notes[0].endswith("it counts as unrated.")


def test_scores_of_a_hundred_among_scores_of_ten_are_each_for_themselves() -> None:
    ratings, notes = _rate([85, 92, 10, "8.5", "7,5"])
    assert ratings == [9, 9, 10, 9, 8]
    assert notes == [
        "2 scores out of 100 became ratings out of 10; halves are rounded up.",
        "2 scores with decimals became whole numbers; halves are rounded up.",
    ]


def test_where_most_scores_are_above_ten_all_are_out_of_a_hundred() -> None:
    assert _rate([85, 70, 8, 0, 100])[0] == [9, 7, 1, None, 10]


def test_the_scale_that_a_format_has_wins() -> None:
    assert _rate([3, 5, 1], 5.0)[0] == [6, 10, 2]
    assert _rate([8, 9], 100.0)[0] == [1, 1]


def test_a_list_that_may_be_of_stars_is_asked_about_not_changed() -> None:
    ratings, notes = _rate([5, 4, 3, 5, 4, 2, 1, 5, 5, 4])
    assert ratings == [5, 4, 3, 5, 4, 2, 1, 5, 5, 4]
    assert notes == ["No score is above 5. They are taken as out of 10; if they are stars out of 5, double them."]
