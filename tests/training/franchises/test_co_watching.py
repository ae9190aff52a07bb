"""What lists say of franchises: which titles belong together, and where a franchise begins."""

import itertools

import numpy as np
import pytest

from models.scoring.franchises import Role
from tests.training.dump.test_traits import CARD
from tests.training.franchises.small_catalogues import FILLER, Entry, group, nobody_watches, series
from tests.training.interactions_for_tests import make_interactions
from training.franchises.co_watching import CoWatching
from training.franchises.distinctive_words import find_distinctive_words
from training.franchises.titles import read_title
from training.lists.interactions import Interactions


def watched_by_two_crowds(n_entries: int, crowds: list[list[int]]) -> Interactions:
    """Lists where 40 people watch all of a crowd's anime (rows), and 40 others something unrelated."""
    others = [n_entries + row for row in range(len(FILLER))]
    rows = [
        (100 * number + user, row + 1, 8, 2)
        for number, crowd in enumerate([*crowds, others])
        for user in range(40)
        for row in crowd
    ]
    return make_interactions(rows, range(1, n_entries + len(FILLER) + 1))


def test_who_watches_what_decides_where_titles_are_in_doubt() -> None:
    entries = [series("Kagami", 37_000), series("Kagami Toshi", 38_000)]
    assert len(group(entries, watched_by_two_crowds(2, [[0, 1]]))) == 1
    assert not group(entries, watched_by_two_crowds(2, [[0], [1]]))


def test_a_crossover_does_not_join_two_long_franchises() -> None:
    first = [series(f"Doubutsu Kishi Alpha: Hen{number}", 37_000 + number) for number in range(6)]
    second = [series(f"Yousei Gakuen Beta: Hen{number}", 37_000 + number) for number in range(6)]
    crossover = ("Doubutsu Kishi Alpha x Yousei Gakuen Beta", "Special", 38_000, 500, 1, 24)
    found = group([*first, *second, crossover])
    assert len(found) == 2
    assert {len(entries) for entries in found} <= {6, 7}


def test_words_tell_a_franchise_where_the_same_people_watch_all_that_have_them() -> None:
    together = [series(f"{word} Gandamu", 37_000) for word in ("Alpha", "Beta", "Gamma", "Delta", "Epsilon")]
    apart = [series(f"{word} Senki", 37_000) for word in ("Zeta", "Theta", "Iota", "Kappa", "Lambda")]
    entries = together + apart
    lists = watched_by_two_crowds(10, [[0, 1, 2, 3, 4], [5], [6], [7], [8], [9]])
    titles = [read_title(CARD.model_copy(update={"name": entry[0]})) for entry in entries + FILLER]
    assert find_distinctive_words(titles, CoWatching(lists)) == {"gandamu"}
    assert [len(found) for found in group(entries, lists)] == [5]


HUNTER: list[Entry] = [
    series("Hunter x Hunter", 36_000), ("Hunter x Hunter OVA", "OVA", 36_500, 900, 8, 24),
    series("Hunter x Hunter (2011)", 40_000), series("Hunter x Hunter (2011) 2", 41_000),
]  # fmt: skip


def watched_by(*crowds: tuple[int, list[int]]) -> Interactions:
    """Make lists of crowds of so many users, each with the same entries."""
    n_users = itertools.count()
    rows = [(next(n_users), titles) for size, titles in crowds for _ in range(size)]
    everything = [(user, 1 + title, 8, 2) for user, titles in rows for title in titles]
    return make_interactions(everything, range(1, len(HUNTER + FILLER) + 1))


def test_a_remake_that_most_watch_without_the_original_is_where_a_franchise_begins() -> None:
    lists = watched_by((150, [2, 3]), (40, [0, 1, 2, 3]), (200, [5]))
    (found,) = group(HUNTER, lists)
    assert found[0] == ("Hunter x Hunter (2011)", Role.MAIN)
    assert dict(found) == {
        "Hunter x Hunter (2011)": Role.MAIN, "Hunter x Hunter (2011) 2": Role.MAIN,
        "Hunter x Hunter": Role.SIDE, "Hunter x Hunter OVA": Role.SIDE,
    }  # fmt: skip


@pytest.mark.parametrize(
    "crowds",
    [
        # Nearly all who have seen it have seen the original.
        [(20, [2, 3]), (150, [0, 1, 2, 3])],
        # More have seen the original, as of a remake that is only just new.
        [(110, [2]), (120, [0, 1]), (10, [0, 1, 2])],
        # Too few have seen it to tell.
        [(50, [2, 3]), (10, [0, 1, 2, 3])],
    ],
)
def test_otherwise_it_begins_with_the_oldest(crowds: list[tuple[int, list[int]]]) -> None:
    franchises = group(HUNTER, watched_by(*crowds, (200, [5])))
    assert franchises[0][0] == ("Hunter x Hunter", Role.MAIN)


def test_lists_that_nobody_shares_say_nothing() -> None:
    watching = CoWatching(nobody_watches(4))
    pairs = np.array(list(itertools.combinations(range(4), 2)))
    assert not watching.points(pairs[:, 0], pairs[:, 1]).any()
    assert not len(watching.points(pairs[:0, 0], pairs[:0, 1]))


def test_plans_are_no_evidence_of_watching() -> None:
    lists = make_interactions([(user, anime, 0, 6) for user in range(50) for anime in (1, 2)])
    assert CoWatching(lists).viewers.tolist() == [0, 0]
