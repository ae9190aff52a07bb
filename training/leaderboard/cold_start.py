"""The cold-start curve: the same users and targets, with less and less of the list known."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.evaluation.scorers import Rows
from training.lists.interactions import Interactions
from training.lists.split import Split, splitmix64

CUTS: Final = (1, 3, 5, 10)
LONG: Final = 50
LONG_NAME: Final = f"{LONG}+"
# Another draw than that of the targets.
_SALT: Final = 0xC01D


@dataclass(frozen=True)
class Point:
    """One point of the curve."""

    name: str  # how much is known: "3", "50+"
    users: NDArray[np.int64]  # positions among the split's test users
    inputs: list[Rows]  # what is known of each


def make_points(split: Split, lists: Interactions) -> list[Point]:
    """Cut the test users' inputs, `lists` being what was split.

    Inputs are cut to 1, 3, 5 and 10 titles, each cut holding the one before, all four of the users with at least 10;
    then the whole inputs of the users with at least 50. Points without users are left out.
    """
    lengths = np.array([len(rows) for rows in split.inputs])
    long_enough = np.flatnonzero(lengths >= max(CUTS))
    shuffled = [_shuffle(split, lists, int(user)) for user in long_enough]
    points = [Point(str(n), long_enough, [np.sort(rows[:n]) for rows in shuffled]) for n in CUTS]
    longest = np.flatnonzero(lengths >= LONG)
    points.append(Point(LONG_NAME, longest, [split.inputs[user] for user in longest]))
    return [point for point in points if len(point.users)]


def _shuffle(split: Split, lists: Interactions, user: int) -> Rows:
    """Order a user's inputs by a hash of user and anime, so that every run cuts alike."""
    rows = split.inputs[user]
    user_id = lists.user_ids[split.test_user_rows[user : user + 1]]
    keys = splitmix64(splitmix64(splitmix64(user_id) ^ np.uint64(_SALT)) ^ lists.anime_ids[rows].astype(np.uint64))
    return rows[np.argsort(keys, kind="stable")]
