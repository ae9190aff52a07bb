"""Scoring: exact, repeatable, and equal to what brute force says."""

import itertools
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.bundle.reader import assemble
from models.scoring.embedding import cosine_scores, embed_list, list_contributions, list_scores
from models.scoring.neighbours import score_by_neighbours
from models.scoring.ranking import top_k_rows
from models.scoring.user_list import (
    SeenLists,
    Status,
    Support,
    UserList,
    least_of_top_quarters,
    list_of_user,
    seen_lists_of_users,
)
from tests.models.small_bundle import make_arrays, make_manifest, unit_rows

# Few different values, so that ties abound.
SCORES = st.lists(st.sampled_from([-1.0, -0.5, -0.0, 0.0, 0.25, 1.0, 1e-30, float("inf")]), max_size=40)


@given(scores=SCORES, k=st.integers(-2, 50), order=st.sampled_from(["most", "least"]), data=st.data())
def test_top_k_is_what_sorting_everything_gives(
    scores: list[float], k: int, order: Literal["most", "least"], data: st.DataObject
) -> None:
    marks = data.draw(st.none() | st.lists(st.booleans(), min_size=len(scores), max_size=len(scores)))
    allowed = None if marks is None else np.array(marks, dtype=bool)
    sign = -1 if order == "most" else 1
    candidates = [row for row in range(len(scores)) if marks is None or marks[row]]
    expected = sorted(candidates, key=lambda row: (sign * scores[row], row))[: max(k, 0)]
    found = top_k_rows(np.array(scores, dtype=np.float32), k, allowed=allowed, order=order)
    assert found.tolist() == expected
    assert found.dtype == np.int64


@given(scores=SCORES, cut=st.integers(0, 20))
def test_pages_neither_repeat_nor_miss_a_row(scores: list[float], cut: int) -> None:
    array = np.array(scores, dtype=np.float64)
    assert top_k_rows(array, len(scores))[:cut].tolist() == top_k_rows(array, cut).tolist()


def test_top_k_of_large_vectors_equals_a_full_sort() -> None:
    rng = np.random.default_rng(0)
    scores = np.round(rng.normal(size=20_000), 2).astype(np.float32)
    for k in (1, 10, 100, 19_999, 20_000, 30_000):
        expected = np.lexsort((np.arange(len(scores)), -scores))[:k]
        np.testing.assert_array_equal(top_k_rows(scores, k), expected)


def test_top_k_leaves_its_input_alone() -> None:
    scores = np.array([1.0, 3.0, 2.0], dtype=np.float32)
    allowed = np.array([True, False, True])
    assert top_k_rows(scores, 5, allowed=allowed).tolist() == [2, 0]
    assert (scores.tolist(), allowed.tolist()) == ([1.0, 3.0, 2.0], [True, False, True])


def test_a_list_is_embedded_as_its_normalised_sum() -> None:
    embeddings = np.array([[1, 0], [0, 1], [-1, 0]], dtype=np.float32)
    np.testing.assert_allclose(
        embed_list(embeddings, Support.of(np.array([0, 1]))), [np.sqrt(0.5), np.sqrt(0.5)], rtol=1e-6
    )
    np.testing.assert_array_equal(embed_list(embeddings, Support.of(np.array([1]))), [0, 1])
    assert embed_list(embeddings, Support.of(np.array([0, 1]))).dtype == np.float32


@pytest.mark.parametrize("rows", [[], [0, 2]])
def test_a_list_without_direction_embeds_as_zeros_and_scores_nothing(rows: list[int]) -> None:
    embeddings = np.array([[1, 0], [0, 1], [-1, 0]], dtype=np.float32)
    listed = np.array(rows, dtype=np.int32)
    embedded = embed_list(embeddings, Support.of(listed))
    assert embedded.tolist() == [0.0, 0.0]
    assert cosine_scores(embeddings, embedded).tolist() == [0.0, 0.0, 0.0]
    assert list_contributions(embeddings, Support.of(listed), embeddings[0]).tolist() == [0.0] * len(rows)


