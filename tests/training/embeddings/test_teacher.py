"""The autoencoder's teacher, and what is made of it: directions and targets."""

import numpy as np
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.training.interactions_for_tests import random_interactions
from training.embeddings.principal import principal_directions
from training.embeddings.similar_targets import SimilarTargets
from training.embeddings.teacher import Teacher
from training.item_weights.closed_form import DenseInverse, dense_weights
from training.item_weights.co_counts import co_counts
from training.item_weights.config import ItemsConfig
from training.item_weights.fit import fit_item_weights, invert_popular


def taught(weights: NDArray[np.float32]) -> Teacher:
    """A teacher of given weights, whose diagonal is 0."""
    n_anime = len(weights)
    none = np.zeros((0, 0), dtype=np.float32)
    inverse = np.eye(n_anime, dtype=np.float32) - weights
    return Teacher(DenseInverse(np.arange(n_anime), inverse), none.astype(np.int32), none)


def random_weights(n_anime: int, rng: np.random.Generator) -> NDArray[np.float32]:
    weights = rng.normal(size=(n_anime, n_anime)).astype(np.float32)
    np.fill_diagonal(weights, 0.0)
    return weights


@given(seed=st.integers(0, 2**32 - 1), n_anime=st.integers(1, 30), with_content=st.booleans())
def test_targets_are_shares_of_the_other_anime(seed: int, n_anime: int, with_content: bool) -> None:
    rng = np.random.default_rng(seed)
    weights = random_weights(n_anime, rng)
    content = rng.normal(size=(n_anime, 3)).astype(np.float32) if with_content else None
    targets = SimilarTargets(taught(weights), content, np.ones(n_anime, dtype=np.int64), 8.0, 16, rng)
    anime_rows, shares = targets[0]
    assert len(set(anime_rows.tolist())) == len(anime_rows) == min(16, n_anime)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-5)
    if n_anime > 1:
        assert not shares[np.arange(len(anime_rows)), anime_rows].any()


def test_targets_are_what_a_calculation_by_hand_gives() -> None:
    weights = np.zeros((4, 4), dtype=np.float32)
    weights[0] = [0, 2, 1, -3]
    content = np.array([[1, 0], [0, 0], [0.5, 0], [-1, 0]], dtype=np.float32)
    targets = SimilarTargets(taught(weights), content, np.ones(4, dtype=np.int64), 2.0, 4, np.random.default_rng(0))
    # 2 / 2 of the weights; 1 / 2 of the weights and .5 of the content; what speaks against it counts as 0.
    expected = np.exp([2.0, 2.0, 0.0]) / np.exp([2.0, 2.0, 0.0]).sum()
    np.testing.assert_allclose(targets.targets_of(np.array([0])), [[0.0, *expected]], rtol=1e-6)


def test_a_teacher_multiplies_as_the_matrix_of_its_weights_does() -> None:
    rng = np.random.default_rng(0)
    lists = random_interactions(60, 15, 0.3, seed=1)
    counts, config = co_counts(lists), ItemsConfig(n_dense=6, n_proposed=4, n_weights=3, l2=2.0)
    dense = invert_popular(counts, config)
    weights = fit_item_weights(counts, dense, config)
    whole = np.zeros((15, 15), dtype=np.float32)
    for target in np.setdiff1d(np.arange(15), dense.rows):
        whole[weights.rows[target], target] = weights.values[target]
    whole[np.ix_(dense.rows, dense.rows)] = dense_weights(dense.inverse)
    teacher, matrix = Teacher.of_weights(dense, weights), rng.normal(size=(15, 4)).astype(np.float32)
    np.testing.assert_allclose(teacher.times(matrix), whole @ matrix, atol=1e-5)
    np.testing.assert_allclose(teacher.transposed_times(matrix), whole.T @ matrix, atol=1e-5)
    np.testing.assert_allclose(teacher.weights_of(np.arange(15)), whole, atol=1e-7)


def test_principal_directions_are_those_of_the_singular_value_decomposition() -> None:
    rng = np.random.default_rng(0)
    dense = (rng.random((60, 20)) < 0.3).astype(np.float32)
    weights = random_weights(20, rng) * np.linspace(3, 0.1, 20, dtype=np.float32)
    directions, energies = principal_directions(sp.csr_matrix(dense), taught(weights), 0.5, 4, rng)
    scores = dense @ weights / np.sqrt(np.maximum(dense.sum(axis=1, keepdims=True), 1))
    _, values, right = np.linalg.svd(scores)
    np.testing.assert_allclose(energies, values[:4] ** 2, rtol=1e-3)
    np.testing.assert_allclose(np.abs(np.sum(directions * right[:4].T, axis=0)), 1.0, atol=1e-3)
    everything, _ = principal_directions(sp.csr_matrix(dense), taught(weights), 0.5, 100, rng)
    assert everything.shape == (20, 20)
