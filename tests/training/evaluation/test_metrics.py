"""Metrics against tables computed by hand."""

from math import log, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.metrics import (
    estimate_mean,
    estimate_share,
    graded_ndcg_at,
    ndcg_at,
    place_discounts,
    recall_at,
)

# Places 1, 3 and 4 hold a target.
PLACES = np.array([True, False, True, True, False])


def test_places_are_discounted_by_their_logarithm() -> None:
    np.testing.assert_allclose(place_discounts(4), [1.0, 1 / log2(3), 0.5, 1 / log2(5)])


@pytest.mark.parametrize(
    ("k", "n_targets", "expected"),
    [
        (1, 3, 1 / 1),
        (2, 3, 1 / 2),
        (3, 3, 2 / 3),
        (4, 3, 3 / 3),
        (20, 3, 3 / 3),
        (20, 5, 3 / 5),  # of fewer targets than places
        (4, 100, 3 / 4),  # of more targets than places
        (20, 100, 3 / 20),  # a short ranking is not excused
    ],
)
def test_recall_is_a_share_of_what_could_be_found(k: int, n_targets: int, expected: float) -> None:
    assert recall_at(k, PLACES, n_targets) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("k", "n_targets", "expected"),
    [
        (1, 3, 1.0),
        (2, 3, 1 / (1 + 1 / log2(3))),
        (4, 3, (1 + 1 / 2 + 1 / log2(5)) / (1 + 1 / log2(3) + 1 / 2)),
        (4, 4, (1 + 1 / 2 + 1 / log2(5)) / (1 + 1 / log2(3) + 1 / 2 + 1 / log2(5))),
        (3, 100, (1 + 1 / 2) / (1 + 1 / log2(3) + 1 / 2)),
        (100, 3, (1 + 1 / 2 + 1 / log2(5)) / (1 + 1 / log2(3) + 1 / 2)),
    ],
)
def test_ndcg_by_hand(k: int, n_targets: int, expected: float) -> None:
    assert ndcg_at(k, PLACES, n_targets) == pytest.approx(expected)


def test_graded_ndcg_by_hand() -> None:
    # Votes 7 and 3 could be found; the answer has 3 at place 1, nothing at 2, 7 at 3.
    gains, every = [log(4), 0.0, log(8)], [log(8), log(4)]
    ideal = log(8) + log(4) / log2(3)
    assert graded_ndcg_at(10, gains, every) == pytest.approx((log(4) + log(8) / 2) / ideal)
    assert graded_ndcg_at(2, gains, every) == pytest.approx(log(4) / ideal)
    assert graded_ndcg_at(1, gains, every) == pytest.approx(log(4) / log(8))
    assert graded_ndcg_at(10, [], every) == 0.0
    assert graded_ndcg_at(10, [log(8), log(4)], every) == pytest.approx(1.0)


@given(places=st.lists(st.booleans(), max_size=30), more=st.integers(0, 20), k=st.integers(1, 40))
def test_metrics_stay_between_none_and_all(places: list[bool], more: int, k: int) -> None:
    n_targets = max(1, sum(places) + more)
    marks = np.array(places, dtype=bool)
    for metric in (recall_at, ndcg_at):
        assert 0.0 <= metric(k, marks, n_targets) <= 1.0 + 1e-12
        perfect = np.ones(n_targets, dtype=bool)
        assert metric(k, perfect, n_targets) == pytest.approx(1.0)


def test_an_interval_is_196_standard_errors_to_either_side() -> None:
    estimate = estimate_mean(np.array([0.0, 1.0, 1.0, 0.0]))
    # Standard deviation with n - 1: sqrt(1 / 3).
    half = 1.96 * (1 / 3) ** 0.5 / 2
    assert (estimate.mean, estimate.n) == (0.5, 4)
    assert (estimate.low, estimate.high) == pytest.approx((0.5 - half, 0.5 + half))


def test_a_share_is_of_all_users_together_with_the_interval_of_a_ratio() -> None:
    # 1 of 1 and 1 of 3: a half of all, where the mean over users would be two thirds.
    share = estimate_share(np.array([1.0, 1.0]), np.array([1.0, 3.0]))
    # Residuals 1 - .5 and 1 - 1.5, standard deviation .5 sqrt(2), over a mean total of 2.
    half = 1.96 * 0.5 * 2**0.5 / (2 * 2**0.5)
    assert (share.mean, share.n) == (0.5, 2)
    assert (share.low, share.high) == pytest.approx((0.5 - half, 0.5 + half))


def test_one_value_is_its_own_interval() -> None:
    estimate = estimate_mean(np.array([0.3]))
    assert (estimate.mean, estimate.low, estimate.high, estimate.n) == (0.3, 0.3, 0.3, 1)
