"""The index of users against comparing everybody with everybody."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.bundle.inverted_file import InvertedFile
from models.scoring.ranking import top_k_rows
from models.scoring.user_index import UserIndex
from training.similar_users.groups import GroupedUsers
from training.similar_users.index import build_user_index, count_groups, enough_reach, recall
from training.similar_users.neighbours import EVERYWHERE, nearest_of, neighbours_of_all

Matrix = NDArray[np.float32]


def _users(n_users: int, size: int = 8, n_tastes: int = 12, seed: int = 0) -> Matrix:
    """Users around a few tastes; some have the same list as another."""
    rng = np.random.default_rng(seed)
    tastes = rng.normal(size=(n_tastes, size))
    rows = tastes[rng.integers(0, n_tastes, n_users)] + 0.5 * rng.normal(size=(n_users, size))
    rows[n_users // 2 :: 7] = rows[0]
    unit: Matrix = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _grouped(users: Matrix, n_groups: int) -> GroupedUsers:
    return GroupedUsers.make(users, n_groups, np.random.default_rng(0))


def _assert_nearest(users: Matrix, nearest: NDArray[np.int32]) -> None:
    """Hold nearest users against an exact scan; near-ties may stand in each other's place."""
    for row, rows in enumerate(nearest):
        others = np.arange(len(users)) != row
        exact = users @ users[row]
        expected = top_k_rows(exact, nearest.shape[1], allowed=others)
        assert row not in rows
        assert len(set(rows.tolist())) == nearest.shape[1]
        np.testing.assert_allclose(exact[rows], exact[expected], rtol=0, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(n_users=st.integers(2, 300), n_groups=st.integers(1, 20), k=st.integers(1, 40), seed=st.integers(0, 2**32 - 1))
def test_looking_into_every_group_finds_what_an_exact_scan_finds(
    n_users: int, n_groups: int, k: int, seed: int
) -> None:
    users = _users(n_users, seed=seed)
    n_groups, k = min(n_groups, n_users), min(k, n_users - 1)
    _assert_nearest(users, neighbours_of_all(_grouped(users, n_groups), k, EVERYWHERE))


def test_few_users_are_compared_with_all() -> None:
    users = _users(700)
    arrays, metrics = build_user_index(users)
    assert arrays["user_index"].shape == (0,)
    assert metrics["recall_at_10"] == metrics["recall_at_100"] == 1.0
    _assert_nearest(users, arrays["nearest_user_rows"])


def test_as_many_nearest_are_found_as_are_asked_for() -> None:
    users = _users(700)
    arrays, metrics = build_user_index(users, 20)
    assert arrays["nearest_user_rows"].shape == (700, 20)
    assert metrics["recall_at_10"] == metrics["recall_at_20"] == 1.0
    _assert_nearest(users, arrays["nearest_user_rows"])


def test_users_with_the_same_list_come_in_the_order_of_their_rows() -> None:
    users = np.eye(4, dtype=np.float32)[[0, 1, 0, 2, 0, 0, 3]]
    arrays, _ = build_user_index(users)
    assert arrays["nearest_user_rows"][2].tolist() == [0, 4, 5, 1, 3, 6]


@pytest.mark.parametrize("n_users", [1, 2])
def test_one_or_two_users_have_nobody_or_each_other(n_users: int) -> None:
    arrays, metrics = build_user_index(_users(n_users))
    assert arrays["nearest_user_rows"].tolist() == [[[]], [[1], [0]]][n_users - 1]
    assert metrics["n_nearest"] == n_users - 1


def test_users_come_in_groups_once_there_are_many() -> None:
    assert [count_groups(n) for n in (1, 65_535, 65_536, 325_772)] == [1, 1, 204, 1018]


def test_the_same_users_make_the_same_index() -> None:
    users = _users(400)
    first, second = _grouped(users, 9), _grouped(users, 9)
    assert (first.rows == second.rows).all()
    assert (first.centroids == second.centroids).all()


def test_every_user_belongs_to_the_nearest_centre_and_lies_there_once() -> None:
    users = _users(500)
    grouped = _grouped(users, 11)
    assert sorted(grouped.rows.tolist()) == list(range(500))
    for group in range(11):
        rows = grouped.rows[grouped.offsets[group] : grouped.offsets[group + 1]]
        assert (np.diff(rows) > 0).all()
        assert ((users[rows] @ grouped.centroids.T).argmax(axis=1) == group).all()


def test_more_groups_than_kinds_of_users_leave_some_empty_and_lose_nobody() -> None:
    users = np.eye(3, dtype=np.float32)[[0, 1, 2] * 20]
    grouped = _grouped(users, 10)
    assert np.isfinite(grouped.centroids).all()
    _assert_nearest(users, neighbours_of_all(grouped, 30, EVERYWHERE))


def test_looking_into_some_groups_finds_most_of_the_nearest() -> None:
    users = _users(6000, size=16, n_tastes=60)
    nearest = neighbours_of_all(_grouped(users, 60), 10, 0.4)
    found = recall(neighbours_of_all(_grouped(users, 60), 10, EVERYWHERE), nearest)
    assert 0.95 < found < 1.0


def test_recall_is_the_share_of_the_nearest_that_was_found() -> None:
    truth = np.array([[1, 2, 3, 4], [5, 6, 7, 8]], dtype=np.int32)
    found = np.array([[2, 1, 9, 4], [8, 7, 6, 5]], dtype=np.int32)
    assert recall(truth, found) == 7 / 8


def test_a_search_looks_as_far_as_neighbours_need() -> None:
    users = _users(6000, size=16, n_tastes=60)
    grouped = _grouped(users, 60)
    sample = np.arange(0, 6000, 20)
    truth = nearest_of(grouped, sample, 10, EVERYWHERE)
    reach = enough_reach(grouped, sample, truth)
    assert 0.0 < reach < 1.0
    assert recall(truth, nearest_of(grouped, sample, 10, reach)) >= 0.993
    assert recall(truth, nearest_of(grouped, sample, 10, reach - 0.01)) < 0.993


def test_who_finds_too_few_in_reach_looks_everywhere() -> None:
    users = _users(600, n_tastes=30)
    grouped = _grouped(users, 200)
    _assert_nearest(users, nearest_of(grouped, np.argsort(grouped.rows), 100, 0.0))


def _search(index: UserIndex, query: NDArray[np.float32], k: int) -> list[int]:
    found: list[int] = index.search(query, k).rows.tolist()
    return found


@pytest.fixture(scope="module")
def many() -> tuple[Matrix, dict[str, NDArray[Any]], dict[str, Any]]:
    users = _users(6000, size=16, n_tastes=60)
    return users, *build_user_index(users, n_groups=60)


def test_an_index_of_many_groups_says_what_it_finds(many: tuple[Matrix, dict[str, Any], dict[str, Any]]) -> None:
    _, _, metrics = many
    assert metrics["n_groups"] == 60
    assert 0.0 < metrics["reach"] < 1.0
    assert 0.98 < metrics["recall_at_10"] <= 1.0
    assert 0.85 < metrics["recall_at_100"] <= metrics["recall_at_10"]
    assert 16 <= metrics["n_probed"] < 60
    assert 0.996 <= metrics["search_recall_at_10"] <= 1.0


def test_a_search_by_groups_finds_most_of_what_a_scan_finds(
    many: tuple[Matrix, dict[str, Any], dict[str, Any]],
) -> None:
    users, arrays, _ = many
    index = UserIndex(users, arrays["nearest_user_rows"], InvertedFile(arrays["user_index"]))
    # Of the same tastes, and nobody whom the index holds.
    queries = users[:200] + 0.05 * np.random.default_rng(1).normal(size=(200, 16)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    shares = [len({*_search(index, query, 10)} & {*np.argsort(-(users @ query))[:10].tolist()}) for query in queries]
    assert np.mean(shares) / 10 >= 0.99
    for query in queries[:20]:
        found = index.search(query, 150)
        assert len(np.unique(found.rows)) == 150
        np.testing.assert_allclose(found.similarities, users[found.rows] @ query, atol=1e-6)
        order = np.lexsort((found.rows, -found.similarities))
        assert (order == np.arange(150)).all()


def test_where_tastes_have_no_order_a_search_looks_into_more_groups() -> None:
    users = np.random.default_rng(0).normal(size=(3000, 16)).astype(np.float32)
    users /= np.linalg.norm(users, axis=1, keepdims=True)
    _, metrics = build_user_index(users, 10, n_groups=100)
    assert metrics["n_probed"] > 40
    assert metrics["search_recall_at_10"] >= 0.996
    _, metrics = build_user_index(users, n_groups=2)
    assert (metrics["n_probed"], metrics["search_recall_at_10"]) == (2, 1.0)
