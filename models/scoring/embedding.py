"""Scoring by embeddings: cosine of unit vectors, and what a cosine to a user is worth."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.user_list import Support

Matrix = NDArray[np.float32]
Vector = NDArray[np.float32]

# Keeps the first anime after the precomputed neighbours below the last of them.
_BELOW: Final = 0.99


def embed_list(list_embeddings: Matrix, support: Support) -> Vector:
    """Embed a list, in whatever order, as the normalised sum of what its anime add (``list_embeddings``).

    Gives a unit vector of shape (embedding_size,), dtype=float32; zeros where the list is empty or cancels out, so
    that every score is 0.

    References
    ----------
    Vancura et al., "Scalable Linear Shallow Autoencoder for Collaborative Filtering", RecSys 2022.
    """
    # float64: the sum over thousands of titles must not depend on their order within a float32's precision.
    total = _weighted(list_embeddings, support).sum(axis=0, dtype=np.float64)
    norm = np.linalg.norm(total)
    if norm == 0.0:
        return np.zeros(list_embeddings.shape[1], dtype=np.float32)
    unit: Vector = (total / norm).astype(np.float32)
    return unit


def cosine_scores(embeddings: Matrix, query: Vector) -> Vector:
    """Give the cosine of unit rows, shape (n, embedding_size), to a unit vector or zeros; in [-1, 1]."""
    scores: Vector = embeddings @ query
    return scores.clip(-1.0, 1.0, out=scores)


def list_scores(anime_embeddings: Matrix, anime_gains: Vector, user_embedding: Vector) -> Vector:
    """Score every anime for a user: its cosine times its gain.

    A gain, in (0, 1], is what a cosine is worth: few watch an obscure title even if it is just what they like.
    """
    scores = cosine_scores(anime_embeddings, user_embedding)
    scores *= anime_gains
    return scores


def ranked_scores(
    similar_rows: NDArray[np.int32], similar_scores: NDArray[np.float32], anime_embeddings: Matrix, anime_row: int
) -> Vector:
    """Score every anime by its similarity to one, by precomputed neighbours first.

    Neighbours, best first, and their similarities in [0, 1], are of shape (n_anime, n_similar); where a similarity is
    0 it is none. All others follow below the last neighbour, in the order of their cosine, so that a filter which
    takes all neighbours away still leaves a ranking. Scores, of shape (n_anime,), are in [0, 1]; what the anime
    itself gets means nothing.
    """
    n_neighbours = np.count_nonzero(similar_scores[anime_row])
    neighbours, similarities = similar_rows[anime_row, :n_neighbours], similar_scores[anime_row, :n_neighbours]
    last = _BELOW * similarities[-1] if len(similarities) else np.float32(1.0)
    cosines = cosine_scores(anime_embeddings, anime_embeddings[anime_row])
    scores: Vector = ((cosines + 1.0) * np.float32(0.5 * last)).astype(np.float32)
    scores[neighbours] = similarities
    return scores


def list_contributions(list_embeddings: Matrix, support: Support, direction: Vector) -> NDArray[np.float32]:
    """Split the score of a direction into what each anime of a list adds to it.

    With u the embedding of the list, ``u @ direction`` is the sum of the contributions, since u is a sum.
    ``direction``, of shape (embedding_size,) or (embedding_size, n_directions), is what is scored: a candidate's
    embedding times its gain, or a weighted sum of users' embeddings. Gives an array of shape (n,) or (n,
    n_directions), which adds up to the score along the first axis.
    """
    listed = _weighted(list_embeddings, support)
    norm = np.linalg.norm(listed.sum(axis=0, dtype=np.float64))
    if norm == 0.0:
        return np.zeros((len(support.rows), *direction.shape[1:]), dtype=np.float32)
    contributions: NDArray[np.float32] = ((listed @ direction) / norm).astype(np.float32)
    return contributions


def _weighted(list_embeddings: Matrix, support: Support) -> Matrix:
    weighted: Matrix = list_embeddings[support.rows] * support.weights[:, None]
    return weighted
