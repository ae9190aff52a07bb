"""The compiled regression on the nearest users, held to the one that serves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.scoring.neighbours import neighbour_evidence
from models.scoring.user_list import SeenLists
from tests.training.interactions_for_tests import make_interactions, random_interactions
from training.evaluation.scorers import regression_of_train
from training.recommending.nearest_lists import NearestLists


@given(seed=st.integers(0, 2**32 - 1), n_neighbours=st.integers(0, 120), n_seen=st.integers(0, 20))
def test_the_nearest_say_what_the_service_says_they_say(seed: int, n_neighbours: int, n_seen: int) -> None:
    lists = random_interactions(130, 40, 0.3, seed)
    rng = np.random.default_rng(seed)
    seen_rows = np.sort(rng.choice(lists.n_anime, min(n_seen, lists.n_anime), replace=False))
    # Fewer than the widest neighbourhood too, and some of them unlike.
    nearest = rng.permutation(lists.n_users)[: min(n_neighbours, 100)]
    similarities = np.sort(rng.uniform(-0.2, 1.0, len(nearest)).astype(np.float32))[::-1].copy()
    theirs = SeenLists.of([lists.list_of(row).seen_rows for row in nearest.tolist()])
    expected = neighbour_evidence(regression_of_train(lists), seen_rows, similarities, theirs)
    got = NearestLists(lists).evidence(seen_rows, nearest, similarities)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("status", [2, 6], ids=["seen", "planned"])
def test_plans_say_nothing(status: int) -> None:
    lists = make_interactions([(1, 1, 8, 2), (1, 2, 0, status), (2, 1, 8, 2), (2, 3, 8, 2)])
    got = NearestLists(lists).evidence(np.array([0]), np.array([0, 1]), np.array([0.9, 0.8], np.float32))
    assert (got[1] > 0).all() == (status == 2)
    assert (got[2] > 0).all()
