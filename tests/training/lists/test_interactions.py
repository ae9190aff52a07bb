"""Lists in rows: keeping fewer of them, thresholds, and sparse matrices."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.interactions_for_tests import make_interactions, random_interactions, rows_of
from training.errors import InputError
from training.lists import interactions
from training.lists.thresholds import Thresholds, apply_thresholds

ROWS = [(1, 10, 8, 2), (1, 11, 0, 6), (2, 10, 5, 4), (4, 10, 9, 1), (4, 11, 7, 2), (4, 12, 0, 2)]

SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 10), st.floats(0, 0.9), st.integers(0, 10**6))


def test_lists_are_found_by_user_row() -> None:
    lists = make_interactions(ROWS)
    assert (lists.n_users, lists.n_anime) == (3, 3)
    assert lists.user_rows().tolist() == [0, 0, 1, 2, 2, 2]
    assert lists.list_of(0).anime_rows.tolist() == [0, 1]
    assert lists.list_of(0).seen_rows.tolist() == [0]
    assert lists.list_of(2).ratings.tolist() == [9, 7, 0]
    assert lists.seen.tolist() == [True, False, True, True, True, True]


def test_matrices_hold_what_the_lists_hold() -> None:
    lists = make_interactions(ROWS)
    assert lists.seen_matrix().toarray().tolist() == [[1, 0, 0], [1, 0, 0], [1, 1, 1]]
    assert lists.matrix(lists.ratings).toarray().tolist() == [[8, 0, 0], [5, 0, 0], [9, 7, 0]]
    assert lists.seen_matrix().dtype == np.float32


@given(shape=SHAPES, group_entries=st.integers(1, 30), n_empty=st.integers(0, 3))
def test_groups_of_users_are_all_users_once(
    shape: tuple[int, int, float, int], group_entries: int, n_empty: int
) -> None:
    lists = random_interactions(*shape)
    ends = [lists.offsets[-1]] * n_empty
    ids = np.arange(lists.n_users + n_empty)
    lists = replace(lists, user_ids=ids, offsets=np.append(lists.offsets, ends).astype(np.int64))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interactions, "GROUP_ENTRIES", group_entries)
        groups = list(lists.groups_of_users())
        counts = lists.count_by_user(lists.seen)
    assert [row for first, last in groups for row in range(first, last)] == list(range(lists.n_users))
    parts = [lists.users_between(first, last) for first, last in groups]
    assert [row for part in parts for row in rows_of(part)] == rows_of(lists)
    assert counts.tolist() == [len(lists.list_of(row).seen_rows) for row in range(lists.n_users)]
    longest = int(np.diff(lists.offsets).max())
    assert all(len(part.anime_rows) <= group_entries + longest for part in parts)


@given(shape=SHAPES, data=st.data())
def test_keeping_entries_and_users_is_what_filtering_rows_is(
    shape: tuple[int, int, float, int], data: st.DataObject
) -> None:
    lists = random_interactions(*shape)
    rows = rows_of(lists)
    kept = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    fewer = lists.keep_entries(np.array(kept))
    assert rows_of(fewer) == [row for row, keep in zip(rows, kept, strict=True) if keep]
    assert fewer.n_users == lists.n_users
    users = data.draw(st.lists(st.booleans(), min_size=lists.n_users, max_size=lists.n_users))
    some = lists.keep_users(np.array(users))
    left = {int(user) for user, keep in zip(lists.user_ids, users, strict=True) if keep}
    assert rows_of(some) == [row for row in rows if row[0] in left]
    assert some.user_ids.tolist() == sorted(left)
    assert some.n_anime == lists.n_anime


def _filter_again_and_again(
    rows: list[tuple[int, int, int, int]], user_minimum: int, anime_minimum: int
) -> list[object]:
    """The oracle: drop whoever is below, until nobody is."""
    while True:
        seen = [row for row in rows if row[3] != 6]
        anime = {row[1] for row in seen if sum(other[1] == row[1] for other in seen) >= max(1, anime_minimum)}
        fewer = [row for row in rows if row[1] in anime]
        seen = [row for row in fewer if row[3] != 6]
        users = {row[0] for row in seen if sum(other[0] == row[0] for other in seen) >= max(1, user_minimum)}
        fewer = [row for row in fewer if row[0] in users]
        if fewer == rows:
            return list(rows)
        rows = fewer


@settings(max_examples=150, deadline=None)
@given(shape=SHAPES, user_minimum=st.integers(0, 5), anime_minimum=st.integers(0, 5))
def test_every_user_and_anime_that_is_left_meets_the_thresholds_and_no_more_are_dropped_than_need_be(
    shape: tuple[int, int, float, int], user_minimum: int, anime_minimum: int
) -> None:
    lists = random_interactions(*shape)
    expected = _filter_again_and_again(rows_of(lists), user_minimum, anime_minimum)
    thresholds = Thresholds(user_minimum, anime_minimum)
    if not expected:
        with pytest.raises(InputError, match=r"nothing is left of .*--min-user-rows and --min-anime-rows"):
            apply_thresholds(lists, thresholds)
        return
    kept = apply_thresholds(lists, thresholds)
    assert rows_of(kept) == expected
    seen = kept.seen_matrix()
    assert (np.asarray(seen.sum(axis=0)).ravel() >= max(1, anime_minimum)).all()
    assert (np.asarray(seen.sum(axis=1)).ravel() >= max(1, user_minimum)).all()
    assert (kept.n_users, kept.n_anime) == seen.shape


def test_thresholds_reach_a_fixpoint_where_one_loss_brings_the_next() -> None:
    # A chain: user 5 falls first, so anime 14 falls, so user 4 falls, ...
    rows = [(user, 9 + user + step, 8, 2) for user in range(1, 5) for step in (0, 1)] + [(5, 14, 8, 2)]
    with pytest.raises(InputError, match="nothing is left of 5 users and 5 anime"):
        apply_thresholds(make_interactions(rows), Thresholds(2, 2))


def test_five_rows_are_enough_unless_told_otherwise() -> None:
    full = [(user, anime, 8, 2) for user in range(5) for anime in range(5)]
    one_short = [(9, anime, 8, 2) for anime in range(4)] + [(user, 9, 8, 2) for user in range(4)]
    assert rows_of(apply_thresholds(make_interactions(full + one_short), Thresholds())) == full


def test_plans_count_for_nobody() -> None:
    lists = make_interactions([(1, 10, 0, 6), (1, 11, 0, 6), (2, 10, 8, 2), (2, 12, 0, 6)])
    kept = apply_thresholds(lists, Thresholds(1, 1))
    assert rows_of(kept) == [(2, 10, 8, 2)]
