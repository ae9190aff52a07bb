"""Every feature of the ranker of similar anime, and its candidates, held to a slow way of working them out."""

import functools
import itertools
import math
from typing import Any, Final, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from models.bundle.card import AnimeCard
from tests.models.small_bundle import Arrays, make_arrays, unit_rows
from tests.training.interactions_for_tests import make_interactions, rows_of
from tests.training.slow_pairs import (
    Matrix,
    SlowTraits,
    SlowViewers,
    content,
    evidence_of_lists,
    expected_embeddings,
    genre_directions,
    groups_of_letters,
    neighbourhoods,
    of_counts,
    tf_idf,
    topics,
    without_itself,
)
from training.lists.interactions import Interactions
from training.similar_anime import features
from training.similar_anime.catalogue_evidence import GENRES
from training.similar_anime.config import SimilarConfig
from training.similar_anime.evidence import gather_evidence
from training.similar_anime.features import Pairs, make_pair_evidence
from training.similar_anime.ranker import SHIPPED_FILE, load_ranker
from training.similar_anime.texts import read_texts

N_ANIME: Final = 290
QUERIES: Final = (0, 7, 101, 256, 289)
NAMES: Final = tuple(load_ranker(SHIPPED_FILE).names.tolist())
# Kinds of evidence of which the tenth best of query and candidate is known.
COMPARED: Final = ("weight_for", "weight_from", "cosine", "liked_cosine", "even_cosine", "embedding")
POOLS: Final = {
    "weight_for": 60,
    "weight_from": 60,
    "liked_cosine": 60,
    "cosine": 40,
    "even_cosine": 40,
    "embedding": 40,
    "neighbours": 40,
    "expected": 40,
    "expected_of_query": 50,
    "expected_of_other": 30,
    "genres": 20,
    "synopsis": 30,
    "topics": 40,
}


class World(NamedTuple):
    """Lists, a catalogue, and the words and letters that texts are made of."""

    lists: Interactions
    embeddings: NDArray[np.float32]
    catalogue: Arrays
    cards: list[AnimeCard]
    words: list[list[str]]
    plain_words: list[list[str]]


def _lists(rng: np.random.Generator) -> Interactions:
    """Half of what users see is of one taste of six; some anime few have seen, and one nobody but as a plan."""
    rare = np.where(np.arange(N_ANIME) % 9 == 0, 0.1, 1.0)
    alike = np.arange(180)[:, None] % 6 == np.arange(N_ANIME) % 6
    seen = rng.random(alike.shape) < np.where(alike, 0.3, 0.05) * rare
    seen[0] |= ~seen.any(axis=0)
    return make_interactions(
        [
            (int(user), int(anime), int(rng.integers(0, 11)), int(rng.choice([0, 1, 2, 3, 4, 6])))
            for user, anime in np.argwhere(seen)
        ]
    )


def _catalogue(rng: np.random.Generator) -> Arrays:
    catalogue = make_arrays(N_ANIME, 3, seed=4)
    for name in ("mean_scores", "start_days", "episodes", "minutes", "members", "favorites"):
        catalogue[name] = np.where(rng.random(N_ANIME) < 0.1, 0, catalogue[name]).astype(catalogue[name].dtype)
    catalogue["anime_genres"] = rng.random((N_ANIME, 5)) < [0.9, 0.4, 0.3, 0.1, 0.05]
    catalogue["genre_names"] = np.array(["Action", "Drama", "Space", "Vampire", "Unheard Of"])
    catalogue["adult"] = rng.random(N_ANIME) < 0.2
    for kind, n_codes in (("studio", 9), ("source", 5), ("age_rating", 4)):
        catalogue[f"{kind}_codes"] = rng.integers(0, n_codes, N_ANIME)
    return catalogue


def _texts(rng: np.random.Generator) -> tuple[list[AnimeCard], list[list[str]], list[list[str]]]:
    """Write synopses of words and names, among what says nothing: short and common words, and who wrote it."""
    letters = ["".join(some) for some in itertools.permutations("bdgkmr", 3)]
    stems = ["kumo", "hoshi", "neko", "ryuu", "sakura", "tetsu", "yama", "kaze", "umi", "mori"]
    nothing = ["the", "go", "with", "xy"]
    said_by = ["(Source: Wikipedia)", "[Written by MAL Rewrite]", "\nSource: somebody famous", "(adapted from ANN)"]
    cards, words, plain = [], [], []
    for row in range(N_ANIME):
        n_words = 0 if row % 29 == 28 else int(rng.integers(4, 9))
        # The first is in one synopsis of five, which is too many.
        some = [letters[int(at)] for at in (90 * rng.random(n_words) ** 1.5)]
        some += ["zzz"] * (row % 5 == 0) + some[:2] * (row % 3)
        names = ["Yuki"] * (row % 13 == 0) + ["Akira"] * (row % 17 == 0)
        sentence = " ".join([*some[:2], *names, *some[2:], nothing[row % 4] if row % 16 < 4 else ""])
        synopsis = f"{sentence}. {said_by[row % 4] if row % 12 < 4 else ''}"
        title = f"{stems[row % 10]}{stems[row // 10 % 7]} {row // 70} {'ab' * (row % 2)}"
        english = f"Tale of {row // 6}" if row % 3 else None
        cards.append(_card(row, title, english, synopsis))
        words.append([word.lower() for word in [*some, *names]])
        plain.append(some)
    return cards, words, plain


