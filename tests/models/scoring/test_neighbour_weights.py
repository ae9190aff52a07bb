"""Neighbours with fitted weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.scoring.neighbours import NeighbourRegression
from models.scoring.user_list import SeenLists, Support

N_ANIME = 9
POPULARITY = np.array([50, 3, 7, 20, 1, 9, 30, 4, 0])

rows = st.lists(st.integers(0, N_ANIME - 1), max_size=N_ANIME, unique=True).map(sorted)


def as_rows(lists: list[list[int]]) -> SeenLists:
    return SeenLists.of([np.array(each, dtype=np.int32) for each in lists])


def scores_the_slow_way(seen: list[int], lists: list[list[int]]) -> NDArray[np.float64]:
    holds = np.zeros((len(lists), N_ANIME))
    for row, theirs in zip(holds, lists, strict=True):
        row[theirs] = 1.0
    mine = np.isin(np.arange(N_ANIME), seen).astype(float)
    counts = np.maximum(POPULARITY, 1.0)
    idf = np.diag(counts**-0.3)
    gram = holds @ idf @ holds.T
    gram += np.eye(len(lists)) * 2.0 * (np.trace(gram) / len(lists) + 1e-6)
    weights = np.linalg.solve(gram, holds @ idf @ mine)
    scores: NDArray[np.float64] = (weights @ holds) * counts**-0.25
    return scores


@given(seen=rows, lists=st.lists(rows, min_size=1, max_size=5))
def test_scores_are_those_of_a_ridge_regression_on_the_neighbours(seen: list[int], lists: list[list[int]]) -> None:
    fitted = NeighbourRegression(POPULARITY).fit(Support.of(np.array(seen, dtype=np.int32)), as_rows(lists))
    np.testing.assert_allclose(fitted.scores, scores_the_slow_way(seen, lists), atol=1e-4)


@given(seen=rows, lists=st.lists(rows, max_size=5))
def test_contributions_add_up_to_the_scores(seen: list[int], lists: list[list[int]]) -> None:
    seen_rows = np.array(seen, dtype=np.int32)
    fitted = NeighbourRegression(POPULARITY).fit(Support.of(seen_rows), as_rows(lists))
    contributions = fitted.contributions(Support.of(seen_rows), np.arange(N_ANIME))
    assert contributions.shape == (N_ANIME, len(seen))
    np.testing.assert_allclose(contributions.sum(axis=1), fitted.scores, atol=1e-5)


def test_a_score_of_one_neighbour_is_what_paper_says() -> None:
    # Anime 1 is in common. It counts 3 ** -0.3, the other one 20 ** -0.3, and the ridge adds twice their sum.
    fitted = NeighbourRegression(POPULARITY).fit(Support.of(np.array([1, 2], dtype=np.int32)), as_rows([[1, 3]]))
    weight = 3**-0.3 / (3 * (3**-0.3 + 20**-0.3))
    assert fitted.weights.tolist() == pytest.approx([weight], rel=1e-5)
    assert fitted.scores[[1, 2, 3]].tolist() == pytest.approx([weight / 3**0.25, 0.0, weight / 20**0.25], rel=1e-5)
    parts = fitted.contributions(Support.of(np.array([1, 2])), np.array([3]))
    assert parts.tolist() == [pytest.approx([weight / 20**0.25, 0.0], rel=1e-5)]


def test_ten_alike_count_less_than_ten_times_one() -> None:
    regression, seen = NeighbourRegression(POPULARITY), np.array([0, 1], dtype=np.int32)
    one = regression.fit(Support.of(seen), as_rows([[0, 1, 2]])).scores
    ten = regression.fit(Support.of(seen), as_rows([[0, 1, 2]] * 10)).scores
    assert one[2] < ten[2] < 10 * one[2]


@pytest.mark.parametrize("seen", [[], [0, 1]])
def test_without_neighbours_every_score_is_zero(seen: list[int]) -> None:
    fitted = NeighbourRegression(POPULARITY).fit(Support.of(np.array(seen, dtype=np.int32)), as_rows([]))
    assert fitted.scores.tolist() == [0.0] * N_ANIME
    assert not fitted.contributions(Support.of(np.array(seen, dtype=np.int32)), np.arange(2)).any()
