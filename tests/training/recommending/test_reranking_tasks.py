"""Lists with a part hidden."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.scoring.user_list import Status
from tests.training.interactions_for_tests import make_interactions, random_interactions
from training.lists.interactions import Interactions
from training.recommending.tasks import Task, make_tasks

seeds = st.integers(0, 2**32 - 1)


def tasks_of(lists: Interactions, short_share: float = 0.3, seed: int = 0) -> list[Task]:
    rng = np.random.default_rng(seed)
    return make_tasks(lists, np.arange(lists.n_users), seed, short_share, rng)


def splitmix(value: int) -> int:
    """Hash a number, in whole numbers without end cut to 64 bits."""
    mixed = (value + 0x9E3779B97F4A7C15) % 2**64
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB % 2**64
    return mixed ^ (mixed >> 31)


@given(seed=seeds, short_share=st.floats(0, 1))
def test_a_task_shares_out_what_the_user_has_seen(seed: int, short_share: float) -> None:
    lists = random_interactions(15, 40, 0.5, seed)
    for task in tasks_of(lists, short_share, seed):
        seen = lists.list_of(task.user_row).seen_rows
        parts = [task.known.anime_rows, task.target_rows, task.other_rows]
        np.testing.assert_array_equal(np.sort(np.concatenate(parts)), seen)
        assert len(task.target_rows) == max(1, round(0.2 * len(seen)))
        assert len(task.known.anime_rows) >= 1
        assert (task.known.statuses != Status.PLAN_TO_WATCH).all()
        same = lists.part_of(task.user_row, task.known.anime_rows)
        for mine, theirs in zip(vars(task.known).values(), vars(same).values(), strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_lists_are_cut_short_as_often_as_asked() -> None:
    lists = random_interactions(60, 80, 0.6, seed=1)
    assert not any(len(task.other_rows) for task in tasks_of(lists, 0.0))
    # The whole list teaches too.
    cut = tasks_of(lists, 1.0)[1::2]
    assert len(cut) == 60
    assert all(1 <= len(task.known.anime_rows) <= 20 for task in cut)
    assert len({len(task.known.anime_rows) for task in cut}) > 10
    lengths = [len(task.known.anime_rows) for seed in range(5) for task in tasks_of(lists, 1.0, seed)[1::2]]
    assert (min(lengths), max(lengths)) == (1, 20)
    assert 75 <= len(tasks_of(lists, 0.5)) <= 105


def test_who_has_seen_fewer_than_two_titles_teaches_nothing() -> None:
    one = [(1, 1, 8, 2), (1, 2, 0, 6), (1, 3, 0, 6)]
    plans = [(2, 1, 0, 6), (2, 2, 0, 6)]
    two = [(3, 1, 8, 2), (3, 3, 0, 1)]
    tasks = tasks_of(make_interactions(one + plans + two))
    assert [task.user_row for task in tasks] == [2]
    assert len(tasks[0].known.anime_rows) == len(tasks[0].target_rows) == 1


def test_one_seed_hides_the_same_and_another_something_else() -> None:
    lists = random_interactions(20, 30, 0.5, seed=0)
    first, again, other = (tasks_of(lists, 0.5, seed) for seed in (4, 4, 5))
    for mine, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(mine.known.anime_rows, same.known.anime_rows)
        np.testing.assert_array_equal(mine.target_rows, same.target_rows)
    assert any(a.target_rows.tolist() != b.target_rows.tolist() for a, b in zip(first, other, strict=True))


def test_what_is_hidden_does_not_depend_on_who_else_teaches() -> None:
    lists = random_interactions(20, 30, 0.5, seed=0)
    whole = {task.user_row: task.target_rows.tolist() for task in tasks_of(lists, 0.0)}
    some = make_tasks(lists, np.array([3, 11]), 0, 0.0, np.random.default_rng(9))
    assert {task.user_row: task.target_rows.tolist() for task in some} == {row: whole[row] for row in (3, 11)}


@given(seed=st.integers(0, 2**63 - 1))
def test_hidden_is_the_fifth_whose_hash_of_user_and_anime_is_lowest(seed: int) -> None:
    lists = random_interactions(4, 40, 0.6, 3)
    for task in make_tasks(lists, np.arange(4), seed, 0.0, np.random.default_rng(0)):
        user_key = splitmix(splitmix(int(lists.user_ids[task.user_row])) ^ seed)
        seen = lists.list_of(task.user_row).seen_rows.tolist()
        by_hash = sorted(seen, key=lambda row: splitmix((user_key + int(lists.anime_ids[row])) % 2**64))
        assert task.target_rows.tolist() == sorted(by_hash[: round(0.2 * len(seen))])
