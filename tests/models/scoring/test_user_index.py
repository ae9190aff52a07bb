"""Ranking users by an index: what is known, what is searched, what is scanned."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray

from models.bundle.inverted_file import InvertedFile
from models.bundle.reader import assemble
from models.scoring.ranking import Order
from models.scoring.user_index import UserIndex, user_index_of
from tests.models.small_bundle import inverted_file, make_arrays, make_manifest, unit_rows, user_index

USERS = unit_rows(50, 6, np.random.default_rng(0))
INDEX = UserIndex(USERS, user_index(USERS, n_nearest=12)["nearest_user_rows"])

# Enough groups that a search looks into some of them only.
MANY_USERS = unit_rows(400, 6, np.random.default_rng(2))
MANY = user_index(MANY_USERS, n_groups=60, n_nearest=10, n_probed=16)
GROUPED = UserIndex(
    MANY_USERS,
    # What is known of everybody's nearest is found approximately: here it lacks the second and the fifth.
    np.delete(MANY["nearest_user_rows"], [1, 4], axis=1),
    InvertedFile(MANY["user_index"]),
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


def test_a_search_among_few_users_is_a_scan() -> None:
    query = unit_rows(1, 6, np.random.default_rng(1))[0]
    found, scanned = INDEX.search(query, 20), INDEX.scan(query, 20)
    assert found.rows.tolist() == scanned.rows.tolist()
    assert found.similarities.tolist() == scanned.similarities.tolist()


@pytest.mark.parametrize("index", [INDEX, GROUPED])
def test_a_vector_without_direction_is_as_near_to_everybody(index: UserIndex) -> None:
    assert index.search(np.zeros(6, dtype=np.float32), 4).rows.tolist() == [0, 1, 2, 3]


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


def test_what_is_stored_of_the_nearest_is_what_a_longer_ranking_begins_with() -> None:
    stored = np.linspace(0.99, 0.98, 3, dtype=np.float32)
    index = replace(GROUPED, nearest_similarities=np.tile(stored, (400, 1)))
    for k in (0, 2, 3, 8):
        assert index.neighbours(5, k).similarities[:3].tolist() == stored[:k].tolist()
    longer, computed = index.ranked(5, 20).similarities, GROUPED.ranked(5, 20).similarities
    assert longer[3:].tolist() == np.minimum(computed[3:], stored[-1]).tolist()


def _fan(n_groups: int, n_each: int) -> NDArray[np.float32]:
    """Put groups of users in directions that turn away from the first axis, group by group, user by user."""
    angles = np.linspace(0.0, 1.5, n_groups * n_each)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def _fan_index(n_groups: int, n_each: int, n_probed: int, n_nearest: int = 0) -> UserIndex:
    users = _fan(n_groups, n_each)
    centroids = users[n_each // 2 :: n_each]
    nearest = np.zeros((len(users), n_nearest), dtype=np.int32)
    return UserIndex(users, nearest, InvertedFile(inverted_file(users, centroids, n_probed)))


FIRST = np.array([1, 0], dtype=np.float32)


@pytest.mark.parametrize("n_probed", [1, 5, 18])
def test_a_search_compares_with_the_users_of_as_many_groups_as_the_index_says(n_probed: int) -> None:
    found = _fan_index(18, 3, n_probed).search(FIRST, 100)
    assert found.rows.tolist() == list(range(n_probed * 3))
    np.testing.assert_allclose(found.similarities, _fan(18, 3)[: n_probed * 3, 0], rtol=0, atol=1e-6)


def test_a_ranking_goes_on_with_those_whom_a_search_does_not_look_at() -> None:
    index = _fan_index(18, 3, n_probed=2, n_nearest=10)
    assert index.ranked_by_vector(FIRST, 54).rows.tolist() == list(range(54))


def test_users_that_are_alike_come_in_the_order_of_their_rows() -> None:
    users = np.eye(4, dtype=np.float32)[[3, 1, 0, 1, 2, 1, 1, 0]]
    file = inverted_file(users, np.eye(4, dtype=np.float32), 4)
    index = UserIndex(users, np.zeros((8, 7), dtype=np.int32), InvertedFile(file))
    query = np.array([0.6, 0.8, 0, 0], dtype=np.float32)
    assert index.search(query, 8).rows.tolist() == [1, 3, 5, 6, 2, 7, 0, 4]
    for k in range(8):
        assert index.search(query, k).rows.tolist() == [1, 3, 5, 6, 2, 7, 0, 4][:k]


def test_near_ties_that_halves_cannot_tell_apart_are_in_exact_order() -> None:
    # Cosines that differ by a ten-thousandth: as halves they are alike, and the last rows would come last.
    cosines = 0.9 + np.arange(20) * 1e-5
    users = np.stack([cosines, np.sqrt(1 - cosines**2)], axis=1).astype(np.float32)
    quantizer = faiss.IndexFlatIP(2)
    quantizer.add(users[[0, 10]])
    file = faiss.IndexIVFScalarQuantizer(
        quantizer, 2, 2, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT, False
    )
    file.train(users)
    file.add(users)
    file.nprobe = 2
    index = UserIndex(users, np.zeros((20, 19), dtype=np.int32), InvertedFile(faiss.serialize_index(file)))
    for k in (1, 5, 20):
        assert index.search(FIRST, k).rows.tolist() == list(range(19, 19 - k, -1))


def test_a_search_starts_no_threads() -> None:
    def count_threads() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    with ThreadPoolExecutor(1) as pool:
        before = pool.submit(count_threads).result()
        for query in QUERIES:
            pool.submit(GROUPED.search, query, 10).result()
        assert pool.submit(count_threads).result() == before


def test_what_is_no_index_of_faiss_is_refused() -> None:
    for content in (b"", b"text", b"IwFl", bytes(1000)):
        with pytest.raises(ValueError, match="is no index of faiss"):
            InvertedFile(np.frombuffer(content, dtype=np.uint8))
