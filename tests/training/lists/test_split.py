"""The split: decided by hashes, the same for everybody, and without leaks."""

import itertools
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.interactions_for_tests import make_interactions, random_interactions, rows_of
from tests.training.recommending.test_reranking_tasks import splitmix
from training.lists import interactions
from training.lists.split import (
    Purpose,
    draw_users,
    is_test_user,
    mark_targets,
    may_choose_weights,
    some_users,
    split_interactions,
    splitmix64,
)


def _hash_of(user_id: int, anime_id: int, seed: int) -> int:
    return splitmix((splitmix(splitmix(user_id) ^ seed) + anime_id) % 2**64)


def test_splitmix64_gives_the_values_of_its_paper() -> None:
    # The published sequence for seed 0 and for seed 1234567: the state steps by the golden gamma.
    gamma = 0x9E3779B97F4A7C15
    states = np.array([(gamma * step) % 2**64 for step in range(3)], dtype=np.uint64)
    assert [hex(value) for value in splitmix64(states).tolist()] == [
        "0xe220a8397b1dcdaf",
        "0x6e789e6aa1b965f4",
        "0x6c45d188009454f",
    ]
    states = np.array([(1234567 + gamma * step) % 2**64 for step in range(5)], dtype=np.uint64)
    assert splitmix64(states).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_who_tests_is_fixed_for_ever() -> None:
    ids = np.arange(60)
    assert ids[is_test_user(ids)].tolist() == [15, 32, 36, 44]
    assert (
        is_test_user(np.arange(325_772)).mean() == np.float64(round(0.1, 3)).item()
        or abs(is_test_user(np.arange(325_772)).mean() - 0.1) < 0.002
    )


def test_half_of_the_queries_may_choose_weights() -> None:
    ids = np.arange(20_000)
    marks = may_choose_weights(ids)
    assert abs(marks.mean() - 0.5) < 0.02
    expected = [(int(value) >> 7) & 1 == 1 for value in splitmix64(ids[:50])]
    assert marks[:50].tolist() == expected


@settings(max_examples=60, deadline=None)
@given(n_users=st.integers(1, 60), n_anime=st.integers(1, 30), density=st.floats(0, 0.9), seed=st.integers(0, 999))
def test_nothing_leaks_and_nothing_is_lost(n_users: int, n_anime: int, density: float, seed: int) -> None:
    lists = random_interactions(n_users, n_anime, density, seed)
    split = split_interactions(lists)
    tests = is_test_user(lists.user_ids)
    assert tests[split.test_user_rows].all()
    assert split.train.user_ids.tolist() == lists.user_ids[~tests].tolist()
    assert not is_test_user(split.train.user_ids).any()
    hidden = set()
    for user_row, inputs, targets in zip(split.test_user_rows, split.inputs, split.targets, strict=True):
        seen = lists.list_of(int(user_row)).seen_rows
        assert len(seen) >= 2
        assert sorted([*inputs.tolist(), *targets.tolist()]) == seen.tolist()
        assert not set(inputs.tolist()) & set(targets.tolist())
        assert len(targets) == max(1, round(0.2 * len(seen)))
        assert len(inputs) >= 1
        hidden |= {(int(lists.user_ids[user_row]), int(lists.anime_ids[row])) for row in targets}
    left_out = set(rows_of(lists)) - set(rows_of(split.train_and_inputs))
    plans = {row for row in rows_of(lists) if row[3] == 6 and is_test_user(np.array([row[0]]))[0]}
    assert left_out == plans | {row for row in rows_of(lists) if row[:2] in hidden}
    assert split.train_and_inputs.n_users == lists.n_users


def test_users_who_would_test_but_have_seen_one_title_neither_train_nor_test() -> None:
    lists = make_interactions([(15, 1, 8, 2), (15, 2, 0, 6), (1, 1, 8, 2), (32, 1, 8, 2), (32, 2, 8, 2)])
    split = split_interactions(lists)
    assert lists.user_ids[split.test_user_rows].tolist() == [32]
    assert split.train.user_ids.tolist() == [1]


DRAWN: dict[Purpose, list[int]] = {
    "test": [43, 46, 25, 58, 7],
    "quick run": [35, 37, 24, 28, 36],
    "embeddings": [48, 16, 14, 46, 34],
    "re-ranker": [56, 7, 33, 2, 41],
    "similar anime": [57, 58, 9, 43, 24],
}


def lists_of_users(user_ids: Iterable[int]) -> interactions.Interactions:
    return make_interactions([(user, anime, 8, 2) for user in user_ids for anime in (1, 2)])


@pytest.mark.parametrize("purpose", DRAWN)
def test_who_is_drawn_for_what_is_fixed_for_ever(purpose: Purpose) -> None:
    # From the same arithmetic in Python's own whole numbers.
    assert draw_users(np.arange(60), 5, purpose).tolist() == DRAWN[purpose]
    assert some_users(lists_of_users(range(60)), 5, purpose).user_ids.tolist() == sorted(DRAWN[purpose])


