"""Leaves out users and anime with too few rows to learn from."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.cores import usable_cores
from training.errors import InputError
from training.lists.interactions import Interactions

Marks = NDArray[np.bool_]


@dataclass(frozen=True)
class Thresholds:
    """How many rows a user and an anime need. Plan-to-watch rows do not count: they are no evidence.

    Attributes
    ----------
    min_user_rows : int
        5 keeps nearly everybody; the notebooks used 400 (network) and 500 (item kNN).
    min_anime_rows : int
        5 keeps nearly everything that somebody watched; the item kNN notebook used 200.
    """

    min_user_rows: int = 5
    min_anime_rows: int = 5


def apply_thresholds(interactions: Interactions, thresholds: Thresholds) -> Interactions:
    """Leave out users and anime below the thresholds, until every one that is left meets them.

    Returns
    -------
    Interactions
        With fewer users and anime, rows renumbered.

    Raises
    ------
    InputError
        If nobody or nothing is left.
    """
    # A list of plans alone gives no direction to embed, so one seen row is needed whatever the threshold.
    user_minimum, anime_minimum = max(1, thresholds.min_user_rows), max(1, thresholds.min_anime_rows)
    users_kept, anime_kept = np.ones(interactions.n_users, dtype=bool), np.ones(interactions.n_anime, dtype=bool)
    by_user, by_anime = interactions.count_by_user(interactions.seen), interactions.popularity()
    while True:
        users_fall, anime_fall = users_kept & (by_user < user_minimum), anime_kept & (by_anime < anime_minimum)
        if not users_fall.any() and not anime_fall.any():
            break
        users_kept &= ~users_fall
        anime_kept &= ~anime_fall
        # What is counted of those that fell does not matter any more.
        by_anime -= interactions.keep_users(users_fall).popularity()
        if anime_fall.any():
            by_user -= interactions.count_by_user(anime_fall[interactions.anime_rows] & interactions.seen)
    if not users_kept.any() or not anime_kept.any():
        raise InputError(
            f"nothing is left of {interactions.n_users:,} users and {interactions.n_anime:,} anime: no user has "
            f"{user_minimum} rows of anime that {anime_minimum} users have seen; "
            "lower --min-user-rows and --min-anime-rows"
        )
    return _keep(interactions, users_kept, anime_kept)


def _keep(interactions: Interactions, users_kept: Marks, anime_kept: Marks) -> Interactions:
    """Leave users and anime out at once: one after the other, the entries would be held three times."""
    if users_kept.all() and anime_kept.all():
        return interactions
    kept = anime_kept[interactions.anime_rows]
    lengths = np.where(users_kept, interactions.count_by_user(kept), 0)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    new_rows = np.cumsum(anime_kept, dtype=np.int32) - np.int32(1)
    anime_rows = np.empty(ends[-1], dtype=np.int32)
    ratings, statuses = np.empty(ends[-1], dtype=np.uint8), np.empty(ends[-1], dtype=np.uint8)

    def copy(group: tuple[int, int]) -> None:
        first, last = group
        part = interactions.users_between(first, last)
        marks = kept[interactions.offsets[first] : interactions.offsets[last]]
        marks = marks & np.repeat(users_kept[first:last], np.diff(part.offsets))
        entries = slice(ends[first], ends[last])
        anime_rows[entries] = new_rows[part.anime_rows[marks]]
        ratings[entries], statuses[entries] = part.ratings[marks], part.statuses[marks]

    with ThreadPoolExecutor(usable_cores()) as pool:
        for _ in pool.map(copy, interactions.groups_of_users()):
            pass
    return Interactions(
        interactions.user_ids[users_kept],
        interactions.anime_ids[anime_kept],
        np.concatenate([[0], np.cumsum(lengths[users_kept])]),
        anime_rows,
        ratings,
        statuses,
    )
