"""Lists with a part hidden."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.scoring.user_list import Status
from tests.training.interactions_for_tests import make_interactions, random_interactions
from training.lists.interactions import Interactions
from training.recommending.config import RerankerConfig
from training.recommending.tasks import Task, make_tasks

seeds = st.integers(0, 2**32 - 1)


def tasks_of(lists: Interactions, n_cuts: int = 1, seed: int = 0, rating_weight: float = 0.25) -> list[Task]:
    config = RerankerConfig(n_cuts=n_cuts, rating_weight=rating_weight)
    return make_tasks(lists, np.arange(lists.n_users), seed, config, np.random.default_rng(seed))


def splitmix(value: int) -> int:
    """Hash a number, in whole numbers without end cut to 64 bits."""
    mixed = (value + 0x9E3779B97F4A7C15) % 2**64
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB % 2**64
    return mixed ^ (mixed >> 31)


@given(seed=seeds, n_cuts=st.integers(0, 3))
def test_a_task_shares_out_what_the_user_has_seen(seed: int, n_cuts: int) -> None:
    lists = random_interactions(15, 40, 0.5, seed)
    for task in tasks_of(lists, n_cuts, seed):
        seen = lists.list_of(task.user_row).seen_rows
        parts = [task.known.anime_rows, task.target_rows, task.other_rows]
        np.testing.assert_array_equal(np.sort(np.concatenate(parts)), seen)
        assert len(task.target_rows) == len(task.gains) == max(1, round(0.2 * len(seen)))
        assert len(task.known.anime_rows) >= 1
        assert (task.known.statuses != Status.PLAN_TO_WATCH).all()
        same = lists.part_of(task.user_row, task.known.anime_rows)
        for name in ("anime_rows", "ratings", "statuses"):
            np.testing.assert_array_equal(getattr(task.known, name), getattr(same, name))


def test_lists_are_cut_short_as_often_as_asked() -> None:
    lists = random_interactions(60, 80, 0.6, seed=1)
    assert not any(len(task.other_rows) for task in tasks_of(lists, 0))
    # The whole list is an example too.
    tasks = tasks_of(lists, 2)
    assert sum(not len(task.other_rows) for task in tasks) == 60
    # A list that is no longer than its cut makes no second example.
    assert 110 < sum(len(task.other_rows) > 0 for task in tasks) <= 120
    cut = [task for seed in range(5) for task in tasks_of(lists, 1, seed) if len(task.other_rows)]
    lengths = np.array([len(task.known.anime_rows) for task in cut])
    assert (lengths.min(), lengths.max()) == (1, 30)
    # On a logarithmic scale: as many up to the root of 30 as beyond it.
    assert 0.4 < (lengths <= 5).mean() < 0.6


def test_a_target_is_wanted_by_its_rating_against_the_users_own_mean() -> None:
    # Twenty titles, so four targets; the mean of the rated is 7.
    ratings = [10, 4, 7, 0] * 5
    lists = make_interactions([(1, anime, rating, 2) for anime, rating in enumerate(ratings, start=1)])
    wanted = {10: 2.2, 4: 0.1, 7: 1.0, 0: 1.0}
    found = set()
    for seed in range(12):
        for task in tasks_of(lists, 1, seed, rating_weight=0.4):
            given = [ratings[row] for row in task.target_rows.tolist()]
            found |= set(given)
            np.testing.assert_allclose(task.gains, [wanted[rating] for rating in given], rtol=1e-6)
    assert found == set(wanted)
    assert all(task.gains.tolist() == [1.0] * 4 for task in tasks_of(lists, rating_weight=0.0))
    assert max(task.gains.max() for task in tasks_of(lists, rating_weight=9.0)) == 2.5


def test_who_has_seen_fewer_than_two_titles_teaches_nothing() -> None:
    one = [(1, 1, 8, 2), (1, 2, 0, 6), (1, 3, 0, 6)]
    plans = [(2, 1, 0, 6), (2, 2, 0, 6)]
    two = [(3, 1, 8, 2), (3, 3, 0, 1)]
    tasks = tasks_of(make_interactions(one + plans + two))
    assert [task.user_row for task in tasks] == [2]
    assert len(tasks[0].known.anime_rows) == len(tasks[0].target_rows) == 1


def test_one_seed_hides_the_same_and_another_something_else() -> None:
    lists = random_interactions(20, 30, 0.5, seed=0)
    first, again, other = (tasks_of(lists, 1, seed) for seed in (4, 4, 5))
    for mine, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(mine.known.anime_rows, same.known.anime_rows)
        np.testing.assert_array_equal(mine.target_rows, same.target_rows)
    assert any(a.target_rows.tolist() != b.target_rows.tolist() for a, b in zip(first, other, strict=True))


def test_what_is_hidden_does_not_depend_on_who_else_teaches() -> None:
    lists = random_interactions(20, 30, 0.5, seed=0)
    whole = {task.user_row: task.target_rows.tolist() for task in tasks_of(lists, 0)}
    some = make_tasks(lists, np.array([3, 11]), 0, RerankerConfig(n_cuts=0), np.random.default_rng(9))
    assert {task.user_row: task.target_rows.tolist() for task in some} == {row: whole[row] for row in (3, 11)}


@given(seed=st.integers(0, 2**63 - 1))
def test_hidden_is_the_fifth_whose_hash_of_user_and_anime_is_lowest(seed: int) -> None:
    lists = random_interactions(4, 40, 0.6, 3)
    for task in make_tasks(lists, np.arange(4), seed, RerankerConfig(n_cuts=0), np.random.default_rng(0)):
        user_key = splitmix(splitmix(int(lists.user_ids[task.user_row])) ^ seed)
        seen = lists.list_of(task.user_row).seen_rows.tolist()
        by_hash = sorted(seen, key=lambda row: splitmix((user_key + int(lists.anime_ids[row])) % 2**64))
        assert task.target_rows.tolist() == sorted(by_hash[: round(0.2 * len(seen))])
