"""Evidence of what people recommend: of other pairs than the one that is looked at.

Whether people recommend the pair itself is no evidence: a ranker would only learn to look it up, and have nothing to
say of anime that nobody was asked about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.sparse as sp

from training.similar_anime.blocks import Block, Rows, SparseRows, kth_largest
from training.similar_anime.truth import SimilarQuery

# Kinds of evidence that say which of the anime asked about are like a query, each against its tenth best there.
_LIKENESS: Final = ("blend", "embedding", "neighbours", "liked_cosine", "topics")
_N_BEST: Final = 10
_MOST: Final = 2.0
_N_ALIKE: Final = 30
_LEAST: Final = 1e-6


@dataclass(frozen=True)
class VoteEvidence:
    """What people recommend to those who liked an anime, for the anime that they were asked about."""

    # Shape: (n_asked,). Rows of those anime, ascending.
    asked: Rows
    # Shape: (n_asked, n_anime). Unit rows.
    recommended: sp.csr_matrix
    # Whose products are how much two anime are recommended beside each other.
    together: SparseRows

    def similarities(self, rows: Rows, blocks: Mapping[str, Block]) -> dict[str, Block]:
        """Give both kinds of evidence for a block of anime: higher is more similar, 0 for an anime and itself.

        ``co_voted``: people who liked the same anime are recommended both. ``alike_voted``: people who liked anime
        like the query are recommended the other; ``blocks`` holds what says that they are alike.
        """
        alike = SparseRows(self._most_alike(rows, blocks), self.recommended)
        found = {"co_voted": self.together.products(rows), "alike_voted": alike.products(np.arange(len(rows)))}
        for block in found.values():
            block[np.arange(len(rows)), rows] = 0.0
        return found

    def _most_alike(self, rows: Rows, blocks: Mapping[str, Block]) -> sp.csr_matrix:
        """Find the 30 anime asked about that are most like each row, as unit rows; never the row itself."""
        likeness = np.zeros((len(rows), len(self.asked)), dtype=np.float32)
        for kind in _LIKENESS:
            values = blocks[kind][:, self.asked]
            best = np.maximum(kth_largest(values, _N_BEST), np.float32(_LEAST))
            likeness += np.clip(values / best[:, None], 0.0, _MOST)
        k = min(_N_ALIKE, len(self.asked))
        columns = np.argpartition(-likeness, k - 1, axis=1)[:, :k]
        values = np.take_along_axis(likeness, columns, axis=1)
        values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), _LEAST)
        starts = np.arange(0, columns.size + 1, k)
        return sp.csr_matrix((values.ravel(), columns.ravel(), starts), shape=likeness.shape)


def gather_votes(queries: Sequence[SimilarQuery], n_anime: int) -> VoteEvidence | None:
    """Gather what the queries that may choose weights recommend; None where there are none."""
    asked = sorted((query for query in queries if query.may_choose), key=lambda query: query.anime_row)
    if not asked:
        return None
    values = np.concatenate([query.weighted_gains() for query in asked]).astype(np.float32)
    columns = np.concatenate([query.similar_rows for query in asked])
    starts = np.cumsum([0, *(len(query.similar_rows) for query in asked)])
    gains = sp.csr_matrix((values, columns, starts), shape=(len(asked), n_anime))
    by_asked = np.asarray(gains.sum(axis=1)).ravel()
    # A constant of the query: if it left the pair that is looked at out, it would tell which pairs there are.
    by_anime = np.maximum(np.asarray(gains.sum(axis=0)).ravel(), 1.0)
    lengths = np.sqrt(np.asarray(gains.multiply(gains).sum(axis=1)).ravel())
    shares: Any = sp.diags(by_anime**-0.5) @ gains.T @ sp.diags(by_asked**-0.5)
    directions: Any = sp.diags(1.0 / lengths) @ gains
    return VoteEvidence(
        np.array([query.anime_row for query in asked]),
        sp.csr_matrix(directions, dtype=np.float32),
        SparseRows(sp.csr_matrix(shares, dtype=np.float32), gains),
    )
