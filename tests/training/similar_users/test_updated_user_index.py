"""Nearest users after some came, changed and went: as if all were found anew."""

import numpy as np
import pytest
from numpy.typing import NDArray

from training.embeddings.trained import unit_rows
from training.similar_users.index import build_user_index, update_user_index
from training.similar_users.neighbours import EarlierNeighbours

K = 12


def make_users(rng: np.random.Generator, n_users: int) -> NDArray[np.float32]:
    centres = np.random.default_rng(0).normal(size=(8, 16))
    return unit_rows((centres[rng.integers(8, size=n_users)] + rng.normal(size=(n_users, 16))).astype(np.float32))


def update(
    before: NDArray[np.float32], after: NDArray[np.float32], same_before: NDArray[np.int64], n_groups: int
) -> tuple[NDArray[np.int32], dict[str, float]]:
    """Update an index of users of whom some are the first rows now."""
    found, _ = build_user_index(before, K, n_groups=n_groups)
    rows_now = np.full(len(before), -1, dtype=np.int32)
    rows_now[same_before] = np.arange(len(same_before))
    nearest = found["nearest_user_rows"][same_before]
    least = np.einsum("ij,ij->i", before[same_before], before[nearest[:, -1]])
    earlier = EarlierNeighbours(same_before, np.arange(len(same_before)), rows_now[nearest], least)
    arrays, metrics = update_user_index(after, found["user_index"], earlier)
    assert bool(len(arrays["user_index"])) == (n_groups > 1)
    return arrays["nearest_user_rows"], metrics


def brute_force(embeddings: NDArray[np.float32]) -> NDArray[np.int64]:
    cosines = embeddings @ embeddings.T
    np.fill_diagonal(cosines, -2.0)
    return np.argsort(-cosines, axis=1)[:, :K]


@pytest.mark.parametrize("n_others", [0, 1, 40])
def test_nearest_users_are_those_of_all_users_as_they_are_now(n_others: int) -> None:
    rng = np.random.default_rng(n_others)
    before = make_users(rng, 1500)
    same = np.sort(rng.choice(1500, 1470, replace=False))
    after = np.concatenate([before[same], make_users(rng, n_others)])
    nearest, _ = update(before, after, same, n_groups=1)
    np.testing.assert_array_equal(nearest, brute_force(after))


def test_a_user_whose_neighbours_all_went_gets_others() -> None:
    rng = np.random.default_rng(1)
    before = make_users(rng, 300)
    gone = brute_force(before)[0]
    same = np.setdiff1d(np.arange(300), gone)
    nearest, _ = update(before, before[same], same, n_groups=1)
    np.testing.assert_array_equal(nearest, brute_force(before[same]))


def test_of_groups_nearly_all_are_found_and_measured() -> None:
    rng = np.random.default_rng(2)
    before = make_users(rng, 3000)
    same = np.sort(rng.choice(3000, 2900, replace=False))
    after = np.concatenate([before[same], make_users(rng, 100)])
    nearest, metrics = update(before, after, same, n_groups=20)
    found = np.mean([np.isin(true, row).mean() for true, row in zip(brute_force(after), nearest, strict=True)])
    assert found > 0.98
    assert metrics["n_groups"] == 20
    assert metrics["recall_at_10"] >= 0.99
    assert metrics["search_recall_at_10"] >= 0.99
