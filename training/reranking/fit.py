"""Learns both stages of recommending: item weights, and the network that re-ranks what they propose."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.anime_facts import AnimeFacts, read_facts
from models.scoring.candidate_features import CIRCLES, candidate_features, neighbour_evidence
from models.scoring.embedding import embed_list
from models.scoring.items import ItemWeights
from models.scoring.list_features import ListSignals
from models.scoring.reranker import RerankingNetwork
from models.scoring.top_k import top_k_rows
from training.interactions import Interactions
from training.item_weights import co_counts, fit_item_weights
from training.reranking.config import ItemsConfig, RerankerConfig
from training.reranking.tasks import Task, make_tasks
from training.scorers import embed_users, regression_of_train
from training.split import splitmix64
from training.terminal import progress

_LEAST_TASKS: Final = 20
_SCALE_TASKS: Final = 1000


@dataclass(frozen=True)
class TrainedRecommender:
    """What recommending in two stages needs.

    Attributes
    ----------
    weights : ItemWeights
    network : RerankingNetwork or None
        None where there were too few lists to learn one from.
    history : dict of str to list of float
        Loss per epoch.
    seconds : float
        Wall-clock time of it all.
    """

    weights: ItemWeights
    network: RerankingNetwork | None
    history: dict[str, list[float]]
    seconds: float


def fit_recommender(
    train: Interactions,
    catalogue: Mapping[str, NDArray[Any]],
    list_embeddings: NDArray[np.float32],
    items: ItemsConfig,
    reranker: RerankerConfig,
) -> TrainedRecommender:
    """Learn item weights from all who train, and a re-ranker from the same users, each left out in turn.

    Parameters
    ----------
    train : Interactions
    catalogue : mapping of str to ndarray
        The catalogue's and the franchises' arrays, one row per anime.
    list_embeddings : ndarray of shape (n_anime, embedding_size), dtype=float32
        Sums of them find the nearest users.
    items : ItemsConfig
    reranker : RerankerConfig

    Returns
    -------
    TrainedRecommender
    """
    started = time.monotonic()
    counts = co_counts(train)
    # Lists that leave fewer candidates do not teach; in a small catalogue that must not be most of them.
    lessons = _Lessons(train, list_embeddings, min(reranker.n_candidates, train.n_anime // 2))
    folds = _choose_teachers(train, reranker)
    with progress("fit item weights", len(folds) + 1, "folds") as update:
        for number, teachers in enumerate(folds):
            # The weights they are taught with must not know them, nor may their lists say who speaks for whom.
            others = train.keep_users(~teachers)
            own = co_counts(train.keep_users(teachers))
            weights = fit_item_weights(counts - own, items)
            tasks = _make_tasks(train, np.flatnonzero(teachers), reranker)
            lessons.add(tasks, weights, facts_of_train(others, catalogue))
            update(number + 1)
        weights = fit_item_weights(counts, items)
        update(len(folds) + 1)
    network: RerankingNetwork | None = None
    history: dict[str, list[float]] = {}
    if len(lessons.hidden) >= _LEAST_TASKS:
        from training.reranking.network import fit_network  # noqa: PLC0415 - brings TensorFlow

        features, hidden = np.stack(lessons.features), np.stack(lessons.hidden)
        lessons.features.clear()
        network, history = fit_network(features, hidden, lessons.scales, reranker)
    return TrainedRecommender(weights, network, history, time.monotonic() - started)


def facts_of_train(train: Interactions, catalogue: Mapping[str, NDArray[Any]]) -> AnimeFacts:
    """Work out the facts of all anime from the lists that train.

    Parameters
    ----------
    train : Interactions
    catalogue : mapping of str to ndarray
        The catalogue's and the franchises' arrays.

    Returns
    -------
    AnimeFacts
    """
    popularity = np.bincount(train.anime_rows[train.seen], minlength=train.n_anime)
    return read_facts({**catalogue, "popularity": popularity}, train.n_users)


def _choose_teachers(train: Interactions, config: RerankerConfig) -> list[NDArray[np.bool_]]:
    """Choose who teaches, in groups: a mask of users for each. Nobody where there are too few."""
    # Those with the lowest hashes: who teaches does not depend on the order of the users.
    chosen = np.argsort(splitmix64(train.user_ids), kind="stable")[: config.max_teachers]
    if len(chosen) < _LEAST_TASKS:
        return []
    group = np.full(train.n_users, -1)
    group[chosen] = np.arange(len(chosen)) % config.n_folds
    return [group == fold for fold in range(config.n_folds)]


def _make_tasks(train: Interactions, teachers: NDArray[np.int64], config: RerankerConfig) -> list[Task]:
    rng = np.random.default_rng([config.seed, len(teachers)])
    return [
        task
        for split in range(config.n_splits)
        for task in make_tasks(train, teachers, config.seed + 1 + split, config.short_share, rng)
    ]


class _Lessons:
    """Collects features and hidden titles of tasks, whose features are computed as the service computes them."""

    def __init__(self, train: Interactions, list_embeddings: NDArray[np.float32], n_candidates: int) -> None:
        self.features: list[NDArray[np.float16]] = []
        self.hidden: list[NDArray[np.bool_]] = []
        self.scales = RerankingNetwork.empty().scales
        self._n_candidates = n_candidates
        self._list_embeddings = list_embeddings
        self._user_embeddings = embed_users(list_embeddings, train)
        self._regression = regression_of_train(train)
        self._seen_rows = [train.list_of(row).seen_rows for row in range(train.n_users)]

    def add(self, tasks: Sequence[Task], weights: ItemWeights, facts: AnimeFacts) -> None:
        """Take some tasks, with weights and facts that do not know their users."""
        held: list[NDArray[np.float32]] = []
        for number, task in enumerate(tasks, start=1):
            candidates, table = self._features_of(task, weights, facts)
            hidden = np.isin(candidates, task.target_rows)
            if len(candidates) == self._n_candidates and hidden.any():
                self.hidden.append(hidden)
                held.append(table)
            if held and (len(held) == _SCALE_TASKS or number == len(tasks)):
                self._standardise(held)
                held = []

    def _features_of(
        self, task: Task, weights: ItemWeights, facts: AnimeFacts
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        signals = ListSignals(facts, task.known)
        unknown = np.ones(len(self._list_embeddings), dtype=bool)
        unknown[task.known.anime_rows] = False
        unknown[task.other_rows] = False
        candidates = top_k_rows(weights.score(signals.rows), self._n_candidates, allowed=unknown)
        neighbours = self._neighbours(task)[candidates]
        return candidates, candidate_features(facts, weights, signals, candidates, neighbours)

    def _neighbours(self, task: Task) -> NDArray[np.float32]:
        similarities = self._user_embeddings @ embed_list(self._list_embeddings, task.known.seen_rows)
        others = np.arange(len(similarities)) != task.user_row
        nearest = top_k_rows(similarities, CIRCLES[-1], allowed=others)
        rows = [self._seen_rows[row] for row in nearest]
        return neighbour_evidence(self._regression, task.known.seen_rows, similarities[nearest], rows)

    def _standardise(self, tables: Sequence[NDArray[np.float32]]) -> None:
        if not self.features:
            self.scales = _find_scales(tables)
        network = replace(RerankingNetwork.empty(), scales=self.scales)
        self.features.extend(network.standardise(table).astype(np.float16) for table in tables)


def _find_scales(tables: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    stacked = np.concatenate(tables).astype(np.float64)
    # What never varies here says nothing; a deviation of 1 keeps it near zero.
    spread = stacked.std(axis=0)
    return np.stack([stacked.mean(axis=0), np.where(spread < 1e-6, 1.0, spread)]).astype(np.float32)
