"""Franchises: which titles belong together, in what order to watch them, and how well that is known."""

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.scoring.franchises import Role
from tests.training.dump.test_traits import CARD
from tests.training.franchise_truth import leave_out_unreliable, measure_grouping, read_franchise_truth
from tests.training.interactions_for_tests import make_interactions
from training.dump.catalogue import Catalogue, catalogue_arrays, read_catalogue
from training.dump.files import find_dump
from training.dump.rejects import RejectedRows
from training.dump.traits import AnimeTraits
from training.franchises.co_watching import CoWatching
from training.franchises.distinctive_words import find_distinctive_words
from training.franchises.grouping import franchise_arrays
from training.franchises.new_anime import first_rows_of_new
from training.franchises.title_points import TitlePoints
from training.franchises.titles import Title, Wording, read_japanese, read_title, read_wording
from training.lists.interactions import Interactions
from training.lists.prepare import prepare
from training.lists.thresholds import Thresholds

Arrays = dict[str, NDArray[Any]]

# Name, type, day of the first airing, members, episodes, minutes.
Entry = tuple[str, str, int, int, int, int]
FILLER: list[Entry] = [(f"Unrelated{letter} Number{letter}", "TV", 30_000, 500, 12, 24) for letter in "abcdefghij"]
# What began in the last months before the dump is treated as new.
FILLER[-1] = ("Shinsaku", "TV", 45_000, 500, 12, 24)


def make_catalogue(entries: list[Entry]) -> Arrays:
    cards, traits = {}, {}
    for anime_id, (name, kind, day, members, episodes, minutes) in enumerate(entries, start=1):
        update = {"anime_id": anime_id, "name": name, "type": kind, "members": members or None}
        cards[anime_id] = CARD.model_copy(update=update | {"episodes": episodes or None})
        traits[anime_id] = AnimeTraits(start_day=day, minutes=minutes)
    return catalogue_arrays(Catalogue(cards, frozenset(), traits), np.arange(1, len(cards) + 1))


def nobody_watches(n_anime: int) -> Interactions:
    return make_interactions([(1, 1, 0, 2)], range(1, n_anime + 1))


def group(entries: list[Entry], lists: Interactions | None = None) -> list[list[tuple[str, Role]]]:
    """Group a small catalogue; give the franchises of more than one entry, in the order to watch them."""
    everything = entries + FILLER
    arrays = franchise_arrays(lists or nobody_watches(len(everything)), make_catalogue(everything))
    codes, positions, roles = (arrays[f"franchise_{name}"] for name in ("codes", "positions", "roles"))
    found = []
    for code in range(int(codes.max()) + 1):
        rows = sorted(np.flatnonzero(codes == code).tolist(), key=lambda row: int(positions[row]))
        assert [int(positions[row]) for row in rows] == list(range(len(rows)))
        assert roles[rows[0]] == Role.MAIN
        if len(rows) > 1:
            found.append([(everything[row][0], Role(int(roles[row]))) for row in rows])
    return found


def series(name: str, day: int, members: int = 10_000) -> Entry:
    return name, "TV", day, members, 12, 24


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


def test_seasons_are_grouped_by_their_titles_alone_and_ordered_by_date() -> None:
    entries = [
        series("Ookami to Koushinryou II", 39_000), series("Ookami to Koushinryou", 38_000),
        series("Ookami Kodomo no Ame", 37_000),
    ]  # fmt: skip
    assert group(entries) == [[("Ookami to Koushinryou", Role.MAIN), ("Ookami to Koushinryou II", Role.MAIN)]]


def test_extras_come_after_the_season_they_belong_to_and_never_first() -> None:
    entries: list[Entry] = [
        ("Tatakau Mahoutsukai Hime Pilot", "Special", 36_000, 900, 1, 24),
        series("Tatakau Mahoutsukai Hime", 37_000),
        ("Tatakau Mahoutsukai Hime Recaps", "Special", 37_050, 700, 1, 24),
        ("Tatakau Mahoutsukai Hime 2nd Season Picture Drama", "Special", 37_900, 700, 1, 24),
        series("Tatakau Mahoutsukai Hime 2nd Season", 38_000, 8_000),
        ("Tatakau Mahoutsukai Hime OVA", "OVA", 38_500, 900, 1, 24),
    ]
    assert group(entries) == [
        [
            ("Tatakau Mahoutsukai Hime", Role.MAIN),
            ("Tatakau Mahoutsukai Hime Pilot", Role.EXTRA),
            ("Tatakau Mahoutsukai Hime Recaps", Role.EXTRA),
            ("Tatakau Mahoutsukai Hime 2nd Season", Role.MAIN),
            ("Tatakau Mahoutsukai Hime 2nd Season Picture Drama", Role.EXTRA),
            ("Tatakau Mahoutsukai Hime OVA", Role.SIDE),
        ]
    ]


