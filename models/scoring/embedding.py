"""Scoring by embeddings: cosine of unit vectors, and what a cosine to a user is worth."""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Vector = NDArray[np.float32]


def embed_list(list_embeddings: Matrix, anime_rows: NDArray[np.integer]) -> Vector:
    """Embed a list as the normalised sum of what its anime add.

    Parameters
    ----------
    list_embeddings : ndarray of shape (n_anime, embedding_size), dtype=float32
        What each anime on a list adds.
    anime_rows : ndarray of shape (n,), dtype=integer
        What the user has seen. Order does not matter.

    Returns
    -------
    ndarray of shape (embedding_size,), dtype=float32
        A unit vector, or zeros where the list is empty or its embeddings cancel out: such a user has no
        direction, and every score is 0.

    References
    ----------
    Vancura et al., "Scalable Linear Shallow Autoencoder for Collaborative Filtering", RecSys 2022.
    """
    # float64: the sum over thousands of titles must not depend on their order within a float32's precision.
    total = list_embeddings[anime_rows].sum(axis=0, dtype=np.float64)
    norm = np.linalg.norm(total)
    if norm == 0.0:
        return np.zeros(list_embeddings.shape[1], dtype=np.float32)
    unit: Vector = (total / norm).astype(np.float32)
    return unit


def cosine_scores(embeddings: Matrix, query: Vector) -> Vector:
    """Score every row by its cosine to a query.

    Parameters
    ----------
    embeddings : ndarray of shape (n, embedding_size), dtype=float32
        Unit rows.
    query : ndarray of shape (embedding_size,), dtype=float32
        A unit vector, or zeros.

    Returns
    -------
    ndarray of shape (n,), dtype=float32
        In [-1, 1].
    """
    scores: Vector = embeddings @ query
    return np.clip(scores, -1.0, 1.0, out=scores)


def list_scores(anime_embeddings: Matrix, anime_gains: Vector, user_embedding: Vector) -> Vector:
    """Score every anime for a user.

    Parameters
    ----------
    anime_embeddings : ndarray of shape (n_anime, embedding_size), dtype=float32
        Unit rows.
    anime_gains : ndarray of shape (n_anime,), dtype=float32
        In (0, 1]: what a cosine is worth. Few watch an obscure title even if it is just what they like.
    user_embedding : ndarray of shape (embedding_size,), dtype=float32
        A unit vector, or zeros.

    Returns
    -------
    ndarray of shape (n_anime,), dtype=float32
        In [-1, 1].
    """
    scores = cosine_scores(anime_embeddings, user_embedding)
    scores *= anime_gains
    return scores


def list_contributions(
    list_embeddings: Matrix, anime_rows: NDArray[np.integer], direction: Vector
) -> NDArray[np.float32]:
    """Split the score of a direction into what each anime of a list adds to it.

    With u the embedding of the list, ``u @ direction`` is the sum of the contributions, since u is a sum.

    Parameters
    ----------
    list_embeddings : ndarray of shape (n_anime, embedding_size), dtype=float32
        What each anime on a list adds.
    anime_rows : ndarray of shape (n,), dtype=integer
        What the user has seen.
    direction : ndarray of shape (embedding_size,) or (embedding_size, n_directions), dtype=float32
        What is scored: a candidate's embedding times its gain, or a weighted sum of users' embeddings.

    Returns
    -------
    ndarray of shape (n,) or (n, n_directions), dtype=float32
        One per anime of the list, in its order; adds up to the score, along the first axis.
    """
    listed = list_embeddings[anime_rows]
    norm = np.linalg.norm(listed.sum(axis=0, dtype=np.float64))
    if norm == 0.0:
        return np.zeros((len(anime_rows), *direction.shape[1:]), dtype=np.float32)
    contributions: NDArray[np.float32] = ((listed @ direction) / norm).astype(np.float32)
    return contributions
