"""Co-counts against the dense product."""

import numpy as np
import pytest

from tests.training.interactions_for_tests import make_interactions, random_interactions
from tests.training.item_weights.test_item_weights import dense_counts
from training.item_weights import co_counts as module
from training.item_weights.co_counts import co_counts, mirror


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small enough for a test to have several, the last of which is not full."""
    monkeypatch.setattr(module, "_USERS_PER_BLOCK", 16)
    monkeypatch.setattr(module, "_N_DENSE", 8)


@pytest.mark.parametrize("n_users", [1, 15, 16, 17, 33])
@pytest.mark.parametrize("n_anime", [1, 7, 8, 9, 17])
def test_co_counts_are_those_of_the_dense_product(n_users: int, n_anime: int) -> None:
    lists = random_interactions(n_users, n_anime, 0.4, seed=n_users * n_anime)
    np.testing.assert_array_equal(co_counts(lists), dense_counts(lists))


def test_plans_are_not_counted() -> None:
    lists = make_interactions([(1, 1, 8, 2), (1, 2, 0, 6), (2, 1, 0, 1), (2, 2, 3, 4)])
    assert co_counts(lists).tolist() == [[2, 1], [1, 1]]


@pytest.mark.parametrize("size", [1, 2, 63, 64, 65, 200])
def test_the_lower_triangle_is_mirrored_across_tiles(size: int) -> None:
    full = np.arange(size * size, dtype=np.float32).reshape(size, size)
    full = full + full.T
    lower = np.tril(full)
    mirror(lower)
    np.testing.assert_array_equal(lower, full)


def test_more_lists_than_fit_into_a_byte_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_USERS_PER_BLOCK", 1000)
    lists = random_interactions(600, 12, 0.9, seed=0)
    np.testing.assert_array_equal(co_counts(lists), dense_counts(lists))
