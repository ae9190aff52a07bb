"""Embeds the list of every user."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.user_list import Status
from training.lists.interactions import Interactions
from training.support.compiled import compiled, on_all_threads

_PLANNED: Final = int(Status.PLAN_TO_WATCH)


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
    arrays = (interactions.offsets, interactions.anime_rows, interactions.statuses, list_embeddings, rows)
    on_all_threads(lambda first, step: _embed(*arrays, first, step))
    # Embeddings that cancel out exactly have no direction; the first axis is as good as any.
    rows[~rows.any(axis=1), 0] = 1.0
    return rows


@compiled
def _embed(
    offsets: Any, anime_rows: Any, statuses: Any, adds: Any, rows: Any, first: int, step: int
) -> None:  # pragma: no cover - compiled
    size = adds.shape[1]
    for user in range(first, len(rows), step):
        total = np.zeros(size)  # float64, as in embed_list
        for entry in range(offsets[user], offsets[user + 1]):
            if statuses[entry] != _PLANNED:
                add = adds[anime_rows[entry]]
                for column in range(size):
                    total[column] += add[column]
        norm = np.sqrt((total * total).sum())
        if norm > 0.0:
            for column in range(size):
                rows[user, column] = total[column] / norm