def test_a_film_is_of_the_main_line_where_those_who_go_on_have_seen_it() -> None:
    before, after = (
        series("Rurouni Makai Kishi", 37_000),
        series("Rurouni Makai Kishi: Saigo no Tatakai", 39_000, 9_000),
    )
    needed: Entry = ("Rurouni Makai Kishi Movie", "Movie", 38_000, 8_000, 1, 100)
    ignored: Entry = ("Rurouni Makai Kishi Movie", "Movie", 38_000, 2_000, 1, 100)
    assert [role for _, role in group([before, needed, after])[0]] == [Role.MAIN, Role.MAIN, Role.MAIN]
    assert [role for _, role in group([before, ignored, after])[0]] == [Role.MAIN, Role.SIDE, Role.MAIN]


def test_the_yearly_films_of_a_long_series_are_side_stories() -> None:
    long_series: Entry = ("Kaizoku Oukoku Monogatari", "TV", 36_000, 9_000, 500, 24)
    film: Entry = ("Kaizoku Oukoku Monogatari Movie 1", "Movie", 37_000, 8_000, 1, 60)
    assert group([film, long_series]) == [
        [("Kaizoku Oukoku Monogatari", Role.MAIN), ("Kaizoku Oukoku Monogatari Movie 1", Role.SIDE)]
    ]


def test_a_spin_off_of_shorts_is_no_season() -> None:
    shorts: Entry = ("Ginga Tantei Kurabu Gakuen: Mini Theatre", "TV", 37_500, 3_000, 12, 3)
    entries = [series("Ginga Tantei Kurabu", 37_000), shorts, series("Ginga Tantei Kurabu 2", 38_000)]
    roles = dict(group(entries)[0])
    assert roles["Ginga Tantei Kurabu Gakuen: Mini Theatre"] is not Role.MAIN
    assert roles["Ginga Tantei Kurabu 2"] is Role.MAIN


def test_no_second_season_is_of_the_main_line_without_the_first_however_few_know_it() -> None:
    entries = [
        series("Ginga Tantei Kurabu", 32_000, 90_000),
        series("Ginga Tantei Kurabu Gaiden", 33_000, 2_000),
        series("Ginga Tantei Kurabu Gaiden 2nd Season", 34_000, 50_000),
        series("Ginga Tantei Kurabu 2", 35_000, 80_000),
    ]
    assert [role for _, role in group(entries)[0]] == [Role.MAIN] * 4


def test_a_franchise_has_a_main_line_even_where_its_best_known_entry_is_a_short() -> None:
    shorts: Entry = ("Ginga Tantei Kurabu Gakuen", "TV", 32_500, 90_000, 12, 3)
    found = group([series("Ginga Tantei Kurabu", 32_000, 500), shorts])
    assert [role for _, role in found[0]] == [Role.MAIN, Role.SIDE]


def test_unknown_dates_come_last() -> None:
    found = group([series("Shinigami Techou Nikki 3", 0), series("Shinigami Techou Nikki", 37_000)])
    assert [name for name, _ in found[0]] == ["Shinigami Techou Nikki", "Shinigami Techou Nikki 3"]


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


def test_a_single_anime_is_its_own_franchise() -> None:
    arrays = franchise_arrays(nobody_watches(1), make_catalogue([series("Solo", 37_000)]))
    assert [arrays[name].tolist() for name in sorted(arrays)] == [[0], [0], [0]]
    assert [str(arrays[name].dtype) for name in sorted(arrays)] == ["int32", "int16", "uint8"]


def test_grouping_is_repeatable_and_numbered_by_first_row() -> None:
    entries = [series(f"Ookami to Koushinryou {number}", 37_000 + number) for number in range(1, 4)] + FILLER
    first, second = (franchise_arrays(nobody_watches(len(entries)), make_catalogue(entries)) for _ in range(2))
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])
    codes = first["franchise_codes"].tolist()
    assert list(dict.fromkeys(codes)) == sorted(set(codes))


