"""Which users test, and which of their titles are the target. Decided by hashes, so that every run agrees."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.interactions import Interactions

N_FOLDS: Final = 10
TEST_FOLD: Final = 1
# Users who tune what the test users measure; they train like all others once everything is tuned.
VALIDATION_FOLD: Final = 2
TARGET_SHARE: Final = 0.2


@dataclass(frozen=True)
class Split:
    """Strong generalisation: whole users are held out.

    Attributes
    ----------
    test_user_rows : ndarray of shape (n_test,), dtype=int64
        Rows of the users who test; all others train. Only users with two titles or more can test.
    inputs : list of ndarray, dtype=int32
        For each test user, the anime rows that go in (about 80 % of what they have seen).
    targets : list of ndarray, dtype=int32
        For each test user, the anime rows to be found.
    train : Interactions
        The whole lists of the users who train.
    train_and_inputs : Interactions
        Everything but the targets and the test users' plans: for networks with a row per user (weak
        generalisation).
    """

    test_user_rows: NDArray[np.int64]
    inputs: list[NDArray[np.int32]]
    targets: list[NDArray[np.int32]]
    train: Interactions
    train_and_inputs: Interactions

    def some_test_users(self, n_users: int) -> "Split":
        """Give the same split with so many users who test at most, picked by a hash of their ids.

        Parameters
        ----------
        n_users : int

        Returns
        -------
        Split
            Those who are left out neither test nor train.
        """
        if len(self.test_user_rows) <= n_users:
            return self
        hashes = splitmix64(self.train_and_inputs.user_ids[self.test_user_rows])
        places = np.sort(np.argsort(hashes, kind="stable")[:n_users])
        return replace(
            self,
            test_user_rows=self.test_user_rows[places],
            inputs=[self.inputs[place] for place in places],
            targets=[self.targets[place] for place in places],
        )


def splitmix64(values: NDArray[Any]) -> NDArray[np.uint64]:
    """Hash whole numbers.

    Parameters
    ----------
    values : ndarray, dtype=integer

    Returns
    -------
    ndarray of the same shape, dtype=uint64

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


def is_test_user(user_ids: NDArray[np.int64], fold: int = TEST_FOLD) -> NDArray[np.bool_]:
    """Tell who tests.

    Parameters
    ----------
    user_ids : ndarray of shape (n,), dtype=int64
    fold : int, optional
        In [0, 10).

    Returns
    -------
    ndarray of shape (n,), dtype=bool
    """
    marks: NDArray[np.bool_] = splitmix64(user_ids) % np.uint64(N_FOLDS) == np.uint64(fold)
    return marks


def some_users(lists: Interactions, n_users: int) -> Interactions:
    """Give so many users at most, picked by a hash of their ids: a sample that does not change from run to run.

    Parameters
    ----------
    lists : Interactions
    n_users : int

    Returns
    -------
    Interactions
    """
    if lists.n_users <= n_users:
        return lists
    kept = np.zeros(lists.n_users, dtype=bool)
    kept[np.argsort(splitmix64(lists.user_ids), kind="stable")[:n_users]] = True
    return lists.keep_users(kept)


def may_choose_weights(anime_ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which queries for similar anime may choose weights; the others only measure.

    Parameters
    ----------
    anime_ids : ndarray of shape (n,), dtype=int64

    Returns
    -------
    ndarray of shape (n,), dtype=bool
    """
    marks: NDArray[np.bool_] = (splitmix64(anime_ids) >> np.uint64(7)) & np.uint64(1) == np.uint64(1)
    return marks


def split_interactions(interactions: Interactions, seed: int = 0, fold: int = TEST_FOLD) -> Split:
    """Split into users who train and users who test, and the latter's lists into input and target.

    Parameters
    ----------
    interactions : Interactions
    seed : int
        Another seed draws other targets; who tests stays the same.
    fold : int, optional
        Who tests. ``VALIDATION_FOLD``, on the training users of the default split, is for tuning.

    Returns
    -------
    Split
        Without test users where the hash picks none.
    """
    seen = interactions.seen
    entry_is_target = np.zeros(len(seen), dtype=bool)
    is_test = is_test_user(interactions.user_ids, fold)
    test_rows, inputs, targets = [], [], []
    for user_row in np.flatnonzero(is_test):
        start, end = interactions.offsets[user_row : user_row + 2]
        entries = start + np.flatnonzero(seen[start:end])
        if len(entries) < 2:
            continue
        target = choose_targets(interactions, int(user_row), entries, seed)
        entry_is_target[target] = True
        test_rows.append(user_row)
        inputs.append(interactions.anime_rows[np.setdiff1d(entries, target)])
        targets.append(interactions.anime_rows[np.sort(target)])
    return Split(
        np.array(test_rows, dtype=np.int64),
        inputs,
        targets,
        interactions.keep_users(~is_test),
        interactions.keep_entries(~entry_is_target & (seen | ~np.repeat(is_test, np.diff(interactions.offsets)))),
    )


def choose_targets(
    interactions: Interactions, user_row: int, entries: NDArray[np.int64], seed: int
) -> NDArray[np.int64]:
    """Pick the fifth of a user's entries whose hash of user and anime is lowest.

    Parameters
    ----------
    interactions : Interactions
    user_row : int
    entries : ndarray of shape (n,), dtype=int64
        The user's positives.
    seed : int

    Returns
    -------
    ndarray of shape (m,), dtype=int64
        One entry at least.
    """
    user_key = splitmix64(splitmix64(interactions.user_ids[user_row : user_row + 1]) ^ np.uint64(seed))
    anime_ids = interactions.anime_ids[interactions.anime_rows[entries]].astype(np.uint64)
    with np.errstate(over="ignore"):
        keys = splitmix64(user_key + anime_ids)
    n_targets = max(1, round(TARGET_SHARE * len(entries)))
    return entries[np.argsort(keys, kind="stable")[:n_targets]]
