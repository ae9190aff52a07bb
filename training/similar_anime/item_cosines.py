"""Item kNN: the first notebook's way, the cosine of rating vectors."""

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from models.cores import usable_cores
from models.scoring.ranking import top_k_rows
from training.lists.interactions import Interactions
from training.similar_anime.blocks import SparseRows
from training.similar_anime.rank import RankedNeighbours

_BLOCK: Final = 256


def find_item_cosines(lists: Interactions, n_neighbours: int) -> RankedNeighbours:
    """Find the anime whose vectors of ratings, one number per user, have the largest cosines with each anime's.

    Unrated entries count as 0, so a cosine lies in [0, 1]; it is 0 where nobody has rated both. Every anime has
    min(n_neighbours, n_anime - 1) neighbours, ties go to the lower row.

    References
    ----------
    Sarwar et al., "Item-based Collaborative Filtering Recommendation Algorithms", WWW 2001.
    """
    ratings = lists.matrix(lists.ratings)
    norms = np.sqrt(np.asarray(ratings.multiply(ratings).sum(axis=0)).ravel())
    unit = sp.csr_matrix(ratings @ sp.diags(1.0 / np.where(norms == 0.0, 1.0, norms))).astype(np.float32)
    vectors = SparseRows(sp.csr_matrix(unit.T), unit)
    k = min(n_neighbours, lists.n_anime - 1)

    def nearest(start: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        block_rows = np.arange(start, min(start + _BLOCK, lists.n_anime))
        cosines = np.minimum(vectors.products(block_rows), np.float32(1.0))
        cosines[np.arange(len(block_rows)), block_rows] = -1.0
        rows = np.array([top_k_rows(of_one, k) for of_one in cosines], dtype=np.int32).reshape(len(cosines), k)
        return rows, np.take_along_axis(cosines, rows.astype(np.int64), axis=1)

    with ThreadPoolExecutor(usable_cores()) as pool:
        rows, cosines = zip(*pool.map(nearest, range(0, lists.n_anime, _BLOCK)), strict=True)
    return RankedNeighbours(np.concatenate(rows), np.concatenate(cosines))
