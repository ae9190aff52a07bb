"""Ranks every anime's candidates: the precomputed neighbours that the bundle holds."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from models.cores import usable_cores
from training.similar_anime.blocks import in_blocks
from training.similar_anime.features import N_CANDIDATES, PairEvidence, Pairs
from training.similar_anime.ranker import Ranker

N_SIMILAR: Final = N_CANDIDATES
# Each holds a block of features.
_MAX_THREADS: Final = 4


@dataclass(frozen=True)
class RankedNeighbours:
    """The most similar anime of every anime: shape (n_anime, min(300, n_anime - 1))."""

    # Best first, ties to the lower row; never the anime itself.
    rows: NDArray[np.int32]
    # In (0, 1), descending.
    scores: NDArray[np.float32]


def describe_in_blocks(evidence: PairEvidence, rows: NDArray[np.integer[Any]]) -> Iterator[Pairs]:
    """Describe the candidates of many queries, ascending, some at a time."""
    yield from map(evidence.describe, in_blocks(rows))


def rank_neighbours(evidence: PairEvidence, ranker: Ranker, report: Callable[[int], None]) -> RankedNeighbours:
    """Rank the candidates of every anime, and report how many anime are done."""
    n_anime = len(evidence.popularity)
    k = min(N_SIMILAR, n_anime - 1)
    if not k:
        return RankedNeighbours(np.zeros((n_anime, 0), dtype=np.int32), np.zeros((n_anime, 0), dtype=np.float32))
    rows = np.zeros((n_anime, k), dtype=np.int32)
    scores = np.zeros((n_anime, k), dtype=np.float32)
    blocks = in_blocks(np.arange(n_anime))
    # numpy lets go of the interpreter lock in nearly all of the work. Each thread does its products alone: shared
    # between threads that are all busy, they take half as long again.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(min(_MAX_THREADS, usable_cores())) as pool:
        ranked = pool.map(lambda block: _rank_block(evidence.describe(block), ranker, k), blocks)
        for block, (block_rows, block_scores) in zip(blocks, ranked, strict=True):
            rows[block], scores[block] = block_rows, block_scores
            report(int(block[-1]) + 1)
    return RankedNeighbours(rows, scores)


def _rank_block(pairs: Pairs, ranker: Ranker, k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    similarities = ranker.similarities(ranker.score(pairs), pairs.queries)
    order = np.lexsort((pairs.others, -similarities, pairs.queries))
    _, starts = np.unique(pairs.queries, return_index=True)
    best = order[starts[:, None] + np.arange(k)]  # (B, k): sorted by query, so each has its own stretch
    return pairs.others[best], similarities[best]