def _card(row: int, name: str, english_name: str | None, synopsis: str) -> AnimeCard:
    unknown: dict[str, Any] = dict.fromkeys(
        ("japanese_name", "type", "episodes", "year", "score", "members", "age_rating")
    )
    return AnimeCard(
        anime_id=row, name=name, english_name=english_name, genres=[], synopsis=synopsis, url="", **unknown
    )


@functools.cache
def world() -> World:
    rng = np.random.default_rng(5)
    cards, words, plain = _texts(rng)
    return World(_lists(rng), unit_rows(N_ANIME, 6, rng), _catalogue(rng), cards, words, plain)


@functools.cache
def describe(n_candidates: int = 200) -> Pairs:
    of_lists = gather_evidence(world().lists, world().embeddings, SimilarConfig())
    evidence = make_pair_evidence(of_lists, world().catalogue, read_texts(world().cards))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "N_CANDIDATES", n_candidates)
        return evidence.describe(np.array(QUERIES))


@functools.cache
def slow_viewers() -> SlowViewers:
    return SlowViewers(rows_of(world().lists), N_ANIME)


@functools.cache
def slow_traits() -> SlowTraits:
    return SlowTraits(world().catalogue)


@functools.cache
def slow_blocks() -> dict[str, Matrix]:
    """Give every kind of evidence of every pair."""
    here, viewers = world(), slow_viewers()
    blocks = evidence_of_lists(viewers, here.embeddings.astype(np.float64), N_ANIME)
    directions = genre_directions(here.catalogue["anime_genres"].astype(np.float64))
    synopses = tf_idf(here.words, 3, 0.1)
    plain = tf_idf(here.plain_words, 3, 0.1)
    about = topics(plain, min(100, plain.shape[1] - 1))
    titles = [groups_of_letters(f"{card.name} {card.english_name or ''}") for card in here.cards]
    letters = tf_idf(titles, 2, 0.05)
    blocks |= {
        "genres": without_itself(directions @ directions.T),
        "synopsis": without_itself(synopses @ synopses.T),
        "topics": without_itself(about @ about.T),
        "title": without_itself(letters @ letters.T),
        "neighbours": neighbourhoods(viewers.inverse(N_ANIME)),
    }
    embeddings = here.embeddings.astype(np.float64)
    expected = expected_embeddings(content(about, here.catalogue), embeddings, viewers.counts)
    blocks |= {
        "expected": without_itself(expected @ expected.T),
        "expected_of_other": without_itself(embeddings @ expected.T),
        "expected_of_query": without_itself(expected @ embeddings.T),
    }
    weights = blocks["weight_for"]
    strongest = np.maximum(weights.max(axis=1, keepdims=True), 1e-9)
    blocks["blend"] = weights / strongest + 0.3 * blocks["genres"] + 0.6 * blocks["synopsis"]
    return blocks


def slow_features(query: int, other: int) -> dict[str, float]:
    """Give all features of a pair but places among candidates."""
    blocks = slow_blocks()
    features = {kind: float(block[query, other]) for kind, block in blocks.items()}
    for kind in COMPARED:
        seen_from_other = {"weight_for": "weight_from", "weight_from": "weight_for"}.get(kind, kind)
        for name, whose, row in (("query", kind, query), ("other", seen_from_other, other)):
            tenth = max(float(np.sort(blocks[whose][row])[-10]), 1e-6)
            features[f"{kind}_of_{name}"] = features[kind] / tenth
    del features["weight_for"], features["weight_from"]
    counted = of_counts(slow_viewers(), query, other)
    return features | counted | slow_traits().compare(query, other)


def test_every_feature_of_a_pair_is_what_the_slow_way_gives() -> None:
    pairs = describe()
    assert pairs.names == NAMES
    # One pair in seven is enough of them, and the slow way is slow.
    some = range(0, len(pairs.queries), 7)
    slow = [slow_features(int(pairs.queries[at]), int(pairs.others[at])) for at in some]
    placed = {name for name in NAMES if name.endswith("_place")}
    assert set(slow[0]) == set(NAMES) - placed
    for column, name in enumerate(NAMES):
        if name not in placed:
            expected = [features[name] for features in slow]
            np.testing.assert_allclose(pairs.features[some, column], expected, rtol=2e-3, atol=1e-4, err_msg=name)