@given(seed=st.integers(0, 2**32 - 1), n_listed=st.integers(1, 60), size=st.integers(1, 16))
def test_contributions_add_up_to_the_score_and_order_does_not_matter(seed: int, n_listed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    embeddings = unit_rows(60, size, rng)
    list_embeddings = rng.normal(size=(60, size)).astype(np.float32)
    gains = rng.uniform(0.01, 1.0, 60).astype(np.float32)
    rows = rng.choice(60, n_listed, replace=False)
    embedded = embed_list(list_embeddings, Support.of(rows))
    assert np.linalg.norm(embedded) == pytest.approx(1.0, abs=1e-5) or not embedded.any()
    np.testing.assert_allclose(embed_list(list_embeddings, Support.of(rows[::-1])), embedded, atol=1e-6)
    scores = list_scores(embeddings, gains, embedded)
    np.testing.assert_allclose(scores, gains * cosine_scores(embeddings, embedded), atol=1e-7)
    assert np.abs(scores).max() <= 1.0
    total = float(np.linalg.norm(list_embeddings[rows].astype(np.float64).sum(axis=0)))
    for candidate in (0, 59):
        parts = list_contributions(list_embeddings, Support.of(rows), embeddings[candidate] * gains[candidate])
        assert len(parts) == n_listed
        # Where embeddings nearly cancel out, float32 leaves less to compare.
        assert parts.sum() == pytest.approx(scores[candidate], abs=1e-4 / min(1.0, total or 1.0))


def test_cosines_of_a_vector_with_itself_never_exceed_one() -> None:
    embeddings = unit_rows(500, 128, np.random.default_rng(1))
    for row in range(500):
        assert cosine_scores(embeddings, embeddings[row]).max() <= 1.0


def _list(rows: list[int], ratings: list[int], statuses: list[int] | None = None) -> UserList:
    given_statuses = statuses or [int(Status.COMPLETED)] * len(rows)
    return UserList(
        np.array(rows, dtype=np.int32), np.array(ratings, dtype=np.uint8), np.array(given_statuses, dtype=np.uint8)
    )


@pytest.mark.parametrize(
    ("ratings", "expected"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8], [6, 7]),  # 75th percentile 6.25
        ([10, 10, 10, 10], [0, 1, 2, 3]),
        ([7], [0]),
        ([0, 0, 0], []),
        ([0, 5, 0, 9], [3]),  # of 5 and 9: percentile 8
        ([8, 9, 9, 10], [3]),  # 9.25
        ([8, 8, 9, 9, 10], [2, 3, 4]),  # 9
        ([], []),
    ],
)
def test_the_top_quarter_is_what_is_rated_at_or_above_the_75th_percentile(
    ratings: list[int], expected: list[int]
) -> None:
    assert _list(list(range(len(ratings))), ratings).top_quarter_rows.tolist() == expected


def test_plans_are_not_seen() -> None:
    statuses = [int(Status.PLAN_TO_WATCH), int(Status.DROPPED), int(Status.UNKNOWN), int(Status.PLAN_TO_WATCH)]
    assert _list([1, 3, 5, 7], [0, 2, 8, 0], statuses).seen_rows.tolist() == [3, 5]


def test_neighbours_speak_by_their_share_of_the_similarity() -> None:
    # By hand: weights .6/(.6+.2) = .75 and .2/.8 = .25; the third is opposed and has no say.
    lists = [_list([0, 1, 2], [10, 5, 5]), _list([0, 3], [9, 9]), _list([4], [10])]
    scored = score_by_neighbours(6, np.array([0.6, 0.2, -0.9], dtype=np.float32), lists)
    np.testing.assert_allclose(scored.weights, [0.75, 0.25, 0.0], rtol=1e-6)
    np.testing.assert_allclose(scored.scores, [1.0, 0, 0, 0.25, 0, 0], rtol=1e-6)
    assert [rows.tolist() for rows in scored.supported_rows] == [[0], [0, 3], [4]]
    assert [who.tolist() for who in scored.supporters_of([0, 3, 5])] == [[0, 1], [1], []]


def test_a_neighbour_without_a_say_supports_nothing() -> None:
    scored = score_by_neighbours(2, np.array([0.5, 0.0, -0.5], dtype=np.float32), [_list([1], [8])] * 3)
    assert [who.tolist() for who in scored.supporters_of([1])] == [[0]]


@pytest.mark.parametrize("similarities", [[], [0.0], [-0.2, -0.9]])
def test_without_a_similar_user_every_score_is_zero(similarities: list[float]) -> None:
    lists = [_list([0], [10])] * len(similarities)
    scored = score_by_neighbours(3, np.array(similarities, dtype=np.float32), lists)
    assert scored.scores.tolist() == [0.0, 0.0, 0.0]
    assert scored.weights.sum() == 0.0
    assert [who.tolist() for who in scored.supporters_of([0])] == [[]]


