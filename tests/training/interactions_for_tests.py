"""Makes interactions of rows, and random ones."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.scoring.user_list import Status, UserList
from training.lists.interactions import Interactions

Row = tuple[int, int, int, int]


def make_interactions(rows: Sequence[Row], anime_ids: Sequence[int] | None = None) -> Interactions:
    """Put rows of (user, anime, rating, status) into lists."""
    rows = sorted(rows)
    users = sorted({row[0] for row in rows})
    anime = sorted({row[1] for row in rows}) if anime_ids is None else list(anime_ids)
    lengths = [sum(row[0] == user for row in rows) for user in users]
    return Interactions(
        np.array(users, dtype=np.int64),
        np.array(anime, dtype=np.int64),
        np.cumsum([0, *lengths], dtype=np.int64),
        np.array([anime.index(row[1]) for row in rows], dtype=np.int32),
        np.array([row[2] for row in rows], dtype=np.uint8),
        np.array([row[3] for row in rows], dtype=np.uint8),
    )


def seen_list(rows: Sequence[int] | NDArray[np.integer]) -> UserList:
    """Give the list of somebody who has seen some anime rows and rates none."""
    n = len(rows)
    statuses = np.full(n, int(Status.COMPLETED), dtype=np.uint8)
    return UserList(np.array(rows, dtype=np.int32), np.zeros(n, dtype=np.uint8), statuses)


def rows_of(lists: Interactions) -> list[Row]:
    """Give the rows back."""
    columns = (lists.user_ids[lists.user_rows()], lists.anime_ids[lists.anime_rows], lists.ratings, lists.statuses)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def random_interactions(n_users: int, n_anime: int, density: float, seed: int) -> Interactions:
    """Make lists by chance; every user and every anime has at least one row."""
    rng = np.random.default_rng(seed)
    marks = rng.random((n_users, n_anime)) < density
    marks[np.arange(n_users), rng.integers(0, n_anime, n_users)] = True
    marks[rng.integers(0, n_users, n_anime), np.arange(n_anime)] = True
    rows = [
        (3 + 5 * int(user), 1 + 2 * int(anime), int(rng.integers(0, 11)), int(rng.choice([1, 2, 3, 4, 6])))
        for user, anime in np.argwhere(marks)
    ]
    return make_interactions(rows)
