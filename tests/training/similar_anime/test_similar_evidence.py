"""Evidence of which anime are alike: lists against brute force, texts and catalogue."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from tests.models.small_bundle import make_arrays, unit_rows
from tests.training.interactions_for_tests import make_interactions, random_interactions, rows_of
from tests.training.similar_anime.lists_of_tastes import make_card, make_evidence, tastes
from training.similar_anime.blocks import SparseRows
from training.similar_anime.catalogue_evidence import places, read_catalogue_evidence
from training.similar_anime.config import SimilarConfig
from training.similar_anime.evidence import find_neighbourhoods, gather_evidence
from training.similar_anime.features import place_within
from training.similar_anime.texts import read_texts


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


def test_places_among_all_share_ties() -> None:
    np.testing.assert_allclose(places(np.array([5, 1, 5, 9])), [0.5, 0.125, 0.5, 0.875])


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