def _first_rows_of_new(known: list[Entry], new: list[Entry]) -> list[int]:
    catalogue = make_catalogue(known + FILLER)
    franchises = franchise_arrays(nobody_watches(len(known + FILLER)), catalogue)
    return [int(row) for row in first_rows_of_new(catalogue, make_catalogue(new), franchises)]


def test_a_new_anime_belongs_to_the_franchise_whose_titles_are_like_its_own() -> None:
    known = [
        series("Kaizoku Monogatari 2nd Season", 40_000),
        series("Kaizoku Monogatari", 39_000),
        series("Ao no Umi", 1),
    ]
    new = [
        series("Hitori Tabi", 41_000),
        series("Kaizoku Monogatari Specials", 41_000),
        series("Hitori Tabi 2", 42_000),
    ]
    n_known = len(known + FILLER)
    # The first entry of the franchise is its first season; what is like no known anime stands alone.
    assert _first_rows_of_new(known, new) == [n_known, 1, n_known + 2]


def test_a_new_anime_belongs_to_the_franchise_that_it_is_most_like() -> None:
    known = [series("Kaizoku Monogatari", 39_000), series("Kaizoku Monogatari Ao no Umi", 40_000)]
    known.append(series("Ginga Eiyuu Densetsu", 30_000))
    assert _first_rows_of_new(known, [series("Ginga Eiyuu Densetsu Movie", 41_000)]) == [2]


def test_without_new_anime_there_is_nothing_to_find() -> None:
    catalogue = make_catalogue(FILLER)
    none = {name: array[:0] for name, array in catalogue.items()}
    assert first_rows_of_new(catalogue, none, {}).tolist() == []


def test_titles_without_a_word_do_not_fall_together() -> None:
    assert not group([series("！！！", 37_000), series("？？？", 38_000)])
    assert read_wording("！！！") == Wording()
    assert read_title(CARD) == Title(Wording(("a",), ("a",), ("a",)), Wording(), "", extra=False)


def test_pairs_are_counted_among_anime_of_which_the_truth_is_known() -> None:
    anime_ids, truth = np.array([1, 2, 3, 4, 5, 6]), {1: 7, 2: 7, 3: 7, 4: 8, 5: 8}
    # Together: 1-2 (right), 3-4 (wrong), 5-6 (not known). Related: 1-2, 1-3, 2-3, 4-5.
    measure = measure_grouping(np.array([0, 0, 1, 1, 2, 2]), anime_ids, truth)
    assert (measure.n_together, measure.n_related) == (2, 4)
    assert (measure.precision, measure.recall) == (0.5, 0.25)
    nothing = measure_grouping(np.arange(6), anime_ids, {})
    assert math.isnan(nothing.precision)
    assert math.isnan(nothing.recall)


def test_franchises_that_crossovers_merge_or_the_list_tears_apart_are_not_believed() -> None:
    names = {
        1: "Giant",
        2: "Giant 2",
        3: "Giant 3",
        4: "Torn: A",
        5: "Torn: B",
        6: "Torn: C",
        7: "Sound",
        8: "Sound 2",
    }
    truth = {1: 1, 2: 1, 3: 1, 4: 2, 5: 3, 6: 4, 7: 5, 8: 5, 9: 5}
    assert leave_out_unreliable(truth, names, max_size=2 + 1) == {1: 1, 2: 1, 3: 1, 7: 5, 8: 5}
    assert leave_out_unreliable(truth, names, max_size=2) == {}


@pytest.mark.real_data
@pytest.mark.slow
def test_real_franchises_are_found_with_a_precision_of_95_percent(mal_data: Path, tmp_path: Path) -> None:
    dump = find_dump(mal_data)
    with RejectedRows(tmp_path / "rejected.csv") as rejects:
        prepared = prepare(dump, Thresholds(), rejects)
        everything = read_catalogue(dump.catalogue, None, rejects)
    arrays = franchise_arrays(prepared.interactions, prepared.catalogue)
    names = {anime_id: card.name for anime_id, card in everything.cards.items()}
    truth = leave_out_unreliable(read_franchise_truth(dump), names)
    # The half that chose nothing.
    truth = {anime_id: franchise for anime_id, franchise in truth.items() if franchise % 2 == 1}
    measure = measure_grouping(arrays["franchise_codes"], prepared.interactions.anime_ids, truth)
    assert measure.n_related > 2_500
    assert measure.precision >= 0.95
    assert measure.recall >= 0.75