@pytest.mark.parametrize("purpose", DRAWN)
def test_who_is_drawn_does_not_depend_on_who_else_there_is_nor_on_their_order(purpose: Purpose) -> None:
    ids = np.random.default_rng(0).permutation(60)
    assert ids[draw_users(ids, 5, purpose)].tolist() == DRAWN[purpose]
    fewer = np.array([user for user in range(60) if user != DRAWN[purpose][0]])
    assert fewer[draw_users(fewer, 4, purpose)].tolist() == DRAWN[purpose][1:]
    assert sorted(draw_users(fewer, 1000, purpose).tolist()) == list(range(59))


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(DRAWN, 2)))
def test_two_samples_share_as_many_users_as_chance_would_have_it(one: Purpose, other: Purpose) -> None:
    n_users, n_one, n_other = 20_000, 3000, 2000
    ids = np.arange(n_users)
    shared = len(np.intersect1d(draw_users(ids, n_one, one), draw_users(ids, n_other, other)))
    # Hypergeometric: a mean of 300 and a standard deviation of 15.
    assert abs(shared - 300) < 4 * 15.2
    tests = is_test_user(draw_users(ids, n_one, one)).sum()
    assert abs(tests - 300) < 4 * 15.2


def test_who_trains_in_a_quick_run_and_who_is_measured_are_fixed_for_ever() -> None:
    split = split_interactions(lists_of_users(range(200)))
    assert split.whole.user_ids[split.some_test_users(4).test_user_rows].tolist() == [64, 101, 130, 191]
    # 36 would be drawn fifth, but tests.
    some = some_users(split_interactions(lists_of_users(range(60))).train, 5, "quick run")
    assert some.user_ids.tolist() == [1, 24, 28, 35, 37]


def test_some_who_train_are_the_same_whoever_else_there_is() -> None:
    lists = random_interactions(60, 20, 0.5, 3)
    split = split_interactions(lists)
    some = some_users(split.train, 20, "quick run")
    assert some.n_users == 20
    assert not is_test_user(some.user_ids).any()
    assert some.user_ids.tolist() == sorted(some.user_ids.tolist())
    assert set(rows_of(some)) <= set(rows_of(split.train))
    assert set(some_users(split.train, 10, "quick run").user_ids) < set(some.user_ids)
    assert some_users(split.train, 60, "quick run") is split.train


def test_popularity_counts_those_who_train_without_their_plans() -> None:
    split = split_interactions(random_interactions(60, 20, 0.5, 3))
    seen = [row[1] for row in rows_of(split.train) if row[3] != 6]
    assert split.popularity().tolist() == [seen.count(anime) for anime in split.whole.anime_ids]


def test_targets_depend_on_ids_only_and_not_on_what_else_is_in_the_dump() -> None:
    rows = [(user, anime, 8, 2) for user in range(60) for anime in range(1, 30) if (user * anime) % 7 < 4]
    split = split_interactions(make_interactions(rows))
    fewer = make_interactions([row for row in rows if row[0] % 2 == 0], range(30))
    again = split_interactions(fewer)
    targets = {
        int(user): (targets + 1).tolist()
        for user, targets in zip(make_interactions(rows).user_ids[split.test_user_rows], split.targets, strict=True)
    }
    for user, found in zip(fewer.user_ids[again.test_user_rows], again.targets, strict=True):
        assert found.tolist() == targets[int(user)]
    assert len(again.targets) == 3


def test_another_seed_draws_other_targets_for_the_same_users() -> None:
    lists = random_interactions(60, 40, 0.6, 1)
    one, other = split_interactions(lists, seed=0), split_interactions(lists, seed=1)
    assert one.test_user_rows.tolist() == other.test_user_rows.tolist()
    assert [targets.tolist() for targets in one.targets] != [targets.tolist() for targets in other.targets]
    again = split_interactions(lists, seed=1)
    assert [targets.tolist() for targets in again.targets] == [targets.tolist() for targets in other.targets]


@settings(max_examples=60, deadline=None)
@given(
    n_users=st.integers(1, 20),
    n_anime=st.integers(1, 60),
    density=st.floats(0, 0.9),
    seed=st.integers(0, 2**63 - 1),
    group_entries=st.integers(1, 200),
)
def test_targets_of_many_users_at_once_are_those_of_one_after_the_other(
    n_users: int, n_anime: int, density: float, seed: int, group_entries: int
) -> None:
    lists = random_interactions(n_users, n_anime, density, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interactions, "GROUP_ENTRIES", group_entries)
        marks = mark_targets(lists, seed)
    expected = np.zeros(len(marks), dtype=bool)
    for user_row in range(n_users):
        start, end = lists.offsets[user_row : user_row + 2]
        entries = start + np.flatnonzero(lists.seen[start:end])
        if len(entries) >= 2:
            user_id = int(lists.user_ids[user_row])
            hashes = [_hash_of(user_id, int(lists.anime_ids[lists.anime_rows[entry]]), seed) for entry in entries]
            lowest = sorted(range(len(entries)), key=lambda place: hashes[place])
            expected[entries[lowest[: max(1, round(0.2 * len(entries)))]]] = True
    assert marks.tolist() == expected.tolist()
