"""Leaves out users and anime with too few rows to learn from."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.user_list import Status
from training.errors import InputError
from training.lists.interactions import Interactions, concatenate_lists
from training.support.compiled import compiled
from training.support.engine import LOCAL, Engine

_PLANNED: Final = int(Status.PLAN_TO_WATCH)
# Users of a task at least.
_BLOCK: Final = 4096


@dataclass(frozen=True)
class Thresholds:
    """How many rows a user and an anime need, plan-to-watch left out. The notebooks used 200 to 500."""

    min_user_rows: int = 5
    min_anime_rows: int | None = 5  # None leaves out no anime, also none that is on no list


def apply_thresholds(interactions: Interactions, thresholds: Thresholds, engine: Engine = LOCAL) -> Interactions:
    """Leave out users and anime below the thresholds, until every one that is left meets them.

    Raises
    ------
    InputError
        If no user or no anime is left.
    """
    # A list of plans alone gives no direction to embed, so one seen row is needed whatever the threshold.
    user_minimum, anime_minimum = max(1, thresholds.min_user_rows), max(1, thresholds.min_anime_rows or 0)
    may_fall = thresholds.min_anime_rows is not None
    anime_kept = np.ones(interactions.n_anime, dtype=bool)
    calls = [(*users, user_minimum) for users in engine.ranges(interactions.n_users, _BLOCK)]
    while True:
        by_anime = np.sum(list(engine.map(_count_between, [interactions, anime_kept], calls)), axis=0)
        anime_fall = anime_kept & (by_anime < anime_minimum) & may_fall
        if not anime_fall.any():
            break
        anime_kept = anime_kept & ~anime_fall
    if not by_anime.any():
        raise InputError(
            f"nothing is left of {interactions.n_users:,} users and {interactions.n_anime:,} anime: no user has "
            f"{user_minimum} rows of anime that {anime_minimum} users have seen; "
            "lower --min-user-rows and --min-anime-rows"
        )
    parts = engine.map(_keep_between, [interactions, anime_kept], calls)
    kept = concatenate_lists(list(parts), engine)
    return replace(kept, anime_ids=interactions.anime_ids[anime_kept])


def _count_between(
    interactions: Interactions, anime_kept: NDArray[np.bool_], first: int, last: int, user_minimum: int
) -> NDArray[np.int64]:
    """Count how many of the users with enough rows of the kept anime have each of these on their list."""
    part, by_anime = interactions.users_between(first, last), np.zeros(interactions.n_anime, dtype=np.int64)
    _count(part.offsets, part.anime_rows, part.statuses, anime_kept, user_minimum, by_anime)
    return by_anime


@compiled
def _count(
    offsets: Any, anime_rows: Any, statuses: Any, anime_kept: Any, user_minimum: int, by_anime: Any
) -> None:  # pragma: no cover - compiled
    for user in range(len(offsets) - 1):
        total = 0
        for entry in range(offsets[user], offsets[user + 1]):
            total += anime_kept[anime_rows[entry]] and statuses[entry] != _PLANNED
        for entry in range(offsets[user], offsets[user + 1]) if total >= user_minimum else range(0):
            by_anime[anime_rows[entry]] += anime_kept[anime_rows[entry]] and statuses[entry] != _PLANNED


def _keep_between(
    interactions: Interactions, anime_kept: NDArray[np.bool_], first: int, last: int, user_minimum: int
) -> Interactions:
    """Keep the users with enough rows of the kept anime, and these anime, in new rows."""
    part = interactions.users_between(first, last)
    users_kept = part.count_by_user(anime_kept[part.anime_rows] & part.seen) >= user_minimum
    if not (users_kept.all() and anime_kept.all()):
        part = part.keep_users(users_kept)
        part = part.keep_entries(anime_kept[part.anime_rows])
        new_rows = np.cumsum(anime_kept, dtype=np.int32) - np.int32(1)
        part = replace(part, anime_rows=new_rows[part.anime_rows])
    return part
