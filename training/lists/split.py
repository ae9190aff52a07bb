"""Which users test, and which of their titles are the target: chosen by hashes, so that every run agrees."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from training.lists.interactions import Interactions
from training.support.compiled import compiled

N_FOLDS: Final = 10
TEST_FOLD: Final = 1
# Users who tune what the test users measure; they train like all others once everything is tuned.
VALIDATION_FOLD: Final = 2
TARGET_SHARE: Final = 0.2

# What users are drawn for. Each draws others: what is learned in two steps should not rest on the same few twice.
Purpose = Literal["test", "quick run", "embeddings", "re-ranker", "similar anime"]


@dataclass(frozen=True)
class Split:
    """Strong generalisation: whole users are held out. Only users with two titles or more test."""

    test_user_rows: NDArray[np.int64]  # all others train
    inputs: list[NDArray[np.int32]]  # per test user, the anime rows that go in (about 80 % of those seen)
    targets: list[NDArray[np.int32]]  # per test user, the anime rows to be found
    may_train: NDArray[np.bool_]  # per user
    whole: Interactions  # the whole lists of all users
    left_out: NDArray[np.int64]  # entries that no method may learn from: the targets and the test users' plans

    @cached_property
    def train(self) -> Interactions:
        """The whole lists of the users who train; made on demand, 0.6 GB at full size."""
        return self.whole.keep_users(self.may_train)

    def popularity(self) -> NDArray[np.int32]:
        """Count how many lists of the training users hold each anime, plans left out."""
        return self.whole.popularity() - self.whole.keep_users(~self.may_train).popularity()

    @cached_property
    def train_and_inputs(self) -> Interactions:
        """The whole lists without what is left out: for networks with a row per user (weak generalisation)."""
        kept = np.ones(len(self.whole.anime_rows), dtype=bool)
        kept[self.left_out] = False
        return self.whole.keep_entries(kept)

    def some_test_users(self, n_users: int) -> "Split":
        """Return the same split with at most `n_users` who test; those left out do not train either."""
        if len(self.test_user_rows) <= n_users:
            return self
        places = np.sort(draw_users(self.whole.user_ids[self.test_user_rows], n_users, "test"))
        return replace(
            self,
            test_user_rows=self.test_user_rows[places],
            inputs=[self.inputs[place] for place in places],
            targets=[self.targets[place] for place in places],
        )


def splitmix64(values: NDArray[Any]) -> NDArray[np.uint64]:
    """Hash whole numbers.

    References
    ----------
    Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
    """
    with np.errstate(over="ignore"):
        mixed = values.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        hashed: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
        return hashed


def hash_users(user_ids: NDArray[Any]) -> NDArray[np.uint64]:
    """Hash user ids: whole numbers by :func:`splitmix64`, of a text the first 8 bytes of BLAKE2b of its UTF-8 count.

    Those are read as a little-endian number, so that any other program can tell who tests.
    """
    if user_ids.dtype.kind != "U":
        return splitmix64(user_ids)
    digests = (hashlib.blake2b(text.encode(), digest_size=8).digest() for text in user_ids.tolist())
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def is_test_user(user_ids: NDArray[Any], fold: int = TEST_FOLD) -> NDArray[np.bool_]:
    """Mark the users who test."""
    marks: NDArray[np.bool_] = hash_users(user_ids) % np.uint64(N_FOLDS) == np.uint64(fold)
    return marks


def draw_users(user_ids: NDArray[Any], n_users: int, purpose: Purpose) -> NDArray[np.int64]:
    """Draw at most `n_users` by a hash of their ids and the purpose, independent of the other users.

    Gives their positions in the order they were drawn: fewer users are the first of more.
    """
    salt = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "little")
    return np.argsort(splitmix64(hash_users(user_ids) ^ np.uint64(salt)), kind="stable")[:n_users]


def some_users(lists: Interactions, n_users: int, purpose: Purpose) -> Interactions:
    """Return the lists of at most `n_users`, drawn by :func:`draw_users`."""
    if lists.n_users <= n_users:
        return lists
    kept = np.zeros(lists.n_users, dtype=bool)
    kept[draw_users(lists.user_ids, n_users, purpose)] = True
    return lists.keep_users(kept)


def may_choose_weights(anime_ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the queries for similar anime that may choose weights; the others only measure."""
    marks: NDArray[np.bool_] = (splitmix64(anime_ids) >> np.uint64(7)) & np.uint64(1) == np.uint64(1)
    return marks


