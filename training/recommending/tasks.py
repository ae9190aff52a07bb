"""What the re-ranker learns from: lists with a part hidden."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.user_list import UserList
from training.lists.interactions import Interactions
from training.lists.split import mark_targets
from training.recommending.config import RerankerConfig

# Cut lists have 1 to so many titles, short ones as often as long ones on a logarithmic scale.
LONGEST_CUT: Final = 30
LEAST_GAIN, MOST_GAIN = 0.1, 2.5


@dataclass(frozen=True)
class Task:
    """One list with a part hidden."""

    user_row: int
    known: UserList  # what the re-ranker sees
    target_rows: NDArray[np.int32]  # what it should put on top
    gains: NDArray[np.float32]  # how much each target is wanted
    other_rows: NDArray[np.int32]  # what the user has seen too, but is neither shown nor asked for


def make_tasks(
    train: Interactions, user_rows: NDArray[np.integer], seed: int, config: RerankerConfig, rng: np.random.Generator
) -> list[Task]:
    """Hide a part of each user's list, as the evaluation does; ``seed`` draws what is hidden.

    Each list makes ``n_cuts`` more tasks of a few titles only, so that the re-ranker learns what to make of little. A
    target's gain is 1 and ``rating_weight`` more for each point that it is rated above the user's own mean, less
    below it, within [.1, 2.5]; 1 where it is unrated. Users who have seen fewer than two titles make no task.
    """
    trains = np.zeros(train.n_users, dtype=bool)
    trains[user_rows] = True
    lists = train.keep_users(trains)
    is_target, is_seen = mark_targets(lists, seed), lists.seen
    tasks = []
    for number, user_row in enumerate(np.flatnonzero(trains).tolist()):
        entries = np.arange(*lists.offsets[number : number + 2])
        targets = entries[is_target[entries]]
        if not len(targets):
            continue
        known = entries[is_seen[entries] & ~is_target[entries]]
        gains = _gains(lists.ratings[targets], lists.ratings[entries[is_seen[entries]]], config.rating_weight)
        whole = Task(user_row, _list_of(lists, known), lists.anime_rows[targets], gains, lists.anime_rows[:0])
        tasks.append(whole)
        for length in np.rint(np.exp(rng.uniform(0.0, np.log(LONGEST_CUT), config.n_cuts))).astype(int).tolist():
            if length < len(known):
                shown = np.sort(rng.choice(known, length, replace=False))
                others = lists.anime_rows[np.setdiff1d(known, shown)]
                tasks.append(replace(whole, known=_list_of(lists, shown), other_rows=others))
    return tasks


def _gains(ratings: NDArray[np.uint8], seen: NDArray[np.uint8], rating_weight: float) -> NDArray[np.float32]:
    """Give how much targets are wanted, by the ratings of all that the user has seen."""
    rated = seen[seen > 0]
    above = ratings.astype(np.float64) - (rated.mean() if len(rated) else 0.0)
    gains = np.clip(1.0 + rating_weight * above, LEAST_GAIN, MOST_GAIN)
    return np.where(ratings > 0, gains, 1.0).astype(np.float32)


def _list_of(lists: Interactions, entries: NDArray[np.int64]) -> UserList:
    return UserList(lists.anime_rows[entries], lists.ratings[entries], lists.statuses[entries])
