"""Re-ordering the head of a ranking: hidden gems before what everybody knows, and titles that differ from each other.

Both re-order the hundred titles that fit best, so that whatever is asked for still fits. What comes after them
keeps its place, and pages are cut out of the re-ordered whole: none repeats or misses a title.

References
----------
Novelty is the self-information of a title: Zhou et al., "Solving the apparent diversity-accuracy dilemma of
recommender systems", PNAS 2010. Diversity is maximal marginal relevance: Carbonell and Goldstein, "The Use of MMR,
Diversity-Based Reranking for Reordering Documents and Producing Summaries", SIGIR 1998.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.ranking import Cut, RankedPage

Vector = NDArray[np.float32]
Matrix = NDArray[np.float32]
Places = NDArray[np.int64]

# How many of the best are re-ordered. Of more, the far end of the knobs would no longer fit (docs/steering.md).
N_STEERED: Final = 100


@dataclass(frozen=True)
class SteeredCut(Cut):
    """Which part of a ranking is asked for, and how its head is re-ordered. The defaults leave it as it is."""

    novelty: float = 0.0  # 0..1: from what fits best to what fewest have seen
    diversity: float = 0.0  # 0..1: from what fits best to what is least like what stands before it


Asked = TypeVar("Asked", bound=SteeredCut)


class Steering:
    """Re-orders rankings of a model's anime. Make it once per model."""

    def __init__(self, bundle: Bundle) -> None:
        # Nobody's list counts for new anime.
        counts = np.concatenate([bundle.popularity, np.zeros(bundle.n_new, dtype=bundle.popularity.dtype)])
        self._information = self_information(counts, bundle.n_users)
        self._embeddings = bundle.anime_embeddings, bundle.new_anime_embeddings

    def page(self, rank: Callable[[Asked], RankedPage], asked: Asked) -> RankedPage:
        """Cut a page out of a re-ordered ranking; ``rank`` cuts it out of the ranking as it is."""
        end = asked.offset + asked.limit
        ranking = rank(replace(asked, offset=0, limit=max(end, N_STEERED)))
        head = ranking.rows[:N_STEERED]
        order = steer(self._information[head], self._embeddings_of(head), asked.novelty, asked.diversity, end)
        places = [*order.tolist(), *range(len(head), len(ranking.rows))][asked.offset : end]
        rows, scores, scored_rows = (
            [column[place] for place in places] for column in (ranking.rows, ranking.scores, ranking.scored_rows)
        )
        return RankedPage(rows, scores, asked.offset, asked.limit, ranking.total, scored_rows)

    def _embeddings_of(self, rows: list[int]) -> Matrix:
        learned, new = self._embeddings
        places = np.array(rows, dtype=np.int64)
        is_new = places >= len(learned)
        embeddings = np.empty((len(places), learned.shape[1]), dtype=np.float32)
        embeddings[~is_new] = learned[places[~is_new]]
        embeddings[is_new] = new[places[is_new] - len(learned)]
        return embeddings


def self_information(popularity: NDArray[np.integer], n_users: int) -> Vector:
    """Give how surprising it is, in bits, that somebody has seen each anime: -log2 of the share of lists with it."""
    information: Vector = -np.log2((popularity + 1.0) / (n_users + 1.0)).astype(np.float32)
    return information


def steer(information: Vector, embeddings: Matrix, novelty: float, diversity: float, k: int) -> Places:
    """Re-order a ranking.

    Parameters
    ----------
    information : ndarray of shape (n,), dtype=float32
        Self-information of each title, best title first.
    embeddings : ndarray of shape (n, embedding_size), dtype=float32
        Unit rows.
    novelty, diversity : float
        0..1. The sum of the self-information of the first k titles never falls with novelty, whatever k is.
    k : int
        How many of the new order will be looked at; the others may follow in any order.

    Returns
    -------
    ndarray of shape (n,), dtype=int64
        Places in the ranking as it was, in the new order.
    """
    n = len(information)
    # By the logarithm of the rank, as gains are discounted: it keeps the first few apart from the many behind.
    fit = 1.0 - np.log1p(np.arange(n)) / np.log(max(n, 2))
    weight = _weight(novelty)
    order = np.argsort(-((1.0 - weight) * fit + weight * _spread(information)), kind="stable")
    if diversity:
        order = order[_diversify(fit, embeddings[order], _weight(diversity), min(k, n))]
    return order


def _weight(knob: float) -> float:
    """Turn a knob into a weight: most happens at weights about a half, so steps of the knob are smaller there."""
    return 0.5 + math.asin(2.0 * knob - 1.0) / math.pi


def _spread(values: Vector) -> Vector:
    """Scale values so that they reach from 0 to 1."""
    if not len(values):
        return values
    low, high = values.min(), values.max()
    spread: Vector = (values - low) / max(high - low, np.float32(1e-9))
    return spread


def _diversify(fit: NDArray[np.float64], embeddings: Matrix, weight: float, k: int) -> Places:
    """Choose k rows one by one, each by its fit less its likeness to the most alike of those before it."""
    likeness = np.zeros(len(fit), dtype=np.float32)
    left = np.ones(len(fit), dtype=bool)
    chosen = np.empty(k, dtype=np.int64)
    for place in range(k):
        values = np.where(left, (1.0 - weight) * fit - weight * likeness, -np.inf)
        chosen[place] = best = int(values.argmax())
        left[best] = False
        cosines = embeddings @ embeddings[best]
        likeness = cosines if place == 0 else np.maximum(likeness, cosines)
    return np.concatenate([chosen, np.flatnonzero(left)])
