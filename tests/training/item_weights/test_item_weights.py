"""Item weights in closed form, against dense algebra in double precision."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.scoring.items import ItemWeights
from tests.training.interactions_for_tests import random_interactions
from training.errors import InputError
from training.item_weights import fit as item_weights
from training.item_weights.closed_form import invert_gram, regularisation
from training.item_weights.co_counts import Square, co_counts
from training.item_weights.config import ItemsConfig
from training.item_weights.fit import (
    fit_item_weights,
    fit_on_support,
    invert_popular,
    propose_support,
    strongest_rows,
)
from training.lists.interactions import Interactions

seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small enough for a test to have several, the last of which is not full."""
    monkeypatch.setattr(item_weights, "_TARGETS_PER_BLOCK", 8)


def dense_counts(lists: Interactions) -> NDArray[np.float64]:
    seen = lists.seen_matrix().toarray().astype(np.float64)
    counts: NDArray[np.float64] = seen.T @ seen
    return counts


def regularised(counts: NDArray[np.float64], dropout: float, l2: float) -> NDArray[np.float64]:
    return counts + np.diag(dropout / (1 - dropout) * np.diag(counts) + l2)


def fit(counts: Square, config: ItemsConfig) -> ItemWeights:
    return fit_item_weights(counts, invert_popular(counts, config), config)


@given(seed=seeds, n_anime=st.integers(1, 25), dropout=st.floats(0, 0.8), l2=st.floats(0.5, 100))
def test_the_inverse_is_that_of_dense_algebra(seed: int, n_anime: int, dropout: float, l2: float) -> None:
    lists = random_interactions(30, n_anime, 0.3, seed)
    counts = co_counts(lists)
    before = counts.copy()
    inverse = invert_gram(counts, dropout, l2)
    np.testing.assert_allclose(
        inverse, np.linalg.inv(regularised(dense_counts(lists), dropout, l2)), rtol=1e-3, atol=1e-5
    )
    np.testing.assert_array_equal(inverse, inverse.T)
    np.testing.assert_array_equal(counts, before)


def test_dropout_and_penalty_both_raise_the_diagonal() -> None:
    counts = np.array([[4, 1], [1, 10]], dtype=np.float32)
    np.testing.assert_allclose(regularisation(counts, 0.2, 3.0), [4.0, 5.5])


def test_counts_that_cannot_be_inverted_say_so() -> None:
    counts = np.array([[1, 5], [5, 1]], dtype=np.float32)
    mend = r"received 1 with a dropout of 0; raise --set items\.l2 or items\.dropout"
    with pytest.raises(InputError, match=mend):
        invert_gram(counts, 0.0, 1.0)
    with pytest.raises(InputError, match=mend):
        fit_on_support(counts, np.array([[0, 1]], dtype=np.int32), 0.0, 1.0, np.array([0]))
    with pytest.raises(InputError, match=r"raise --set similar\.l2_per_user or similar\.dropout"):
        invert_gram(counts, 0.0, 1.0, "similar.l2_per_user or similar.dropout")


def test_dropping_is_the_same_as_regularising() -> None:
    """The expectation over inputs of which a share p was hidden, as EDLAE has it, and what is fitted here."""
    lists, p = random_interactions(40, 6, 0.4, seed=1), 0.25
    counts = dense_counts(lists)
    # E[Z'Z] and E[Z'X] for Z = X with entries kept with probability 1 - p, the target itself never an input.
    gram = (1 - p) ** 2 * counts + np.diag(p * (1 - p) * np.diag(counts))
    inverse = invert_gram(co_counts(lists), p, 1e-3).astype(np.float64)
    for target in range(6):
        others = np.delete(np.arange(6), target)
        # A whole list is longer than what dropping leaves of it, so its weights are smaller.
        expected = np.linalg.solve(gram[np.ix_(others, others)], (1 - p) * counts[others, target]) * (1 - p)
        np.testing.assert_allclose(-inverse[others, target] / inverse[target, target], expected, atol=1e-2)


