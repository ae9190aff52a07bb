"""Title search."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.recommending.model import LoadedModel
from service.recommending.title_forms import normalise_title
from service.recommending.title_search import TitleSearch
from tests.service.small_bundle import ADULT_ROWS, N_ANIME, N_NEW


def _names(model: LoadedModel, query: str, limit: int = 10) -> list[str]:
    everything = np.ones(N_ANIME + N_NEW, dtype=bool)
    page = model.title_search.page(query, everything, 0, limit)
    return [model.catalogue.titles[row][0] for row in page.rows]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("Cowboy Bebop", "Cowboy Bebop"),
        ("cowboi bebop", "Cowboy Bebop"),
        ("bebop cowboy", "Cowboy Bebop"),
        ("bebop", "Cowboy Bebop"),
        ("cowb", "Cowboy Bebop"),
        ("カウボーイ", "Cowboy Bebop"),
        ("かうぼーい", "Cowboy Bebop"),
        ("ｃｏｗｂｏｙ", "Cowboy Bebop"),
        ("shingeki no", "Shingeki no Kyojin"),
        ("shingeki no bahamut", "Shingeki no Bahamut"),
        ("attack on titen", "Shingeki no Kyojin"),
        ("進撃", "Shingeki no Kyojin"),
        ("full metal alchemist", "Fullmetal Alchemist"),
        ("fullmetal alchemist brotherhood", "Fullmetal Alchemist: Brotherhood"),
        ("steins gate", "Steins;Gate"),
        ("STEINS;GATE", "Steins;Gate"),
        ("シュタインズゲート", "Steins;Gate"),
        ("pokemon", "Pokémon"),
        ("pokmon", "Pokémon"),
        ("k", "K"),
    ],
)
def test_a_title_is_found(model: LoadedModel, query: str, first: str) -> None:
    assert _names(model, query)[0] == first


@pytest.mark.parametrize("query", ["zzzzzz", "xqj wvk", "?!?", "   ", "ꙮꙮꙮ"])
def test_nothing_is_found_for_nonsense(model: LoadedModel, query: str) -> None:
    assert _names(model, query) == []


def test_the_exact_title_comes_before_more_popular_ones_that_begin_with_it(model: LoadedModel) -> None:
    # "Fullmetal Alchemist: Brotherhood" is the more popular one.
    assert _names(model, "fullmetal alchemist") == ["Fullmetal Alchemist", "Fullmetal Alchemist: Brotherhood"]


def test_popularity_decides_between_equal_matches(model: LoadedModel) -> None:
    assert _names(model, "shingeki") == ["Shingeki no Kyojin", "Shingeki no Bahamut"]


def test_punctuation_that_was_typed_tells_titles_apart() -> None:
    search = TitleSearch([["Gintama"], ["Gintama'"], ["Gintama°"]], np.array([3, 2, 1]))
    everything = np.ones(3, dtype=bool)
    assert search.page("gintama", everything, 0, 3).rows == [0, 1, 2]
    assert search.page("gintama'", everything, 0, 3).rows[0] == 1


def test_a_title_of_nothing_but_punctuation_can_be_found() -> None:
    search = TitleSearch([["!!!"], ["Haikyuu!!"]], np.array([1, 2]))
    assert search.page("!!!", np.ones(2, dtype=bool), 0, 5).rows == [0]


def test_filters_apply_before_the_search_ranks(model: LoadedModel) -> None:
    allowed = np.ones(N_ANIME + N_NEW, dtype=bool)
    allowed[list(ADULT_ROWS)] = False
    page = model.title_search.page("made up title", allowed, 0, 100)
    assert page.total == len(page.rows) == N_ANIME - 10 - sum(row >= 10 for row in ADULT_ROWS)
    assert not set(page.rows) & set(ADULT_ROWS)


@given(query=st.text(max_size=40))
def test_any_text_can_be_searched_for_and_ranks_by_relevance(query: str) -> None:
    search = TitleSearch([["Cowboy Bebop", "カウボーイ"], ["K"], ["Steins;Gate"]], np.array([1, 2, 3]))
    page = search.page(query, np.ones(3, dtype=bool), 0, 10)
    assert page.scores == sorted(page.scores, reverse=True)
    assert all(0.0 < score <= 1.0 for score in page.scores)


@example(title="\x02")
@given(title=st.text(min_size=1, max_size=40).filter(str.strip))
def test_every_title_finds_itself_first(title: str) -> None:
    search = TitleSearch([["Cowboy Bebop"], [title], ["Steins;Gate"]], np.array([9, 1, 9]))
    if normalise_title(title):
        assert search.page(title, np.ones(3, dtype=bool), 0, 10).rows[0] == 1 or title.casefold() in {
            "cowboy bebop",
            "steins;gate",
        }


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Steins;Gate", "steins gate"),
        ("Pokémon", "pokemon"),
        ("Hunter × Hunter", "hunter x hunter"),
        ("JoJo's Bizarre Adventure", "jojos bizarre adventure"),
        ("ガンダム", "ガンダム"),
        ("ｶﾞﾝﾀﾞﾑ", "ガンダム"),
        ("がんだむ", "ガンダム"),
        ("Kaguya-sama wa Kokurasetai?", "kaguya sama wa kokurasetai"),
        ("◯", "◯"),
    ],
)
def test_titles_are_compared_without_what_people_do_not_type(title: str, words: str) -> None:
    assert normalise_title(title) == words


def _found(titles: list[list[str]], query: str) -> dict[int, float]:
    """Search among equally popular anime; give rows and relevance."""
    search = TitleSearch(titles, np.ones(len(titles), dtype=np.int32))
    page = search.page(query, np.ones(len(titles), dtype=bool), 0, 1000)
    assert page.total == len(page.rows)
    return dict(zip(page.rows, page.scores, strict=True))


@pytest.mark.parametrize(
    ("query", "relevance"),
    [
        ("cowboy bebop", 1.0),
        ("CowboyBebop", 0.98),
        ("cowboy", 0.9),
        ("cowb", 0.85),
        ("bebop", 0.8),
        ("beb cow", 0.8),
        ("owboy", 0.7),
        # 11 of 12 letters, the space being one, in whatever order the words come: 0.7 times 22 / 24.
        ("cowboi bebop", 0.7 * 22 / 24),
        ("bebop cowboi", 0.7 * 22 / 24),
    ],
)
def test_the_better_a_name_agrees_the_more_it_is_worth(query: str, relevance: float) -> None:
    assert _found([["Cowboy Bebop"]], query) == {0: pytest.approx(relevance)}


@pytest.mark.parametrize(
    ("name", "query", "relevance"),
    [
        # 13 of 18 letters are .722, 5 of 7 are .714: .72 has to be reached.
        ("abcdefghijklmnopqr", "abcdefghijklmzyxwv", 0.7 * 13 / 18),
        ("abcdefg", "abcdezy", None),
        # 5 of 9 pairs of letters are shared; then 5 of 13, fewer than .4, although 20 of 24 letters agree.
        ("abcdefghij", "abxdefxhij", 0.7 * 8 / 10),
        ("abcdefghij", "abxcdxefxghxij", None),
    ],
)
def test_what_is_too_unlike_is_not_found(name: str, query: str, relevance: float | None) -> None:
    assert _found([[name]], query) == ({} if relevance is None else {0: pytest.approx(relevance)})


def test_the_name_that_agrees_best_counts() -> None:
    assert _found([["Naruto", "Narutos"], ["Narutos", "Naruto"]], "naruto") == {0: 1.0, 1: 1.0}


def test_of_many_names_alike_three_hundred_of_the_most_popular_are_compared() -> None:
    n = 320
    titles = [["abcdefghxj"]] * (n - 1) + [["abcdefghix"]]
    popularity = np.arange(n)[::-1].copy()
    page = TitleSearch(titles, popularity).page("abcdefghij", np.ones(n, dtype=bool), 0, 1000)
    assert page.total == 300
    # The least popular shares the most pairs with the query.
    assert sorted(page.rows) == [*range(299), n - 1]


def test_equally_popular_titles_stay_in_their_order_from_page_to_page() -> None:
    search = TitleSearch([["a"], ["b"], ["c"], ["d"], ["e"]], np.array([5, 9, 5, 0, 5]))
    allowed = np.array([True, True, True, True, False])
    pages = [search.most_popular(allowed, offset, 2) for offset in (0, 2, 4)]
    assert [page.rows for page in pages] == [[1, 0], [2, 3], []]
    assert {page.total for page in pages} == {4}


def best(
    titles: list[list[str]], known_by: list[int], query: str, years: list[int] | None = None
) -> tuple[int, float]:
    search = TitleSearch(titles, np.array(known_by), None if years is None else np.array(years))
    found = search.best(query)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("sao", "Sword Art Online"),
        ("S.A.O.", "Sword Art Online"),
        ("sao 2", "Sword Art Online II"),
        ("bnha", "Boku no Hero Academia"),
        ("kwk", "Kaguya-sama wa Kokurasetai"),
        ("logh", "Legend of the Galactic Heroes"),
        ("mp100", "Mob Psycho 100"),
        ("fmab", "Fullmetal Alchemist: Brotherhood"),
        ("ttgl", "Tengen Toppa Gurren Lagann"),
    ],
)
def test_what_many_know_is_found_by_its_initials(query: str, title: str) -> None:
    others = [
        "Sword Art Online",
        "Full Metal Panic!",
        "Full House",
        "Metal Fight",
        "Brother, Dear Brother",
        "Neighborhood",
    ]
    titles = [[title], *([name] for name in others if name != title)]
    assert best(titles, [900] + [10] * (len(titles) - 1), query) == (0, 0.93)


@pytest.mark.parametrize(("second", "relevance"), [(200, 0.93), (300, 0.8)])
def test_initials_of_two_are_sure_where_one_is_far_better_known(second: int, relevance: float) -> None:
    titles = [["Hunter x Hunter (2011)", "Hunter x Hunter"], ["Hanasaku x Hoshi"]]
    assert best(titles, [1000, second], "hxh") == (0, relevance)


def test_initials_are_not_sure_where_a_better_known_title_begins_with_the_letters() -> None:
    assert best([["Naruto"], ["Neko a Rabu"]], [1000, 500], "nar") == (0, 0.85)


def test_initials_of_what_few_know_are_not_sure() -> None:
    titles = [[f"Known {number}"] for number in range(2_000)] + [["Chou Super Mono"]]
    assert best(titles, [100] * 2_000 + [99], "csm") == (2_000, 0.8)