@given(similarities=st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=50))
def test_scores_by_neighbours_stay_between_zero_and_one(similarities: list[float]) -> None:
    scored = score_by_neighbours(2, np.array(similarities, dtype=np.float32), [_list([1], [8])] * len(similarities))
    assert scored.scores[0] == 0.0
    assert 0.0 <= scored.scores[1] <= 1.0
    expected = 1.0 if max(similarities) > 0 else 0.0
    assert scored.scores[1] == pytest.approx(expected, abs=1e-5)


@given(lists=st.lists(st.lists(st.integers(0, 10), max_size=12), max_size=6))
def test_the_top_quarters_of_many_lists_begin_at_the_percentile_of_each(lists: list[list[int]]) -> None:
    owners = np.repeat(np.arange(len(lists)), [len(ratings) for ratings in lists])
    flat = np.array([rating for ratings in lists for rating in ratings], dtype=np.uint8)
    least = least_of_top_quarters(owners, flat, len(lists))
    for ratings, threshold in zip(lists, least.tolist(), strict=True):
        rated = [rating for rating in ratings if rating]
        percentile = np.percentile(rated, 75) if rated else 11
        assert [rating >= threshold for rating in rated] == [rating >= percentile for rating in rated]
        alone = _list(list(range(len(ratings))), ratings).top_quarter_rows.tolist()
        assert alone == [row for row, rating in enumerate(ratings) if rating and rating >= percentile]


def test_the_list_of_a_user_is_a_view_of_the_bundle() -> None:
    arrays = make_arrays()
    bundle = assemble(make_manifest(), arrays)
    for user_row in range(bundle.n_users):
        start, end = arrays["list_offsets"][user_row : user_row + 2]
        one: NDArray[np.int32] = list_of_user(bundle, user_row).anime_rows
        assert one.tolist() == arrays["list_anime_rows"][start:end].tolist()
        assert np.shares_memory(one, bundle.list_anime_rows)


def test_what_many_users_have_seen_is_what_each_of_them_has() -> None:
    bundle = assemble(make_manifest(), make_arrays())
    rows = np.array([2, 0, 2, 1])
    together, lists = seen_lists_of_users(bundle, rows), [list_of_user(bundle, row).seen_rows for row in rows]
    for name, expected in vars(SeenLists.of(lists)).items():
        np.testing.assert_array_equal(getattr(together, name), expected)
    assert [together.rows[i:j].tolist() for i, j in itertools.pairwise(together.ends)] == [x.tolist() for x in lists]
    assert len(seen_lists_of_users(bundle, rows[:0])) == len(seen_lists_of_users(bundle, rows[:0]).rows) == 0


def test_numbers_are_added_up_by_list_empty_ones_too() -> None:
    nothing = np.empty(0, dtype=np.int32)
    lists = SeenLists.of([np.array([1, 2]), nothing, np.array([5]), nothing])
    sums = lists.sum_up(np.array([0.5, 0.25, 4.0], dtype=np.float32))
    np.testing.assert_array_equal(sums, [0.75, 0.0, 4.0, 0.0])
    assert SeenLists.of([nothing]).sum_up(np.empty(0, dtype=np.float32)).tolist() == [0.0]
    assert len(SeenLists.of([]).sum_up(np.empty(0, dtype=np.float32))) == 0


@pytest.mark.parametrize("kind", ["normal", "few values", "ascending", "descending", "periodic"])
@pytest.mark.parametrize("k", [1, 80, 1_000, 4_999])
def test_top_k_of_large_vectors_is_exact_however_the_scores_lie(kind: str, k: int) -> None:
    rng = np.random.default_rng(3)
    n = 20_000
    scores = {
        "normal": rng.normal(size=n),
        "few values": rng.integers(0, 3, n).astype(np.float64),
        "ascending": np.arange(n, dtype=np.float64),
        "descending": -np.arange(n, dtype=np.float64),
        # Every sixteenth is the best there is: a sample of these alone.
        "periodic": np.where(np.arange(n) % 16 == 0, 1.0, rng.random(n)),
    }[kind]
    expected = np.argsort(-scores, kind="stable")[:k]
    assert top_k_rows(scores, k).tolist() == expected.tolist()
    assert top_k_rows(-scores, k, order="least").tolist() == expected.tolist()
