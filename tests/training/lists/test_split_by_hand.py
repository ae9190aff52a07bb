"""The split and the thresholds, computed by hand: published figures hang on these numbers.

The numbers are those of the reference implementation of splitmix64, run by itself.
"""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from models.scoring.user_list import Status
from tests.training.interactions_for_tests import Row, make_interactions, rows_of
from training.errors import InputError
from training.lists import interactions
from training.lists.interactions import Interactions
from training.lists.split import (
    VALIDATION_FOLD,
    Split,
    draw_users,
    hash_users,
    is_test_user,
    may_choose_weights,
    split_interactions,
    splitmix64,
)
from training.lists.thresholds import Thresholds, apply_thresholds

SEEN, PLANNED = Status.COMPLETED.value, Status.PLAN_TO_WATCH.value
# Users 15, 32, 36 and 44 test, 6 and 8 validate. Anime 36 has the lowest hash of all for user 15.
LISTS = {
    1: [1, 5, 22],
    6: [1, 5, 6, 15],
    8: list(range(1, 14)),
    15: [1, 5, 6, 15, 16, 20, 22, 24, 30, 32],
    32: [1, 5, 6, 15, 16, 20, 22],
    36: [20],
    44: [20, 22],
}
PLANS = [(15, 36, 0, PLANNED), (36, 1, 0, PLANNED), (1, 30, 0, PLANNED)]


@pytest.fixture
def lists() -> Interactions:
    rows = [(user, anime, 8, SEEN) for user, seen in LISTS.items() for anime in seen]
    return make_interactions(rows + PLANS)


def _targets(split: Split) -> dict[int, list[int]]:
    ids = split.whole.anime_ids
    users = split.whole.user_ids[split.test_user_rows].tolist()
    return {user: ids[rows].tolist() for user, rows in zip(users, split.targets, strict=True)}


def test_splitmix64_gives_what_the_reference_implementation_gives() -> None:
    ids = np.array([0, 1, 2, 12_345, 2**63 - 1])
    assert [f"{value:016X}" for value in splitmix64(ids).tolist()] == [
        "E220A8397B1DCDAF",
        "910A2DEC89025CC1",
        "975835DE1C9756CE",
        "22118258A9D111A0",
        "2A67D7552E039EA7",
    ]
    assert splitmix64(np.array([-1])).tolist() == [0xE4D971771B652C20]


def test_one_in_ten_users_tests_and_another_validates() -> None:
    ids = np.arange(100)
    assert ids[is_test_user(ids)].tolist() == [15, 32, 36, 44, 64, 66, 69, 86, 93, 96]
    assert ids[is_test_user(ids, fold=VALIDATION_FOLD)].tolist() == [6, 8, 38, 49, 51, 52, 53, 58, 62, 85, 89]


def test_texts_are_hashed_by_blake2b() -> None:
    # From `printf alice | b2sum -l 64`, whose first byte is the lowest.
    digests = ["4deaec0cce54da89", "f419edd5d4267b48", "df5d468709753429", "0debd2558bca8fa0"]
    texts = np.array(["alice", "日本語", "123", "a/b"])
    expected = [int.from_bytes(bytes.fromhex(digest), "little") for digest in digests]
    assert hash_users(texts).tolist() == expected
    assert [is_test_user(texts, fold=hashed % 10)[place] for place, hashed in enumerate(expected)] == [True] * 4
    salt = int.from_bytes(hashlib.sha256(b"test").digest()[:8], "little")
    order = sorted(
        range(4), key=lambda place: int(splitmix64(np.array([expected[place] ^ salt], dtype=np.uint64))[0])
    )
    assert draw_users(texts, 3, "test").tolist() == order[:3]
    assert hash_users(texts[:0]).tolist() == []


def test_whole_numbers_are_hashed_by_splitmix64() -> None:
    ids = np.array([0, 1, 2**62])
    np.testing.assert_array_equal(hash_users(ids), splitmix64(ids))


def test_targets_are_drawn_by_the_hash_of_texts_too() -> None:
    ids = np.array([f"user {number}" for number in range(200)])
    numbers = hash_users(np.sort(ids))
    lists = make_interactions([(user, anime, 8, SEEN) for user in range(200) for anime in range(1, 11)])
    split = split_interactions(replace(lists, user_ids=np.sort(ids)))
    assert 8 <= len(split.test_user_rows) <= 35
    for user_row, targets in zip(split.test_user_rows.tolist(), split.targets, strict=True):
        assert numbers[user_row] % 10 == 1
        key = splitmix64(numbers[user_row : user_row + 1] ^ np.uint64(0))
        with np.errstate(over="ignore"):
            hashes = splitmix64(key + np.arange(1, 11, dtype=np.uint64))
        assert sorted(targets.tolist()) == sorted(np.argsort(hashes)[:2].tolist())


def test_bit_seven_of_the_hash_tells_which_queries_choose_weights() -> None:
    ids = np.arange(50)
    choosing = [0, 1, 2, 3, 4, 7, 10, 11, 13, 20, 21, 23, 26, 27, 30, 31, 33, 38, 39, 42, 43, 45, 47]
    assert ids[may_choose_weights(ids)].tolist() == choosing


