"""Item kNN by the cosine of rating vectors: the second notebook's method."""

from typing import Final

import numpy as np
import scipy.sparse as sp

from training.lists.interactions import Interactions

N_NEIGHBOURS: Final = 20
_BLOCK: Final = 1024


def fit_item_knn(train: Interactions, n_neighbours: int = N_NEIGHBOURS) -> sp.csr_matrix:
    """Return the cosines of every anime with its nearest, shape (n_anime, n_anime); unrated entries count as 0."""
    ratings = train.matrix(train.ratings).tocsc()
    norms = np.sqrt(np.asarray(ratings.multiply(ratings).sum(axis=0)).ravel())
    unit = (ratings @ sp.diags(1.0 / np.where(norms == 0.0, 1.0, norms))).astype(np.float32)
    columns = unit.T.tocsr()
    blocks = []
    for start in range(0, train.n_anime, _BLOCK):
        cosines = (columns[start : start + _BLOCK] @ unit).toarray()
        rows = np.arange(len(cosines))
        cosines[rows, start + rows] = 0.0
        if n_neighbours < train.n_anime:
            thresholds = np.partition(cosines, -n_neighbours, axis=1)[:, -n_neighbours, None]
            cosines[cosines < thresholds] = 0.0
        blocks.append(sp.csr_matrix(cosines))
    neighbours: sp.csr_matrix = sp.vstack(blocks, format="csr")
    return neighbours
