"""Leaves out users and anime with too few rows to learn from."""

from dataclasses import dataclass, replace

import numpy as np

from training.errors import InputError
from training.lists.interactions import Interactions


@dataclass(frozen=True)
class Thresholds:
    """How many rows a user and an anime need, plan-to-watch left out. The notebooks used 200 to 500."""

    min_user_rows: int = 5
    min_anime_rows: int | None = 5  # None leaves out no anime, also none that is on no list


def apply_thresholds(interactions: Interactions, thresholds: Thresholds) -> Interactions:
    """Leave out users and anime below the thresholds, until every one that is left meets them.

    Raises
    ------
    InputError
        If no user or no anime is left.
    """
    # A list of plans alone gives no direction to embed, so one seen row is needed whatever the threshold.
    user_minimum, anime_minimum = max(1, thresholds.min_user_rows), max(1, thresholds.min_anime_rows or 0)
    may_fall = thresholds.min_anime_rows is not None
    users_kept, anime_kept = np.ones(interactions.n_users, dtype=bool), np.ones(interactions.n_anime, dtype=bool)
    by_user, by_anime = interactions.count_by_user(interactions.seen), interactions.popularity()
    while True:
        users_fall = users_kept & (by_user < user_minimum)
        anime_fall = anime_kept & (by_anime < anime_minimum) & may_fall
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
    if users_kept.all() and anime_kept.all():
        return interactions
    kept = interactions.keep_users(users_kept)
    kept = kept.keep_entries(anime_kept[kept.anime_rows])
    new_rows = np.cumsum(anime_kept, dtype=np.int32) - np.int32(1)
    return replace(kept, anime_ids=kept.anime_ids[anime_kept], anime_rows=new_rows[kept.anime_rows])
