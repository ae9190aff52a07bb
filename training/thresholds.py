"""Leaves out users and anime with too few rows to learn from."""

from dataclasses import dataclass

import numpy as np

from training.errors import InputError
from training.interactions import Interactions


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
    n_before = (interactions.n_users, interactions.n_anime)
    # A list of plans alone gives no direction to embed, so one seen row is needed whatever the threshold.
    user_minimum, anime_minimum = max(1, thresholds.min_user_rows), max(1, thresholds.min_anime_rows)
    while True:
        seen_rows = interactions.anime_rows[interactions.seen]
        anime_kept = np.bincount(seen_rows, minlength=interactions.n_anime) >= anime_minimum
        interactions = _keep_anime(interactions, anime_kept)
        seen_before = np.concatenate([[0], np.cumsum(interactions.seen, dtype=np.int64)])
        users_kept = np.diff(seen_before[interactions.offsets]) >= user_minimum
        interactions = interactions.keep_users(users_kept)
        if not interactions.n_users or not interactions.n_anime:
            raise InputError(
                f"nothing is left of {n_before[0]:,} users and {n_before[1]:,} anime: no user has "
                f"{user_minimum} rows of anime that {anime_minimum} users have seen; "
                "lower --min-user-rows and --min-anime-rows"
            )
        if anime_kept.all() and users_kept.all():
            return interactions


def _keep_anime(interactions: Interactions, kept: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Interactions:
    if kept.all():
        return interactions
    fewer = interactions.keep_entries(kept[interactions.anime_rows])
    new_rows = np.cumsum(kept, dtype=np.int32) - 1
    return Interactions(
        fewer.user_ids,
        fewer.anime_ids[kept],
        fewer.offsets,
        new_rows[fewer.anime_rows].astype(np.int32),
        fewer.ratings,
        fewer.statuses,
    )
