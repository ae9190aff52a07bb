"""Item kNN against brute force."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.interactions_for_tests import make_interactions, random_interactions
from training.lists.interactions import Interactions
from training.similar_anime.item_cosines import find_item_cosines


def _by_brute_force(lists: Interactions) -> NDArray[np.float64]:
    ratings = np.zeros((lists.n_users, lists.n_anime))
    ratings[lists.user_rows(), lists.anime_rows] = lists.ratings
    norms = np.linalg.norm(ratings, axis=0)
    cosines: NDArray[np.float64] = ratings.T @ ratings / np.outer(norms, norms).clip(1e-9)
    np.fill_diagonal(cosines, -1.0)
    return cosines


@pytest.mark.parametrize("n_neighbours", [1, 3, 100])
@pytest.mark.parametrize(("n_users", "n_anime"), [(1, 1), (5, 4), (40, 25), (30, 60)])
@pytest.mark.parametrize("density", [0.05, 0.4])
def test_the_nearest_by_cosine_are_what_brute_force_says(
    n_users: int, n_anime: int, density: float, n_neighbours: int
) -> None:
    lists = random_interactions(n_users, n_anime, density, seed=n_users + n_neighbours)
    found, cosines = find_item_cosines(lists, n_neighbours), _by_brute_force(lists)
    assert found.rows.shape == found.scores.shape == (n_anime, min(n_neighbours, n_anime - 1))
    for row in range(n_anime):
        best = np.sort(cosines[row])[::-1][: found.rows.shape[1]]
        np.testing.assert_allclose(found.scores[row], best, atol=1e-6)
        np.testing.assert_allclose(cosines[row, found.rows[row]], best, atol=1e-6)
        assert len({row, *found.rows[row].tolist()}) == found.rows.shape[1] + 1


def test_in_blocks_they_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = random_interactions(40, 50, 0.3, 0)
    whole = find_item_cosines(lists, 20)
    monkeypatch.setattr("training.similar_anime.item_cosines._BLOCK", 7)
    again = find_item_cosines(lists, 20)
    assert again.rows.tolist() == whole.rows.tolist()
    np.testing.assert_allclose(again.scores, whole.scores, atol=1e-6)


def test_of_equals_the_lower_row_comes_first_and_nobody_in_common_is_a_cosine_of_0() -> None:
    rows = [(1, anime_id, 8, 2) for anime_id in (10, 20, 30, 40)] + [(2, 50, 9, 2)]
    found = find_item_cosines(make_interactions(rows), 4)
    assert found.rows[:2].tolist() == [[1, 2, 3, 4], [0, 2, 3, 4]]
    assert found.scores[0].tolist() == pytest.approx([1.0, 1.0, 1.0, 0.0])
    assert found.scores[4].tolist() == [0.0] * 4
