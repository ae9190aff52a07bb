"""Scoring new anime, those that too few lists hold: by embeddings that were predicted from their content."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.embedding import cosine_scores

Scores = NDArray[np.float32]

# Two predictions are more alike than what they predict. The cosine of two learned embeddings is best estimated as .64
# times that of a prediction and the other, and as .39 times that of two predictions (rare anime: docs/adr/0020).
PREDICTED: Final = np.float32(0.6)
LEARNED: Final = np.float32(0.64)


def score_by_content(bundle: Bundle, row: int) -> Scores:
    """Score the whole catalogue by its similarity to an anime, new ones by what content predicts.

    Parameters
    ----------
    bundle : Bundle
    row : int
        Of the catalogue: new anime go on behind those that the model learned.

    Returns
    -------
    ndarray of shape (n_anime + n_new,), dtype=float32
        In [-1, 1]: cosines of embeddings, to new anime times .6 (times .64 from one that the model learned).
    """
    is_new = row >= bundle.n_anime
    query = bundle.new_anime_embeddings[row - bundle.n_anime] if is_new else bundle.anime_embeddings[row]
    new = cosine_scores(bundle.new_anime_embeddings, query) * (PREDICTED if is_new else LEARNED)
    return np.concatenate([cosine_scores(bundle.anime_embeddings, query), new])
