"""Franchises: which titles belong together, in what order to watch them."""

import numpy as np

from models.scoring.franchises import Role
from tests.training.franchises.small_catalogues import FILLER, Entry, group, make_catalogue, nobody_watches, series
from training.franchises.grouping import franchise_arrays


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