def split_interactions(interactions: Interactions, seed: int = 0, fold: int = TEST_FOLD) -> Split:
    """Split into users who train and users who test, and the latter's lists into input and target.

    Another seed draws other targets; who tests stays the same. The fold ``VALIDATION_FOLD``, on the training users of
    the default split, is for tuning.
    """
    is_test = is_test_user(interactions.user_ids, fold)
    lists = interactions.keep_users(is_test)
    is_target = mark_targets(lists, seed)
    is_input = lists.seen & ~is_target
    tests = np.flatnonzero(lists.count_by_user(is_target))
    user_rows = np.flatnonzero(is_test)
    left_out = np.flatnonzero(~is_input)
    owners = np.searchsorted(lists.offsets, left_out, side="right") - 1
    return Split(
        user_rows[tests],
        _rows_by_user(lists, is_input, tests),
        _rows_by_user(lists, is_target, tests),
        ~is_test,
        interactions,
        left_out + (interactions.offsets[user_rows] - lists.offsets[:-1])[owners],
    )


def mark_targets(lists: Interactions, seed: int) -> NDArray[np.bool_]:
    """Mark of each user's positives, two or more, the fifth whose hash of user and anime is lowest: one at least."""
    marks = np.zeros(len(lists.anime_rows), dtype=bool)
    for first, last in lists.groups_of_users():
        part = lists.users_between(first, last)
        entries = np.flatnonzero(part.seen)
        n_seen = part.count_by_user(part.seen)
        owners = np.repeat(np.arange(part.n_users), n_seen)
        keys = hash_pairs(hash_users(part.user_ids)[owners], part.anime_ids[part.anime_rows[entries]], seed)
        n_targets = np.where(n_seen < 2, 0, np.maximum(1, np.rint(TARGET_SHARE * n_seen))).astype(np.int64)
        lowest = np.zeros(len(entries), dtype=bool)
        _mark_lowest(keys, np.concatenate([[0], np.cumsum(n_seen)]), n_targets, lowest)
        marks[lists.offsets[first] + entries[lowest]] = True
    return marks


@compiled
def _mark_lowest(keys: Any, starts: Any, n_lowest: Any, marks: Any) -> None:  # pragma: no cover - compiled
    for run in range(len(n_lowest)):
        order = np.argsort(keys[starts[run] : starts[run + 1]], kind="mergesort")
        for place in order[: n_lowest[run]]:
            marks[starts[run] + place] = True


def hash_pairs(user_hashes: NDArray[np.uint64], anime_ids: NDArray[np.int64], seed: int) -> NDArray[np.uint64]:
    """Hash pairs of user, from :func:`hash_users`, and anime: another seed gives another order of draw."""
    user_keys = splitmix64(user_hashes ^ np.uint64(seed))
    with np.errstate(over="ignore"):
        return splitmix64(user_keys + anime_ids.astype(np.uint64))


def _rows_by_user(
    lists: Interactions, marks: NDArray[np.bool_], user_rows: NDArray[np.int64]
) -> list[NDArray[np.int32]]:
    rows = lists.anime_rows[marks]
    ends = np.cumsum(lists.count_by_user(marks))
    starts = np.concatenate([[0], ends[:-1]])
    return [rows[start:end] for start, end in zip(starts[user_rows].tolist(), ends[user_rows].tolist(), strict=True)]
