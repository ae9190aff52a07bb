"""The ranker of similar anime: evidence against brute force, features that travel, neighbours that are sound."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from models.bundle.card import AnimeCard
from tests.models.small_bundle import make_arrays, unit_rows
from tests.training.interactions_for_tests import make_interactions, random_interactions, rows_of
from training.errors import InputError
from training.lists.interactions import Interactions
from training.similar_anime import learn, rank
from training.similar_anime.blocks import SparseRows
from training.similar_anime.catalogue_evidence import places, read_catalogue_evidence
from training.similar_anime.config import SimilarConfig
from training.similar_anime.evidence import find_neighbourhoods, gather_evidence
from training.similar_anime.features import PairEvidence, make_pair_evidence, place_within
from training.similar_anime.learn import learn_ranker
from training.similar_anime.rank import describe_in_blocks, rank_neighbours
from training.similar_anime.ranker import SHIPPED_FILE, bend, load_ranker, log_shares
from training.similar_anime.texts import read_texts
from training.similar_anime.truth import SimilarQuery

N_TASTES = 4


def make_evidence(lists: Interactions, seed: int = 0, embeddings: NDArray[np.float32] | None = None) -> PairEvidence:
    n_anime = lists.n_anime
    if embeddings is None:
        embeddings = unit_rows(n_anime, 6, np.random.default_rng(seed))
    evidence = gather_evidence(lists, embeddings, SimilarConfig())
    cards = [make_card(row, "A pirate sails." if row % 2 else "Girls play music.") for row in range(n_anime)]
    return make_pair_evidence(evidence, make_arrays(n_anime=n_anime, seed=seed), read_texts(cards))


def make_card(row: int, synopsis: str | None) -> AnimeCard:
    unknown: dict[str, Any] = dict.fromkeys(
        ("english_name", "japanese_name", "type", "episodes", "year", "score", "members", "age_rating")
    )
    return AnimeCard(anime_id=row, name=f"Title {row}", genres=[], synopsis=synopsis, url="", **unknown)


def tastes(n_users: int = 120, n_anime: int = 40) -> Interactions:
    """Make users who see most of one taste and a little of the others."""
    rng = np.random.default_rng(0)
    alike = np.arange(n_users)[:, None] % N_TASTES == np.arange(n_anime) % N_TASTES
    seen = rng.random(alike.shape) < np.where(alike, 0.7, 0.05)
    seen[np.arange(n_anime), np.arange(n_anime)] = True
    return make_interactions(
        [(int(user), int(anime), int(rng.integers(1, 11)), 2) for user, anime in np.argwhere(seen)]
    )


def test_evidence_of_lists_is_what_brute_force_says() -> None:
    lists = random_interactions(50, 20, 0.3, 1)
    evidence = gather_evidence(lists, unit_rows(20, 6, np.random.default_rng(0)), SimilarConfig())
    seen = lists.seen_matrix().toarray().astype(np.float64)
    ratings = np.where(seen > 0, lists.matrix(lists.ratings).toarray(), 0)
    means = ratings.sum(axis=1) / np.maximum((ratings > 0).sum(axis=1), 1)
    liked = ((ratings > 0) & (ratings >= means[:, None])).astype(np.float64)
    rows = np.array([2, 3, 7, 19])
    shared = evidence.shared(rows)
    np.testing.assert_array_equal(shared["seen"], (seen.T @ seen)[rows])
    np.testing.assert_array_equal(shared["liked"], (liked.T @ liked)[rows])
    np.testing.assert_array_equal(evidence.own["liked"], liked.sum(axis=0))
    found = evidence.similarities(rows, shared)
    even = seen / np.sqrt(np.maximum(seen.sum(axis=1), 1))[:, None]
    for kind, matrix in (("cosine", seen), ("liked_cosine", liked), ("even_cosine", even)):
        norms = np.linalg.norm(matrix, axis=0)
        norms[norms == 0] = 1
        expected = matrix.T @ matrix / norms / norms[:, None]
        np.fill_diagonal(expected, 0)
        np.testing.assert_allclose(found[kind], expected[rows], atol=1e-5)
    gram = seen.T @ seen
    inverse = np.linalg.inv(gram + np.diag(np.diag(gram) * 3 / 7 + 0.08 * 50))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    np.testing.assert_allclose(found["weight_for"], weights[rows], atol=1e-4)
    np.testing.assert_allclose(found["weight_from"], weights.T[rows], atol=1e-4)


def test_whose_lists_are_looked_at_is_fixed_for_ever() -> None:
    # Everybody has seen one title that nobody else has.
    lists = make_interactions([(user, 100 + user, 8, 2) for user in range(60)])
    evidence = gather_evidence(lists, unit_rows(60, 6, np.random.default_rng(0)), SimilarConfig(max_users=5))
    assert np.flatnonzero(evidence.own["seen"]).tolist() == [9, 24, 43, 57, 58]


def test_the_tenth_best_is_the_tenth_best() -> None:
    lists = random_interactions(50, 20, 0.3, 1)
    evidence = gather_evidence(lists, unit_rows(20, 6, np.random.default_rng(0)), SimilarConfig())
    rows = np.arange(20)
    blocks = evidence.similarities(rows, evidence.shared(rows))
    tenth_best, neighbours = find_neighbourhoods(evidence)
    for kind, block in blocks.items():
        expected = np.maximum(np.sort(block, axis=1)[:, -10], 1e-6)
        np.testing.assert_allclose(tenth_best[kind], expected, rtol=1e-5)
    near = neighbours.by_row
    norms = np.sqrt(np.asarray(near.multiply(near).sum(axis=1)).ravel())
    assert all(norm == pytest.approx(1.0, abs=1e-5) or norm == 0.0 for norm in norms.tolist())


def test_no_more_users_are_looked_at_than_told() -> None:
    lists = random_interactions(50, 20, 0.3, 1)
    embeddings = unit_rows(20, 6, np.random.default_rng(0))
    assert gather_evidence(lists, embeddings, SimilarConfig(max_users=12)).n_users == 12
    assert gather_evidence(lists, embeddings, SimilarConfig()).n_users == 50


def test_five_times_as_many_users_of_the_same_tastes_change_no_comparison() -> None:
    lists = tastes()
    more = make_interactions(
        [(user + 1000 * copy, *rest) for user, *rest in rows_of(lists) for copy in range(5)]  # type: ignore[misc]
    )
    once, five_times = (make_evidence(some).describe(np.arange(40)) for some in (lists, more))
    assert once.others.tolist() == five_times.others.tolist()
    counted = {"lift", "liked_lift", "popularity_more"}
    kept = [column for column, name in enumerate(once.names) if name not in counted and not name.endswith("_place")]
    np.testing.assert_allclose(once.features[:, kept], five_times.features[:, kept], rtol=0.02, atol=0.01)


@given(values=arrays(np.float32, 30, elements=st.integers(0, 5).map(float)), seed=st.integers(0, 100))
def test_places_within_a_query_are_what_sorting_says(values: NDArray[np.float32], seed: int) -> None:
    queries = np.sort(np.random.default_rng(seed).integers(0, 4, 30))
    found = place_within(values, queries)
    for query in set(queries.tolist()):
        mine = np.flatnonzero(queries == query)
        ranked = sorted(mine, key=lambda pair: (-values[pair], pair))
        for place, pair in enumerate(ranked, start=1):
            assert found[pair] == pytest.approx(-np.log(place))


@given(scores=arrays(np.float32, 20, elements=st.floats(-50, 50, width=32)), seed=st.integers(0, 100))
def test_shares_of_a_query_add_up_to_one(scores: NDArray[np.float32], seed: int) -> None:
    queries = np.sort(np.random.default_rng(seed).integers(0, 4, 20))
    shares = np.exp(log_shares(scores, queries))
    for query in set(queries.tolist()):
        assert shares[queries == query].sum() == pytest.approx(1.0)


def test_places_among_all_share_ties() -> None:
    np.testing.assert_allclose(places(np.array([5, 1, 5, 9])), [0.5, 0.125, 0.5, 0.875])


def test_what_is_not_known_is_bent_to_the_middle() -> None:
    knots, levels = np.array([[0, 1, 2]], dtype=np.float32), np.array([[-1, 0.5, 1]], dtype=np.float32)
    features = np.array([[np.nan], [0.5], [-9], [9]], dtype=np.float32)
    np.testing.assert_allclose(bend(features, knots, levels)[:, 0], [0, -0.25, -1, 1])


@given(seed=st.integers(0, 2**32 - 1), n_pairs=st.integers(0, 600), n_knots=st.integers(2, 24))
def test_features_are_bent_as_numpy_interpolates(seed: int, n_pairs: int, n_knots: int) -> None:
    rng = np.random.default_rng(seed)
    knots = np.cumsum(rng.uniform(0.1, 1.0, (3, n_knots)), axis=1).astype(np.float32)
    levels = np.sort(rng.normal(size=(3, n_knots)).astype(np.float32), axis=1)
    features = rng.uniform(-1.0, knots.max() + 1.0, (n_pairs, 3)).astype(np.float32)
    features[: n_pairs // 5] = rng.choice(knots.ravel(), (n_pairs // 5, 3))
    expected = [np.interp(features[:, column], knots[column], levels[column]) for column in range(3)]
    np.testing.assert_allclose(bend(features, knots, levels), np.stack(expected, axis=1), atol=1e-5)


@given(seed=st.integers(0, 2**32 - 1), n_rows=st.integers(1, 20), n_columns=st.integers(1, 20))
def test_products_of_sparse_rows_are_those_of_the_dense_matrix(seed: int, n_rows: int, n_columns: int) -> None:
    rng = np.random.default_rng(seed)
    dense = (rng.normal(size=(n_rows, n_columns)) * (rng.random((n_rows, n_columns)) < 0.3)).astype(np.float32)
    rows = rng.integers(0, n_rows, 7)
    found = SparseRows.of(sp.csr_matrix(dense)).products(rows)
    np.testing.assert_allclose(found, dense[rows] @ dense.T, atol=1e-5)


def test_names_and_boilerplate_make_no_synopses_alike() -> None:
    written = "[Written by MAL Rewrite]"
    cards = [make_card(row, f"A robot fights. {written}") for row in range(3)]
    cards += [make_card(row, f"A cook travels. {written}") for row in range(3, 60)]
    texts = read_texts(cards)
    alike = texts.synopses.products(np.arange(60))
    assert alike[0, 1] == pytest.approx(1.0)
    assert alike[0, 40] == 0.0
    assert texts.topics.shape[0] == 60


def test_without_any_text_nothing_is_alike() -> None:
    texts = read_texts([make_card(row, None) for row in range(4)])
    assert texts.synopses.by_row.nnz == 0
    assert not texts.topics.any()


def test_a_catalogue_without_favourites_says_nothing_of_fans() -> None:
    catalogue = make_arrays()
    assert np.isfinite(read_catalogue_evidence(catalogue).facts["fans"]).all()
    catalogue["favorites"] = np.zeros_like(catalogue["favorites"])
    assert np.isnan(read_catalogue_evidence(catalogue).facts["fans"]).all()


def test_blocks_of_queries_describe_what_each_query_alone_does(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = make_evidence(tastes())
    whole = evidence.describe(np.arange(40))
    monkeypatch.setattr(rank, "_QUERIES_PER_BLOCK", 7)
    blocks = list(describe_in_blocks(evidence, np.arange(40)))
    assert len(blocks) == 6
    np.testing.assert_array_equal(np.concatenate([block.others for block in blocks]), whole.others)
    np.testing.assert_allclose(np.concatenate([block.features for block in blocks]), whole.features, atol=1e-5)


@pytest.mark.parametrize("n_anime", [1, 2, 3, 12, 40, 260])
def test_neighbours_are_sound_whatever_the_size(n_anime: int) -> None:
    lists = random_interactions(60, n_anime, 0.2, n_anime)
    neighbours = rank_neighbours(make_evidence(lists), load_ranker(SHIPPED_FILE), lambda done: None)
    k = min(200, n_anime - 1)
    assert neighbours.rows.shape == neighbours.scores.shape == (n_anime, k)
    for row in range(n_anime):
        assert row not in neighbours.rows[row]
        assert len(set(neighbours.rows[row].tolist())) == k
        ranked = list(zip((-neighbours.scores[row]).tolist(), neighbours.rows[row].tolist(), strict=True))
        assert ranked == sorted(ranked)
    assert ((neighbours.scores > 0) & (neighbours.scores <= 1)).all()


def test_shipped_weights_find_who_shares_a_taste() -> None:
    lists = tastes()
    # What lists say in few numbers, as embeddings do.
    of_lists = np.linalg.svd(lists.seen_matrix().toarray(), full_matrices=False)[2][:6].T
    embeddings = (of_lists / np.linalg.norm(of_lists, axis=1, keepdims=True)).astype(np.float32)
    evidence = make_evidence(lists, embeddings=embeddings)
    neighbours = rank_neighbours(evidence, load_ranker(SHIPPED_FILE), lambda done: None)
    same = neighbours.rows[:, :5] % N_TASTES == np.arange(40)[:, None] % N_TASTES
    # The catalogue beside these lists is random and pulls the other way; chance finds .23.
    assert same.mean() > 0.4


def test_shipped_weights_are_small() -> None:
    assert SHIPPED_FILE.stat().st_size < 300_000


def test_a_learned_ranker_ranks_as_people_recommend_and_survives_the_disk(tmp_path: Path) -> None:
    evidence = make_evidence(tastes())
    queries = [
        SimilarQuery(row, mates, np.log1p(np.arange(1.0, len(mates) + 1)), may_choose=row % 3 > 0)
        for row in range(40)
        for mates in [np.setdiff1d(np.arange(row % N_TASTES, 40, N_TASTES), [row])]
    ]
    ranker = learn_ranker(evidence, queries, np.arange(40), SimilarConfig(epochs=40, batch_size=4))
    neighbours = rank_neighbours(evidence, ranker, lambda done: None)
    measuring = np.array([query.anime_row for query in queries if not query.may_choose])
    same = neighbours.rows[measuring, :5] % N_TASTES == measuring[:, None] % N_TASTES
    assert same.mean() > 0.9
    ranker.save(tmp_path / "ranker.npz")
    pairs = evidence.describe(np.arange(40))
    np.testing.assert_array_equal(load_ranker(tmp_path / "ranker.npz").score(pairs), ranker.score(pairs))


def test_measuring_queries_teach_nothing() -> None:
    evidence = make_evidence(tastes())
    teach = [SimilarQuery(row, np.array([row - 4]), np.log1p([3.0]), may_choose=True) for row in range(10, 30)]
    measure = [SimilarQuery(row, np.array([row + 4]), np.log1p([9.0]), may_choose=False) for row in range(30, 36)]
    config = SimilarConfig(epochs=2, batch_size=8)
    one, other = (learn_ranker(evidence, some, np.arange(40), config) for some in (teach, teach + measure))
    np.testing.assert_array_equal(one.weights_1, other.weights_1)
    np.testing.assert_array_equal(one.calibration, other.calibration)


def test_a_ranker_of_other_features_is_refused() -> None:
    ranker = load_ranker(SHIPPED_FILE)
    pairs = make_evidence(tastes()).describe(np.arange(3))
    strange = type(pairs)(pairs.queries, pairs.others, pairs.features, ("height", *pairs.names[1:]))
    with pytest.raises(ValueError, match=r"other features.*height"):
        ranker.score(strange)


def test_a_file_without_a_ranker_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ranker.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match="holds no ranker"):
        load_ranker(tmp_path / "ranker.npz")


def test_a_member_learns_nothing_from_what_it_leaves_out() -> None:
    evidence = make_evidence(tastes())
    queries = [
        SimilarQuery(row, mates, np.ones(len(mates)), may_choose=True)
        for row in range(40)
        for mates in [np.setdiff1d(np.arange(row % N_TASTES, 40, N_TASTES), [row])]
    ]
    labelled = learn._label(evidence, queries, np.arange(40))
    folds, pairs = labelled.folds, labelled.pairs
    left_out = 2
    touched = (folds[pairs.queries] == left_out) | (folds[pairs.others] == left_out)
    assert touched.any()
    changed = replace(
        labelled, gains=np.where(touched & (labelled.gains > 0), 3.0, labelled.gains).astype(np.float32)
    )
    inputs = np.nan_to_num(pairs.features)
    config = SimilarConfig(epochs=1, batch_size=4)
    for one, other in zip(*(learn._fit_layers(some, inputs, config) for some in (labelled, changed)), strict=True):
        np.testing.assert_array_equal(one[left_out], other[left_out])
        assert (one[0] != other[0]).any()


def test_few_queries_are_not_enough_to_learn_from() -> None:
    queries = [SimilarQuery(0, np.array([1]), np.array([1.0]), may_choose=True)] * 49
    assert not learn.enough_to_learn(queries)
    assert learn.enough_to_learn([*queries, queries[0]])
    assert not learn.enough_to_learn([SimilarQuery(0, np.array([1]), np.array([1.0]), may_choose=False)] * 99)


def test_a_yes_or_no_speaks_softly_however_rare_it_is() -> None:
    features = np.array([[1.0, 5.0]] + [[0.0, value] for value in range(99)], dtype=np.float32)
    knots, levels = learn._spread(features)
    assert bend(features, knots, levels)[:2, 0].tolist() == [0.5, 0.0]
    # What only looks like a yes or no at the knots is spread as everything else is.
    features[0, 0], features[1, 0] = 3.0, 1.0
    knots, levels = learn._spread(features)
    assert bend(features, knots, levels)[0, 0] > 2.0