def test_a_fifth_of_what_a_test_user_has_seen_is_to_be_found(lists: Interactions) -> None:
    split = split_interactions(lists)
    assert _targets(split) == {15: [16, 22], 32: [5], 44: [20]}
    ids = lists.anime_ids
    assert [ids[rows].tolist() for rows in split.inputs] == [
        [1, 5, 6, 15, 20, 24, 30, 32],
        [1, 6, 15, 16, 20, 22],
        [22],
    ]
    assert split.train.user_ids.tolist() == [1, 6, 8]
    assert lists.user_ids[split.may_train].tolist() == [1, 6, 8]


def test_another_seed_draws_others_and_the_other_fold_tests_others(lists: Interactions) -> None:
    assert _targets(split_interactions(lists, seed=1)) == {15: [24, 32], 32: [22], 44: [20]}
    validation = split_interactions(lists, fold=2)
    assert _targets(validation) == {6: [6], 8: [5, 8, 10]}
    assert validation.train.user_ids.tolist() == [1, 15, 32, 36, 44]


@pytest.mark.parametrize(
    ("n_seen", "n_targets"), [(1, 0), (2, 1), (3, 1), (7, 1), (8, 2), (12, 2), (13, 3), (17, 3), (18, 4), (100, 20)]
)
def test_how_many_are_to_be_found(n_seen: int, n_targets: int) -> None:
    rows: list[Row] = [(15, anime, 8, SEEN) for anime in range(n_seen)]
    plans: list[Row] = [(15, 200 + anime, 0, PLANNED) for anime in range(50)]
    targets = _targets(split_interactions(make_interactions(rows + plans)))
    assert len(targets.get(15, [])) == n_targets


def test_what_nobody_may_learn_from_are_the_targets_and_the_plans_of_users_who_test(lists: Interactions) -> None:
    left = rows_of(split_interactions(lists).train_and_inputs)
    gone = {(user, anime) for user, anime, _, _ in set(rows_of(lists)) - set(left)}
    assert gone == {(15, 16), (15, 22), (32, 5), (44, 20), (15, 36), (36, 1)}


def test_fewer_test_users_keep_their_own_titles(lists: Interactions) -> None:
    split = split_interactions(lists)
    fewer = split.some_test_users(2)
    assert len(_targets(fewer)) == len(fewer.inputs) == 2
    assert _targets(fewer).items() <= _targets(split).items()
    inputs = dict(zip(split.test_user_rows.tolist(), (rows.tolist() for rows in split.inputs), strict=True))
    assert [rows.tolist() for rows in fewer.inputs] == [inputs[row] for row in fewer.test_user_rows.tolist()]
    assert sorted(fewer.test_user_rows.tolist()) == fewer.test_user_rows.tolist()
    assert fewer.train.user_ids.tolist() == [1, 6, 8]
    assert split.some_test_users(3) is split


def _square(n_users: int, n_anime: int) -> list[Row]:
    return [(user, anime, 8, SEEN) for user in range(n_users) for anime in range(n_anime)]


def test_five_rows_keep_a_user_and_five_users_an_anime() -> None:
    four_seen = [(10, anime, 8, SEEN) for anime in range(4)] + [(10, 4, 0, PLANNED)]
    four_users = [(user, 20, 8, SEEN) for user in range(4)] + [(4, 20, 0, PLANNED)]
    kept = apply_thresholds(make_interactions(_square(5, 5) + four_seen + four_users), Thresholds())
    assert rows_of(kept) == _square(5, 5)
    five_seen = [(10, anime, 8, SEEN) for anime in range(5)]
    five_users = [(user, 20, 8, SEEN) for user in range(5)]
    rows = sorted(_square(5, 5) + five_seen + five_users)
    assert rows_of(apply_thresholds(make_interactions(rows), Thresholds())) == rows


def test_the_two_thresholds_are_not_taken_for_each_other() -> None:
    rows = _square(3, 2)
    assert rows_of(apply_thresholds(make_interactions(rows), Thresholds(min_user_rows=2, min_anime_rows=3))) == rows
    with pytest.raises(InputError, match="no user has 3 rows of anime that 2 users have seen"):
        apply_thresholds(make_interactions(rows), Thresholds(min_user_rows=3, min_anime_rows=2))


def test_ratings_and_statuses_stay_with_their_entries_from_group_to_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interactions, "GROUP_ENTRIES", 2)
    left: list[Row] = [(2, 3, 7, 4), (2, 5, 5, 1), (7, 3, 2, 3), (7, 5, 10, 2), (8, 3, 0, 2), (8, 5, 6, 1)]
    # Users 1 and 3 fall for want of rows; then user 8 alone has seen anime 9, which user 2 plans to.
    fall: list[Row] = [(1, 9, 1, 2), (3, 5, 4, 2), (2, 9, 0, 6), (8, 9, 3, 2)]
    kept = apply_thresholds(make_interactions(left + fall), Thresholds(min_user_rows=2, min_anime_rows=2))
    assert rows_of(kept) == left


def test_popularity_counts_every_entry_of_a_large_dump_and_no_plan() -> None:
    n_entries = 4_194_304 + 5
    statuses = np.full(n_entries, SEEN, dtype=np.uint8)
    statuses[[0, 4_194_303, 4_194_304, -1]] = PLANNED
    rows = np.arange(n_entries, dtype=np.int32) % 2
    ratings = np.zeros(n_entries, dtype=np.uint8)
    lists = Interactions(np.array([1]), np.array([5, 6]), np.array([0, n_entries]), rows, ratings, statuses)
    # Plans: entries 0, 4,194,304 and 4,194,308 of the one, 4,194,303 of the other.
    assert lists.popularity().tolist() == [2_097_155 - 3, 2_097_154 - 1]