def test_anime_on_few_lists_say_what_they_would_say_alone() -> None:
    rows, embeddings = np.array(QUERIES), world().embeddings
    found = gather_evidence(world().lists, embeddings, SimilarConfig(n_dense=120)).weights(rows)
    expected = evidence_of_lists(slow_viewers(), embeddings.astype(np.float64), 120)
    for kind in ("weight_for", "weight_from"):
        np.testing.assert_allclose(found[kind], expected[kind][rows], rtol=2e-3, atol=1e-5)
        assert np.abs(expected[kind] - slow_blocks()[kind]).max() > 0.01


def test_every_feature_of_pairs_varies() -> None:
    spreads = np.nanstd(describe().features, axis=0)
    constant = {name for name, spread in zip(NAMES, spreads.tolist(), strict=True) if not spread > 1e-3}
    in_catalogue = {"Action", "Drama", "Space", "Vampire"}
    assert {name.partition("_")[2] for name in constant} - {"Vampire"} == set(GENRES) - in_catalogue


def test_what_is_not_known_is_no_number() -> None:
    pairs = describe()
    of_other = {"year": "start_days", "score": "mean_scores", "episodes": "episodes", "minutes": "minutes"}
    for name, array in of_other.items():
        unknown = world().catalogue[array][pairs.others] == 0
        assert unknown.any()
        np.testing.assert_array_equal(np.isnan(pairs.features[:, NAMES.index(name)]), unknown)


@pytest.mark.parametrize("kind", sorted({*slow_blocks()} - {"title"}))
def test_places_are_those_among_the_candidates_of_the_query(kind: str) -> None:
    pairs, block = describe(), slow_blocks()[kind]
    for query in QUERIES:
        mine = pairs.queries == query
        placed, values = pairs.features[mine, NAMES.index(f"{kind}_place")], block[query, pairs.others[mine]]
        order = np.argsort(-placed, kind="stable")
        expected = [-math.log(place) for place in range(1, len(order) + 1)]
        np.testing.assert_allclose(placed[order], expected, rtol=1e-5)
        assert (np.diff(values[order]) < 1e-5).all()


def test_the_best_by_each_kind_of_evidence_are_candidates() -> None:
    pairs, blocks = describe(), slow_blocks()
    for query in QUERIES:
        chosen = set(pairs.others[pairs.queries == query].tolist())
        assert query not in chosen
        surely, perhaps = set(), set()
        # Above what is at the place after the last of a pool; 201 of the blend, as the query may be one of them.
        bounds = {"blend": np.sort(blocks["blend"][query])[-201] - 1e-9}
        bounds |= {kind: np.sort(blocks[kind][query])[-size - 2] for kind, size in POOLS.items()}
        for kind, bound in bounds.items():
            surely |= set(np.flatnonzero(blocks[kind][query] > bound + 1e-6).tolist()) - {query}
            perhaps |= set(np.flatnonzero(blocks[kind][query] > bound - 1e-6).tolist())
        assert surely <= chosen <= perhaps
        assert len(chosen) < N_ANIME - 1


def test_where_candidates_are_missing_the_next_best_of_the_blend_join_them() -> None:
    few = describe(1)
    n_wanted = min(np.count_nonzero(few.queries == query) for query in QUERIES) + 3
    pairs, blend = describe(n_wanted), slow_blocks()["blend"]
    for query in QUERIES:
        before, now = (set(found.others[found.queries == query].tolist()) for found in (few, pairs))
        assert before <= now
        assert len(now) == max(len(before), n_wanted)
        left = sorted(set(range(N_ANIME)) - now - {query})
        added = min((blend[query, row] for row in now - before), default=np.inf)
        assert added >= max(blend[query, row] for row in left) - 1e-6


def test_an_item_weight_is_drawn_to_nothing_by_one_viewer_at_least() -> None:
    # 0.08 for each of two users would be less than 1.
    lists = make_interactions([(1, 1, 8, 2), (1, 2, 8, 2), (2, 1, 8, 2)])
    found = gather_evidence(lists, unit_rows(2, 3, np.random.default_rng(0)), SimilarConfig())
    # By hand: anime 1 says together / (its count * 10/7 + 1) for anime 2.
    assert found.weights(np.array([0]))["weight_for"][0, 1] == pytest.approx(1 / (2 * 10 / 7 + 1), rel=1e-5)


def test_topics_are_a_hundred_at_most() -> None:
    words = ["".join(some) for some in itertools.permutations("abcdefg", 3)]
    cards = [
        _card(row, "A", None, " ".join(words[(row * 5 + step) % 160] for step in range(4))) for row in range(200)
    ]
    assert read_texts(cards).topics.shape == (200, 100)
