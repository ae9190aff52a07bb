"""What became of the users between two dumps, and what lists hold of learned anime."""

from typing import Any

import numpy as np
import pytest

from training.lists.interactions import Interactions
from training.updating.lists import compare_lists, keep_learned, put_back

Entries = list[tuple[int, int, int]]  # anime row, rating, status


def _lists(lists: dict[Any, Entries], anime_ids: list[int]) -> Interactions:
    entries = [entry for of_user in lists.values() for entry in of_user]
    rows, ratings, statuses = (np.array(column) for column in zip(*entries, strict=True))
    offsets = np.cumsum([0, *map(len, lists.values())])
    columns = (rows.astype(np.int32), ratings.astype(np.uint8), statuses.astype(np.uint8))
    return Interactions(np.array(list(lists)), np.array(anime_ids), offsets, *columns)


@pytest.mark.parametrize("text", [False, True])
def test_a_list_is_changed_by_an_anime_a_rating_or_a_status(text: bool) -> None:
    def lists(of: dict[int, Entries]) -> Interactions:
        return _lists({f"u{user}" if text else user: entries for user, entries in of.items()}, [10, 20, 30])

    same: Entries = [(0, 8, 2), (1, 0, 6)]
    before = lists({1: same, 2: same, 3: same, 4: same, 5: same, 6: same})
    after = lists({0: same, 1: [(0, 7, 2), (1, 0, 6)], 3: [(0, 8, 4), (1, 0, 6)], 4: [(0, 8, 2), (2, 0, 6)], 5: same})
    changes = compare_lists(before, after, before.user_ids[:0])
    assert (changes.n_new_users, changes.n_changed, changes.n_removed_users) == (1, 3, 2)
    assert (changes.same_before.tolist(), changes.same_after.tolist()) == ([4], [4])


def test_whole_numbers_stay_the_same_users_where_a_text_joins_them() -> None:
    entries: Entries = [(0, 8, 2)]
    before, after = (
        _lists({2: entries, 10: entries}, [10]),
        _lists({"10": entries, "2": entries, "me": entries}, [10]),
    )
    changes = compare_lists(before, after, before.user_ids[:0])
    assert (changes.n_new_users, changes.n_changed, changes.n_removed_users) == (1, 0, 0)
    assert sorted(zip(changes.same_before.tolist(), changes.same_after.tolist(), strict=True)) == [(0, 1), (1, 0)]


def test_entries_that_change_places_change_both_lists() -> None:
    before = _lists({1: [(0, 8, 2)], 2: [(1, 8, 2)]}, [10, 20])
    assert (
        compare_lists(before, _lists({1: [(1, 8, 2)], 2: [(0, 8, 2)]}, [10, 20]), before.user_ids[:0]).n_changed == 2
    )
    before, after = _lists({1: [(0, 8, 2), (1, 6, 2)]}, [10, 20]), _lists({1: [(0, 6, 2), (1, 8, 2)]}, [10, 20])
    assert compare_lists(before, after, before.user_ids[:0]).n_changed == 1


def test_only_learned_anime_count_and_plans_do_not() -> None:
    seen, planned = 2, 6
    lists = _lists(
        {
            1: [(0, 8, seen), (1, 7, seen), (2, 6, seen)],
            2: [(0, 8, seen), (2, 7, seen), (3, 6, seen)],
            3: [(0, 0, planned), (1, 8, seen)],
            4: [(1, 8, seen), (3, 9, seen)],
        },
        [10, 20, 30, 40],
    )
    # 10 is new, and no list holds 15.
    kept = keep_learned(lists, np.array([15, 20, 30, 40]), min_user_rows=2)
    assert kept.user_ids.tolist() == [1, 2, 4]
    assert kept.anime_ids.tolist() == [15, 20, 30, 40]
    assert [kept.list_of(row).anime_rows.tolist() for row in range(3)] == [[1, 2], [2, 3], [1, 3]]
    assert [kept.list_of(row).ratings.tolist() for row in range(3)] == [[7, 6], [7, 6], [8, 9]]
    # Whatever the threshold, a list needs something to go by.
    assert keep_learned(lists, np.array([10, 15]), min_user_rows=0).user_ids.tolist() == [1, 2]


@pytest.mark.parametrize("n_entries", [1, 4])
def test_users_who_are_put_back_have_the_list_of_before_and_no_more(n_entries: int) -> None:
    def entries(rating: int, n: int = 2) -> Entries:
        return [(row, rating, 2) for row in range(n)]

    # The longer or the shorter part of all entries, and ids that are longer than those they come to.
    ids = [10, 20, 30, 40]
    now = _lists({"b": entries(1), "d": entries(2), "e": entries(3)}, ids)
    before = _lists({"a long one": entries(4, n_entries), "d": entries(5, n_entries), "f": entries(6)}, ids)
    lists = put_back(now, before, np.array(["a long one", "d"]))
    assert lists.user_ids.tolist() == ["a long one", "b", "d", "e"]
    expected = [entries(4, n_entries), entries(1), entries(5, n_entries), entries(3)]
    for row, of_user in enumerate(expected):
        listed = lists.list_of(row)
        columns = (listed.anime_rows.tolist(), listed.ratings.tolist(), listed.statuses.tolist())
        assert list(zip(*columns, strict=True)) == of_user
    assert put_back(now, before, before.user_ids[:0]) is now
