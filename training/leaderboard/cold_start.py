"""The cold-start curve: the same users, with less and less of the list known."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.evaluation.list_quality import ListQuality, ListQuestions, measure_lists
from training.evaluation.scorers import Rows, Scorer
from training.lists.split import Split, hash_users, splitmix64

CUTS: Final = (1, 2, 3, 5, 10, 20)
# Known titles of the users on the curve, at least; of the shortest of them the last cut is all.
LEAST_KNOWN: Final = 10
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

    def held_back(self, split: Split) -> ListQuestions:
        """Ask for the split's targets; what was cut is seen and no target, so it cannot be an answer."""
        targets, known = ([rows[user] for user in self.users] for rows in (split.targets, split.inputs))
        return ListQuestions.of(split.whole, split.test_user_rows[self.users], self.inputs, targets, known)

    def untold(self, split: Split) -> ListQuestions:
        """Ask for everything else that the user has seen."""
        seen = [np.union1d(split.inputs[user], split.targets[user]) for user in self.users]
        targets = [np.setdiff1d(all_seen, rows) for all_seen, rows in zip(seen, self.inputs, strict=True)]
        return ListQuestions.of(split.whole, split.test_user_rows[self.users], self.inputs, targets)


def make_points(split: Split) -> list[Point]:
    """Cut the test users' inputs.

    Inputs of the users with at least 10 are cut to 1, 2, 3, 5, 10 and 20 titles, each cut holding the one before;
    then come the whole inputs of the users with at least 50. Points without users are left out.
    """
    lengths = np.array([len(rows) for rows in split.inputs])
    long_enough = np.flatnonzero(lengths >= LEAST_KNOWN)
    shuffled = [_shuffle(split, int(user)) for user in long_enough]
    points = [Point(str(n), long_enough, [np.sort(rows[:n]) for rows in shuffled]) for n in CUTS]
    longest = np.flatnonzero(lengths >= LONG)
    points.append(Point(LONG_NAME, longest, [split.inputs[user] for user in longest]))
    return [point for point in points if len(point.users)]


def measure_cold_start(scorer: Scorer, split: Split) -> tuple[dict[str, ListQuality], dict[str, ListQuality]]:
    """Measure both curves, of what is held back and of everything untold.

    They are empty for methods with a row per user, which has seen the whole input.
    """
    points = make_points(split) if scorer.generalisation == "strong" else []
    # Where nothing is cut, everything untold is what is held back.
    cut = [point for point in points if point.name != LONG_NAME]
    held_back = ((point.name, measure_lists(scorer, point.held_back(split))) for point in points)
    untold = ((point.name, measure_lists(scorer, point.untold(split))) for point in cut)
    return _measured(held_back), _measured(untold)


def _measured(curve: Iterable[tuple[str, ListQuality | None]]) -> dict[str, ListQuality]:
    return {name: quality for name, quality in curve if quality is not None}


def _shuffle(split: Split, user: int) -> Rows:
    """Order a user's inputs by a hash of user and anime, so that every run cuts alike."""
    rows = split.inputs[user]
    user_id = split.whole.user_ids[split.test_user_rows[user : user + 1]]
    anime_ids = split.whole.anime_ids[rows].astype(np.uint64)
    keys = splitmix64(splitmix64(hash_users(user_id) ^ np.uint64(_SALT)) ^ anime_ids)
    return rows[np.argsort(keys, kind="stable")]
