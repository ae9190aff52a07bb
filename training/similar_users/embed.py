"""Embeds the list of every user."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.cores import usable_cores
from models.scoring.user_list import support_weights
from training.lists.interactions import Interactions
from training.support.compiled import compiled
from training.support.engine import LOCAL, Engine, over_ranges

# Users of a task at least.
_BLOCK: Final = 4096


def embed_users(
    list_embeddings: NDArray[np.float32], interactions: Interactions, engine: Engine = LOCAL
) -> NDArray[np.float32]:
    """Embed the list of every user, as :func:`models.scoring.embedding.embed_list` embeds one, in unit rows.

    ``list_embeddings``, of shape (n_anime, embedding_size), are what each anime on a list adds. Every user has seen
    something.
    """
    return over_ranges(engine, _embed_between, (list_embeddings, interactions), interactions.n_users, _BLOCK)


def _embed_between(
    list_embeddings: NDArray[np.float32], interactions: Interactions, first: int, last: int
) -> NDArray[np.float32]:
    interactions = interactions.users_between(first, last)
    rows = np.zeros((interactions.n_users, list_embeddings.shape[1]), dtype=np.float32)

    def embed(users: tuple[int, int]) -> None:
        part = interactions.users_between(*users)
        weights = support_weights(part.user_rows(), part.n_users, part.ratings, part.statuses)
        _embed(part.offsets, part.anime_rows, weights, list_embeddings, rows[slice(*users)])

    with ThreadPoolExecutor(usable_cores()) as pool:
        list(pool.map(embed, interactions.groups_of_users()))
    # Embeddings that cancel out exactly have no direction; the first axis is as good as any.
    rows[~rows.any(axis=1), 0] = 1.0
    return rows


@compiled
def _embed(offsets: Any, anime_rows: Any, weights: Any, adds: Any, rows: Any) -> None:  # pragma: no cover - compiled
    size = adds.shape[1]
    for user in range(len(rows)):
        total = np.zeros(size)  # float64, as in embed_list
        for entry in range(offsets[user], offsets[user + 1]):
            if weights[entry] > 0.0:
                add = adds[anime_rows[entry]]
                for column in range(size):
                    total[column] += weights[entry] * add[column]
        norm = np.sqrt((total * total).sum())
        if norm > 0.0:
            for column in range(size):
                rows[user, column] = total[column] / norm
