"""What the re-ranker is taught with: features of tasks' candidates, computed as the service computes them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from models.cores import usable_cores
from models.scoring.anime_facts import AnimeFacts
from models.scoring.candidate_features import FEATURES, ListSignals, candidate_features
from models.scoring.items import CoSeen, ItemWeights
from models.scoring.neighbours import NEIGHBOURHOOD_SIZES
from models.scoring.ranking import top_k_rows
from models.scoring.reranker import propose
from training.lists.interactions import Interactions
from training.recommending.tasks import Task
from training.similar_users.list_neighbours import LISTS_PER_PRODUCT, ListNeighbours

# Lists of a part: whole products with all users, whose bits depend on who is in them.
BLOCK: Final = 5 * LISTS_PER_PRODUCT


@dataclass(frozen=True)
class Known:
    """What is known without some training users."""

    weights: ItemWeights
    co_seen: CoSeen
    facts: AnimeFacts


def make_examples(  # noqa: PLR0913, PLR0917 - of a step all is given one by one
    tasks: Sequence[Task],
    known: Known,
    list_embeddings: NDArray[np.float32],
    user_embeddings: NDArray[np.float32],
    train: Interactions,
    first: int,
    last: int,
    n_candidates: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Make examples of the tasks [first, last), leaving out those of which nothing can be learned.

    Returns
    -------
    features : ndarray of shape (n, n_candidates, n_features), dtype=float32
    gains : ndarray of shape (n, n_candidates), dtype=float32
    """
    tasks = tasks[first:last]
    # One more than are asked, as training users are their own nearest.
    nearest = ListNeighbours(list_embeddings, user_embeddings, train, NEIGHBOURHOOD_SIZES[-1] + 1)
    supports = [task.known.support for task in tasks]
    batches = [supports[start : start + LISTS_PER_PRODUCT] for start in range(0, len(tasks), LISTS_PER_PRODUCT)]

    def describe(task: Task) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        signals = ListSignals(known.facts, task.known)
        unknown = np.ones(train.n_anime, dtype=bool)
        unknown[task.known.anime_rows] = False
        unknown[task.other_rows] = False
        neighbourhoods = nearest.shares(task.known.support, without=task.user_row)
        weights = known.weights.of(signals.rows)
        item_scores = weights.score(signals.counts)
        proposals = propose(known.facts, item_scores, known.co_seen, task.known.support, neighbourhoods)
        candidates = top_k_rows(proposals.scores, n_candidates, allowed=unknown)
        gains = np.zeros(train.n_anime, dtype=np.float32)
        gains[task.target_rows] = task.gains
        features = candidate_features(known.facts, weights, signals, candidates, proposals.of(candidates))
        return features, gains[candidates]

    # Each product is small: several threads for one of them wait for each other longer than they work.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(usable_cores()) as pool:
        list(pool.map(nearest.find, batches))
        made = [each for each in pool.map(describe, tasks) if len(each[1]) == n_candidates and each[1].any()]
    features = np.array([table for table, _ in made], dtype=np.float32)
    gains = np.array([wanted for _, wanted in made], dtype=np.float32)
    return features.reshape(-1, n_candidates, len(FEATURES)), gains.reshape(-1, n_candidates)
