"""Embeds the list of every user."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.user_list import DISLIKED_BELOW_MEAN, DISLIKED_RATING, MOST_DISLIKED, Status
from training.lists.interactions import Interactions
from training.support.compiled import compiled, on_all_threads

_PLANNED: Final = int(Status.PLAN_TO_WATCH)
_DROPPED: Final = int(Status.DROPPED)


def embed_users(list_embeddings: NDArray[np.float32], interactions: Interactions) -> NDArray[np.float32]:
    """Embed the list of every user.

    Parameters
    ----------
    list_embeddings : ndarray of shape (n_anime, embedding_size), dtype=float32
        What each anime on a list adds.
    interactions : Interactions
        Every user has seen something.

    Returns
    -------
    ndarray of shape (n_users, embedding_size), dtype=float32
        Unit rows.
    """
    rows = np.zeros((interactions.n_users, list_embeddings.shape[1]), dtype=np.float32)
    arrays = (
        interactions.offsets,
        interactions.anime_rows,
        interactions.ratings,
        interactions.statuses,
        list_embeddings,
        rows,
        # Not as globals, which the compiled code would keep when they change.
        (DISLIKED_RATING, DISLIKED_BELOW_MEAN, MOST_DISLIKED),
    )
    on_all_threads(lambda first, step: _embed(*arrays, first, step))
    # Embeddings that cancel out exactly have no direction; the first axis is as good as any.
    rows[~rows.any(axis=1), 0] = 1.0
    return rows


@compiled
def _embed(
    offsets: Any,
    anime_rows: Any,
    ratings: Any,
    statuses: Any,
    adds: Any,
    rows: Any,
    limits: Any,
    first: int,
    step: int,
) -> None:  # pragma: no cover - compiled
    size = adds.shape[1]
    for user in range(first, len(rows), step):
        entries = range(offsets[user], offsets[user + 1])
        limit, weight = _limit_and_weight(entries, ratings, statuses, limits)
        total = np.zeros(size)  # float64, as in embed_list
        for entry in entries:
            if statuses[entry] != _PLANNED:
                disliked = statuses[entry] == _DROPPED or 0 < ratings[entry] <= limit
                add = adds[anime_rows[entry]]
                for column in range(size):
                    total[column] += add[column] * weight if disliked else add[column]
        norm = np.sqrt((total * total).sum())
        if norm > 0.0:
            for column in range(size):
                rows[user, column] = total[column] / norm


@compiled
def _limit_and_weight(entries: Any, ratings: Any, statuses: Any, limits: Any) -> Any:  # pragma: no cover - compiled
    """Give the highest rating that is a dislike, and what a dislike counts: as UserList.support has it."""
    lowest, below_mean, most_disliked = limits
    total, n_rated = 0, 0
    for entry in entries:
        if statuses[entry] != _PLANNED and ratings[entry] > 0:
            total += ratings[entry]
            n_rated += 1
    limit = max(float(lowest), total / max(n_rated, 1) - below_mean)
    n_seen, n_disliked = 0, 0
    for entry in entries:
        if statuses[entry] != _PLANNED:
            n_seen += 1
            n_disliked += statuses[entry] == _DROPPED or 0 < ratings[entry] <= limit
    if n_disliked == n_seen:
        return limit, 1.0
    return limit, max(0.0, 1.0 - n_disliked / n_seen / most_disliked)
