"""Which franchise a new anime belongs to."""

from tests.training.franchises.small_catalogues import FILLER, Entry, make_catalogue, nobody_watches, series
from training.franchises.grouping import franchise_arrays
from training.franchises.new_anime import first_rows_of_new


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
