"""What the re-ranker learns from: lists with a part hidden."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.scoring.user_list import UserList
from training.lists.interactions import Interactions
from training.lists.split import mark_targets


@dataclass(frozen=True)
class Task:
    """One list with a part hidden.

    Attributes
    ----------
    user_row : int
    known : UserList
        What the re-ranker sees.
    target_rows : ndarray, dtype=int32
        What it should put on top.
    other_rows : ndarray, dtype=int32
        What the user has seen too, but is neither shown nor asked for.
    """

    user_row: int
    known: UserList
    target_rows: NDArray[np.int32]
    other_rows: NDArray[np.int32]


def make_tasks(
    train: Interactions, user_rows: NDArray[np.integer], seed: int, short_share: float, rng: np.random.Generator
) -> list[Task]:
    """Hide a part of each user's list, as the evaluation does.

    Parameters
    ----------
    train : Interactions
    user_rows : ndarray, dtype=integer
        Who teaches.
    seed : int
        Draws what is hidden.
    short_share : float
        Share of the lists that make a second task of one to twenty titles only, so that the re-ranker learns what to
        make of little.
    rng : numpy.random.Generator

    Returns
    -------
    list of Task
        None for users who have seen fewer than two titles.
    """
    teaches = np.zeros(train.n_users, dtype=bool)
    teaches[user_rows] = True
    lists = train.keep_users(teaches)
    is_target, is_seen = mark_targets(lists, seed), lists.seen
    tasks = []
    for number, user_row in enumerate(np.flatnonzero(teaches).tolist()):
        entries = np.arange(*lists.offsets[number : number + 2])
        targets = entries[is_target[entries]]
        if not len(targets):
            continue
        known = entries[is_seen[entries] & ~is_target[entries]]
        whole = Task(user_row, _list_of(lists, known), lists.anime_rows[targets], lists.anime_rows[:0])
        tasks.append(whole)
        if rng.random() < short_share:
            shown = np.sort(rng.choice(known, min(len(known), int(rng.integers(1, 21))), replace=False))
            others = lists.anime_rows[np.setdiff1d(known, shown)]
            tasks.append(replace(whole, known=_list_of(lists, shown), other_rows=others))
    return tasks


def _list_of(lists: Interactions, entries: NDArray[np.int64]) -> UserList:
    return UserList(lists.anime_rows[entries], lists.ratings[entries], lists.statuses[entries])
