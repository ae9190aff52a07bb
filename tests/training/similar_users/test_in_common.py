"""What users have in common with their nearest, against sets."""

import numpy as np
import pytest

from tests.training.interactions_for_tests import random_interactions
from training.similar_users.in_common import count_in_common, similarities_to_nearest


@pytest.mark.parametrize("n_counted", [0, 1, 4, 9])
def test_counts_are_those_of_sets_without_plans(n_counted: int) -> None:
    lists = random_interactions(20, 15, 0.5, seed=1)
    rng = np.random.default_rng(0)
    nearest = np.array([rng.permutation(np.delete(np.arange(20), row))[:4] for row in range(20)], dtype=np.int32)
    seen = [set(lists.list_of(row).seen_rows.tolist()) for row in range(20)]
    counts = count_in_common(lists, nearest[:, :n_counted])
    expected = [[len(seen[row] & seen[other]) for other in others[:n_counted]] for row, others in enumerate(nearest)]
    assert counts.dtype == np.uint16
    assert counts.tolist() == expected


@pytest.mark.parametrize("n_counted", [0, 1, 4, 9])
def test_similarities_are_cosines_and_never_rise(n_counted: int) -> None:
    rng = np.random.default_rng(0)
    users = rng.normal(size=(3_000, 6)).astype(np.float32)
    users /= np.linalg.norm(users, axis=1, keepdims=True)
    nearest = np.argsort(-(users @ users.T), axis=1)[:, 1:5].astype(np.int32)
    # Another product may have ordered two that are as near another way.
    nearest[7] = nearest[7][::-1]
    similarities = similarities_to_nearest(users, nearest[:, :n_counted])
    cosines = np.einsum("uki,ui->uk", users[nearest[:, :n_counted]], users)
    assert similarities.dtype == np.float32
    assert similarities == pytest.approx(np.minimum.accumulate(cosines, axis=1), abs=1e-6)
    assert (np.diff(similarities, axis=1) <= 0).all()
