"""Ranking users by an index: what is known, what is searched, what is scanned."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.bundle.reader import assemble
from models.scoring.top_k import Order
from models.scoring.user_index import UserIndex, user_index_of
from tests.models.small_bundle import make_arrays, make_manifest, unit_rows, user_index

USERS = unit_rows(50, 6, np.random.default_rng(0))
ARRAYS = user_index(USERS, n_groups=3, n_nearest=12)
INDEX = UserIndex(
    USERS,
    ARRAYS["user_centroids"],
    ARRAYS["user_group_offsets"],
    ARRAYS["grouped_user_rows"],
    ARRAYS["nearest_user_rows"],
)

# Enough groups that a search looks into some of them only, and leads that reach few others.
MANY_USERS = unit_rows(400, 6, np.random.default_rng(2))
MANY = user_index(MANY_USERS, n_groups=60, n_nearest=10)
GROUPED = UserIndex(
    MANY_USERS,
    MANY["user_centroids"],
    MANY["user_group_offsets"],
    MANY["grouped_user_rows"],
    # What is known of everybody's nearest is found approximately: here it lacks the second and the fifth.
    np.delete(MANY["nearest_user_rows"], [1, 4], axis=1),
)
QUERIES = unit_rows(20, 6, np.random.default_rng(3))


def _brute_force(row: int, order: Order = "most") -> list[int]:
    similarities = USERS @ USERS[row]
    sign = 1 if order == "least" else -1
    return sorted(set(range(50)) - {row}, key=lambda other: (sign * similarities[other], other))


@pytest.mark.parametrize("k", [0, 1, 12, 13, 49])
@pytest.mark.parametrize("order", ["most", "least"])
def test_a_ranking_is_the_same_within_and_beyond_what_is_known(k: int, order: Order) -> None:
    for row in (0, 7, 49):
        ranked = INDEX.ranked(row, k, order=order)
        assert ranked.rows.tolist() == _brute_force(row, order)[:k]
        np.testing.assert_allclose(ranked.similarities, USERS[ranked.rows] @ USERS[row], atol=1e-6)


@pytest.mark.parametrize("k", [0, 5, 12, 30, 49, 60])
def test_neighbours_never_contain_the_user(k: int) -> None:
    for row in (0, 7, 49):
        assert INDEX.neighbours(row, k).rows.tolist() == _brute_force(row)[:k]


def test_similarities_never_rise_along_a_ranking() -> None:
    for row in range(50):
        assert (np.diff(INDEX.ranked(row, 12).similarities) <= 0).all()


def test_a_search_among_few_groups_is_a_scan() -> None:
    query = unit_rows(1, 6, np.random.default_rng(1))[0]
    found, scanned = INDEX.search(query, 20), INDEX.scan(query, 20)
    assert found.rows.tolist() == scanned.rows.tolist()
    assert found.similarities.tolist() == scanned.similarities.tolist()


def test_a_vector_without_direction_is_as_near_to_everybody() -> None:
    assert INDEX.search(np.zeros(6, dtype=np.float32), 4).rows.tolist() == [0, 1, 2, 3]


def test_the_index_of_a_bundle_is_made_of_its_arrays() -> None:
    bundle = assemble(make_manifest(), make_arrays())
    index = user_index_of(bundle)
    assert index.depth == 3
    assert index.ranked(2, 3).rows.tolist() == bundle.nearest_user_rows[2].tolist()


def _in_exact_order(query: NDArray[np.float32], among: set[int]) -> list[int]:
    similarities = MANY_USERS @ query
    return sorted(among, key=lambda row: (-similarities[row], row))


@pytest.mark.parametrize("k", [0, 1, 8, 9, 30, 400, 1000])
def test_a_search_among_many_groups_answers_any_length(k: int) -> None:
    for query in QUERIES:
        found = GROUPED.ranked_by_vector(query, k)
        assert len(set(found.rows.tolist())) == len(found.rows) == min(k, 400)
        np.testing.assert_allclose(found.similarities, MANY_USERS[found.rows] @ query, atol=1e-6)
        assert len(GROUPED.search(query, k).rows) <= k


def test_a_longer_ranking_begins_with_the_shorter_and_ends_with_everybody_in_exact_order() -> None:
    for query in QUERIES:
        whole = GROUPED.ranked_by_vector(query, 400).rows.tolist()
        for k in (1, 5, 8, 9, 12, 50, 399):
            assert GROUPED.ranked_by_vector(query, k).rows.tolist() == whole[:k]
        assert whole[8:] == _in_exact_order(query, set(range(400)) - set(whole[:8]))
        assert len(set(whole[:8]) & set(_in_exact_order(query, set(range(400)))[:8])) >= 6


def test_who_is_missing_among_the_known_nearest_follows_them() -> None:
    for row in (0, 7, 399):
        exact = _in_exact_order(MANY_USERS[row], set(range(400)) - {row})
        known = [other for rank, other in enumerate(exact[:10]) if rank not in {1, 4}]
        expected = known + [other for other in exact if other not in known]
        for k in (0, 3, 8, 9, 20, 399, 500):
            assert GROUPED.ranked(row, k).rows.tolist() == expected[:k]


def test_the_least_similar_are_ranked_exactly_among_many_groups() -> None:
    for query in QUERIES:
        similarities = MANY_USERS @ query
        expected = sorted(range(400), key=lambda row: (similarities[row], row))
        assert GROUPED.ranked_by_vector(query, 400, order="least").rows.tolist() == expected


def _fan(n_groups: int, n_each: int) -> NDArray[np.float32]:
    """Put groups of users in directions that turn away from the first axis, group by group, user by user."""
    angles = np.linspace(0.0, 1.5, n_groups * n_each)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def _fan_index(n_groups: int, n_each: int, nearest: list[int]) -> UserIndex:
    """Index such users; each knows of one other."""
    users = _fan(n_groups, n_each)
    rows = np.arange(len(users), dtype=np.int32)
    return UserIndex(
        users,
        users[n_each // 2 :: n_each],
        np.arange(0, len(users) + 1, n_each),
        rows,
        np.array(nearest, dtype=np.int32)[:, None],
    )


FIRST = np.array([1, 0], dtype=np.float32)


def test_a_search_compares_with_the_users_of_the_16_nearest_groups() -> None:
    users_alone = [*range(18 * 3)]
    found = _fan_index(18, 3, users_alone).search(FIRST, 100)
    assert found.rows.tolist() == list(range(16 * 3))
    # As many groups as are looked into are all there are.
    assert len(_fan_index(16, 3, users_alone[: 16 * 3]).search(FIRST, 100).rows) == 16 * 3


def test_a_search_follows_who_is_near_to_those_found_twice() -> None:
    # The first knows somebody of the 17th group, who knows somebody of the 18th, who knows somebody of the 19th.
    nearest = [*range(20 * 2)]
    nearest[0], nearest[32], nearest[34] = 32, 34, 36
    assert _fan_index(20, 2, nearest).search(FIRST, 100).rows.tolist() == [*range(32), 32, 34]


def test_a_search_follows_the_48_best() -> None:
    # Each of the 64 users of the first 16 groups knows another one who is far away.
    nearest = [*range(64, 128), *range(64, 128)]
    assert _fan_index(32, 4, nearest).search(FIRST, 200).rows.tolist() == list(range(64 + 48))