@given(seed=seeds, n_anime=st.integers(2, 25), data=st.data())
def test_the_strongest_are_the_largest_weights_and_never_the_anime_itself(
    seed: int, n_anime: int, data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, n_anime - 1))
    inverse = invert_gram(co_counts(random_interactions(30, n_anime, 0.3, seed)), 0.3, 2.0)
    rows = strongest_rows(inverse, k)
    assert rows.shape == (n_anime, k)
    assert (np.diff(rows, axis=1) > 0).all()
    for target in range(n_anime):
        others = np.delete(np.arange(n_anime), target)
        weights = -inverse[others, target] / inverse[target, target]
        assert target not in rows[target]
        chosen = -inverse[rows[target], target] / inverse[target, target]
        # Of equal weights it may be any.
        np.testing.assert_array_equal(np.sort(chosen), np.sort(weights)[-k:])


@settings(max_examples=30)
@given(seed=seeds, n_anime=st.sampled_from([2, 7, 8, 9, 16, 17]), k=st.integers(1, 6))
def test_fitted_weights_solve_a_ridge_regression_per_anime(seed: int, n_anime: int, k: int) -> None:
    k = min(k, n_anime - 1)
    lists = random_interactions(40, n_anime, 0.3, seed)
    counts = co_counts(lists)
    rows = strongest_rows(invert_gram(counts, 0.3, 5.0), k)
    dense = regularised(dense_counts(lists), 0.4, 7.0)
    fitted = fit_on_support(counts, rows, 0.4, 7.0)
    assert fitted.shape == (n_anime, k)
    for target, (support, values) in enumerate(zip(rows, fitted, strict=True)):
        among = dense[np.ix_(support, support)]
        np.testing.assert_allclose(values, np.linalg.solve(among, dense[support, target]), atol=1e-4)


def test_anime_on_few_lists_are_offered_those_that_say_most_alone() -> None:
    counts = co_counts(random_interactions(60, 14, 0.3, seed=4))
    config = ItemsConfig(l2=5.0, n_dense=6, n_proposed=4)
    dense = invert_popular(counts, config)
    popularity = np.diag(counts)
    assert popularity[dense.rows].min() >= np.delete(popularity, dense.rows).max()
    proposed = propose_support(counts, dense, config)
    assert proposed.shape == (14, 4)
    assert (np.diff(proposed, axis=1) > 0).all()
    assert np.isin(proposed[dense.rows], dense.rows).all()
    for target in np.setdiff1d(np.arange(14), dense.rows):
        alone = counts[target] / np.sqrt(popularity + 5.0)
        others = np.delete(np.arange(14), target)
        np.testing.assert_array_equal(np.sort(alone[proposed[target]]), np.sort(alone[others])[-4:])


def test_fitting_leaves_the_counts_as_they_are() -> None:
    counts = co_counts(random_interactions(20, 9, 0.4, seed=2))
    before = counts.copy()
    fit(counts, ItemsConfig(n_proposed=5, n_weights=3))
    np.testing.assert_array_equal(counts, before)


def test_all_others_as_speakers_give_the_weights_of_the_dense_inverse() -> None:
    counts = co_counts(random_interactions(50, 12, 0.3, seed=3))
    inverse = invert_gram(counts, 0.3, 5.0)
    weights = fit(counts, ItemsConfig(dropout=0.3, l2=5.0))
    for target, (support, values) in enumerate(zip(weights.rows, weights.values, strict=True)):
        np.testing.assert_allclose(values, -inverse[support, target] / inverse[target, target], atol=1e-4)


@given(seed=seeds)
def test_of_the_proposed_those_that_move_most_are_fitted_again(seed: int) -> None:
    counts = co_counts(random_interactions(40, 12, 0.4, seed))
    config = ItemsConfig(dropout=0.3, l2=5.0, n_proposed=8, n_weights=3)
    proposed = strongest_rows(invert_gram(counts, 0.3, 5.0), 8)
    first = fit_on_support(counts, proposed, 0.3, 5.0)
    weights = fit(counts, config)
    moved = np.abs(first) * np.sqrt(np.diag(counts))[proposed]
    for target in range(12):
        kept = np.isin(proposed[target], weights.rows[target])
        assert kept.sum() == 3
        assert moved[target][kept].min() >= moved[target][~kept].max()
    np.testing.assert_allclose(weights.values, fit_on_support(counts, weights.rows, 0.3, 5.0), atol=1e-5)
