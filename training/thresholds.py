"""Leaves out users and anime with too few rows to learn from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.errors import InputError
from training.interactions import Interactions

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

    Parameters
    ----------
    interactions : Interactions
    thresholds : Thresholds

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
    while True:
        by_user, by_anime = _count_seen(interactions, users_kept, anime_kept)
        users_fall, anime_fall = users_kept & (by_user < user_minimum), anime_kept & (by_anime < anime_minimum)
        if not users_fall.any() and not anime_fall.any():
            break
        users_kept &= ~users_fall
        anime_kept &= ~anime_fall
    if not users_kept.any() or not anime_kept.any():
        raise InputError(
            f"nothing is left of {interactions.n_users:,} users and {interactions.n_anime:,} anime: no user has "
            f"{user_minimum} rows of anime that {anime_minimum} users have seen; "
            "lower --min-user-rows and --min-anime-rows"
        )
    return _keep(interactions, users_kept, anime_kept)


def _count_seen(
    interactions: Interactions, users_kept: Marks, anime_kept: Marks
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count what users have seen of the anime kept, and by how many of the users kept an anime was seen."""
    by_user, by_anime = np.zeros(interactions.n_users, dtype=np.int64), np.zeros(interactions.n_anime, dtype=np.int64)
    for first, last in interactions.groups_of_users():
        part = interactions.users_between(first, last)
        seen = part.seen & anime_kept[part.anime_rows]
        by_user[first:last] = part.count_by_user(seen)
        seen &= np.repeat(users_kept[first:last], np.diff(part.offsets))
        by_anime += np.bincount(part.anime_rows[seen], minlength=interactions.n_anime)
    return by_user, by_anime


def _keep(interactions: Interactions, users_kept: Marks, anime_kept: Marks) -> Interactions:
    """Leave users and anime out, group by group: one after the other, all entries would be held three times."""
    if users_kept.all() and anime_kept.all():
        return interactions
    new_rows = np.cumsum(anime_kept, dtype=np.int32) - np.int32(1)
    lengths = np.zeros(interactions.n_users, dtype=np.int64)
    # What is not needed at the end is never touched, and takes no memory.
    anime_rows = np.empty_like(interactions.anime_rows)
    ratings, statuses = np.empty_like(interactions.ratings), np.empty_like(interactions.statuses)
    end = 0
    for first, last in interactions.groups_of_users():
        part = interactions.users_between(first, last)
        kept = anime_kept[part.anime_rows] & np.repeat(users_kept[first:last], np.diff(part.offsets))
        lengths[first:last] = part.count_by_user(kept)
        start, end = end, end + int(lengths[first:last].sum())
        anime_rows[start:end] = new_rows[part.anime_rows[kept]]
        ratings[start:end] = part.ratings[kept]
        statuses[start:end] = part.statuses[kept]
    return Interactions(
        interactions.user_ids[users_kept],
        interactions.anime_ids[anime_kept],
        np.concatenate([[0], np.cumsum(lengths[users_kept])]),
        anime_rows[:end],
        ratings[:end],
        statuses[:end],
    )
