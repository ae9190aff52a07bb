"""Scoring similar anime by precomputed neighbours, and going on below them through the whole catalogue."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.embedding import Matrix, Vector, cosine_scores

# Keeps the first anime after the neighbours below the last of them.
_BELOW: Final = 0.99


def ranked_scores(
    similar_rows: NDArray[np.int32], similar_scores: NDArray[np.float32], anime_embeddings: Matrix, anime_row: int
) -> Vector:
    """Score every anime by its similarity to one.

    Its neighbours have the similarities they were given when the model was made. All others follow below the last of
    them, in the order of their cosine, so that a filter which takes all neighbours away still leaves a ranking.

    Parameters
    ----------
    similar_rows : ndarray of shape (n_anime, n_similar), dtype=int32
        Neighbours, best first.
    similar_scores : ndarray of shape (n_anime, n_similar), dtype=float32
        In [0, 1], descending.
    anime_embeddings : ndarray of shape (n_anime, embedding_size), dtype=float32
        Unit rows.
    anime_row : int

    Returns
    -------
    ndarray of shape (n_anime,), dtype=float32
        In [0, 1]. What the anime itself gets means nothing.
    """
    neighbours, similarities = similar_rows[anime_row], similar_scores[anime_row]
    last = _BELOW * similarities[-1] if len(similarities) else np.float32(1.0)
    cosines = cosine_scores(anime_embeddings, anime_embeddings[anime_row])
    scores: Vector = ((cosines + 1.0) * np.float32(0.5 * last)).astype(np.float32)
    scores[neighbours] = similarities
    return scores
