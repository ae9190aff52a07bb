"""What the re-ranker says in words of why it ranked an anime where it did."""

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.reranker import RerankedList, reranker_of
from models.scoring.user_list import UserList
from service.recommending.catalogue import Catalogue
from service.recommending.explanations import FeatureWords, SeenFacts
from tests.service.small_bundle import GENRES, N_ANIME, TITLES


def _words_of(bundle: Bundle) -> FeatureWords:
    reranker = reranker_of(bundle)
    assert reranker is not None
    return FeatureWords(bundle, reranker, Catalogue(bundle).titles)


def _rows(*rows: int) -> NDArray[np.int32]:
    return np.array(rows, dtype=np.int32)


def _unrated(*rows: int) -> UserList:
    return UserList(_rows(*rows), np.zeros(len(rows), np.uint8), np.full(len(rows), 2, np.uint8))


def test_a_franchise_is_named_by_what_was_seen_of_it(bundle: Bundle) -> None:
    words = _words_of(bundle)
    # Rows 0, 1, 2 are one franchise.
    places = bundle.franchise_positions[:3].tolist()
    first, last = int(np.argmin(places)), int(np.argmax(places))
    middle = 3 - first - last
    name = {row: TITLES[row][0] for row in range(3)}
    assert words._say_franchise(middle, SeenFacts(bundle, _rows(first, 9))) == f"comes after {name[first]}"
    assert (
        words._say_franchise(last, SeenFacts(bundle, _rows(*sorted((first, middle)), 9)))
        == f"comes after {name[middle]}"
    )
    assert words._say_franchise(first, SeenFacts(bundle, _rows(last, 9))) == f"of the franchise of {name[last]}"
    assert words._say_franchise(1, SeenFacts(bundle, _rows(9))) is None


def test_a_studio_is_named_where_it_is_known_and_was_seen(bundle: Bundle) -> None:
    words, codes = _words_of(bundle), bundle.studio_codes
    known, unknown = (np.flatnonzero(codes == code) for code in (1, 0))
    assert words._say_studio(int(known[0]), SeenFacts(bundle, _rows(*known[1:4]))) == "by Bones, like 3 on the list"
    assert words._say_studio(int(known[0]), SeenFacts(bundle, _rows(*np.flatnonzero(codes == 2)))) is None
    assert words._say_studio(int(unknown[0]), SeenFacts(bundle, _rows(*unknown[1:4]))) is None


def test_genres_are_named_that_the_list_has_more_of_than_all_anime(bundle: Bundle) -> None:
    words = _words_of(bundle)
    drama = np.flatnonzero(bundle.anime_genres[:, GENRES.index("Drama")])
    said = words._say_genres(int(drama[0]), SeenFacts(bundle, drama[1:].astype(np.int32)))
    assert said is not None
    assert said.endswith(": this list has much of it")
    assert "Drama" in said.partition(":")[0].split(" and ")
    assert len(said.partition(":")[0].split(" and ")) <= 2
    none = np.flatnonzero(~bundle.anime_genres.any(axis=1))
    assert words._say_genres(int(drama[0]), SeenFacts(bundle, none.astype(np.int32))) is None
    assert words._say_genres(int(drama[0]), SeenFacts(bundle, _rows())) is None


def test_years_are_said_where_they_are_known(bundle: Bundle) -> None:
    words = _words_of(bundle)
    assert bundle.years[[10, 11, 12, 14]].tolist() == [2000, 2001, 2002, 0]
    assert (
        words._say_years(11, SeenFacts(bundle, _rows(10, 12, 20))) == "from the years around 2001, like 2 on the list"
    )
    assert words._say_years(11, SeenFacts(bundle, _rows(20))) is None
    assert words._say_years(14, SeenFacts(bundle, _rows(10, 12, 19))) is None
    assert words._say_years(11, SeenFacts(bundle, _rows())) is None


def test_words_are_of_what_raised_an_anime_the_strongest_first(bundle: Bundle) -> None:
    words = _words_of(bundle)
    effects = {"franchise": 0.2, "neighbourhood": 0.9, "studio": -3.0, "genres": 0.09, "years": 0.5}
    told = words._words(1, effects, SeenFacts(bundle, _rows(0, 2)), [])
    assert told == [
        "seen by many with a list like this one",
        "from the years around 1991, like 2 on the list",
        words._say_franchise(1, SeenFacts(bundle, _rows(0, 2))),
    ]


def test_what_only_the_first_stage_ranked_has_no_words(bundle: Bundle) -> None:
    words = _words_of(bundle)
    places = np.full(N_ANIME, -1, dtype=np.int16)
    places[4] = 0
    features = np.full((1, len(bundle.manifest.reranker_features)), 3.0, dtype=np.float32)
    reranked = RerankedList(np.zeros(N_ANIME, np.float32), places, features)
    told = words.explain(reranked, _unrated(0, 3, 9), [8, 4, 11])
    assert told[0] == told[2] == []
    assert words.explain(reranked, _unrated(0, 3, 9), []) == []
    assert told[1] == words.explain(reranked, _unrated(0, 3, 9), [4])[0]


def test_no_words_of_a_list_without_entries_are_made_up(bundle: Bundle) -> None:
    nothing = UserList(_rows(), np.empty(0, np.uint8), np.empty(0, np.uint8))
    reranker = reranker_of(bundle)
    assert reranker is not None
    allowed = np.ones(N_ANIME, dtype=bool)
    reranked = reranker.rerank(nothing, np.zeros((N_ANIME, 2), np.float32), allowed)
    told = _words_of(bundle).explain(reranked, nothing, list(range(N_ANIME)))
    assert {word for words in told for word in words} <= {"seen by many with a list like this one"}
