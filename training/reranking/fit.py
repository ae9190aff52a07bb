"""Learns both stages of recommending: item weights, and the network that re-ranks what they propose."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.anime_facts import AnimeFacts, read_facts
from models.scoring.candidate_features import CIRCLES, FEATURES, join_features, neighbour_evidence
from models.scoring.embedding import embed_list
from models.scoring.items import ItemWeights
from models.scoring.list_features import ListSignals
from models.scoring.neighbour_weights import NeighbourRegression
from models.scoring.reranker import RerankingNetwork
from models.scoring.top_k import top_k_rows
from training.interactions import Interactions
from training.item_weights import co_counts, cosines_of, fit_blocks, invert_gram, strongest_rows
from training.reranking.config import ItemsConfig, RerankerConfig
from training.reranking.tasks import EvidenceCollector, Task, find_candidates, make_tasks
from training.scorers import embed_users, regression_of_train
from training.split import splitmix64
from training.terminal import progress

Features = NDArray[np.float16]

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
    inverse = invert_gram(counts, items.dropout, items.l2)
    rows = strongest_rows(inverse, min(items.n_weights, train.n_anime - 1))
    tasks = _choose_tasks(train, reranker)
    candidates = find_candidates(tasks, train, inverse, reranker.n_candidates) if tasks else None
    del inverse
    collector = None if candidates is None else EvidenceCollector(tasks, candidates, train, counts, rows)
    values = np.empty(rows.shape, dtype=np.float32)
    with progress("fit item weights", train.n_anime, "anime") as update:
        for block in fit_blocks(counts, rows, items.fitted_dropout, items.fitted_l2):
            values[block.start : block.start + len(block.values)] = block.values
            if collector is not None:
                collector.add(block)
            update(block.start + len(block.values))
    weights = ItemWeights(rows, values, cosines_of(counts, rows))
    network: RerankingNetwork | None = None
    history: dict[str, list[float]] = {}
    if collector is not None and candidates is not None:
        facts = facts_of_train(train, catalogue)
        features, scales = _build_features(tasks, candidates, collector.evidence, train, facts, list_embeddings)
        hidden = np.stack([np.isin(row, task.target_rows) for row, task in zip(candidates, tasks, strict=True)])
        teaches = hidden.any(axis=1)
        if teaches.sum() >= _LEAST_TASKS:
            from training.reranking.network import fit_network  # noqa: PLC0415 - brings TensorFlow

            network, history = fit_network(features[teaches], hidden[teaches], scales, reranker)
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


def _choose_tasks(train: Interactions, config: RerankerConfig) -> list[Task]:
    # Those with the lowest hashes: who teaches does not depend on the order of the users.
    chosen = np.sort(np.argsort(splitmix64(train.user_ids), kind="stable")[: config.max_teachers])
    rng = np.random.default_rng(config.seed)
    tasks = [
        task
        for split in range(config.n_splits)
        for task in make_tasks(train, chosen, config.seed + 1 + split, config.short_share, rng)
    ]
    longest = max((len(task.known.anime_rows) + len(task.other_rows) for task in tasks), default=0)
    enough = len(tasks) >= _LEAST_TASKS and train.n_anime - longest >= 2
    return tasks if enough else []


def _build_features(
    tasks: Sequence[Task],
    candidates: NDArray[np.int32],
    evidence: NDArray[np.float32],
    train: Interactions,
    facts: AnimeFacts,
    list_embeddings: NDArray[np.float32],
) -> tuple[Features, NDArray[np.float32]]:
    """Compute the features of all tasks, standardised, and what they were standardised with."""
    user_embeddings = embed_users(list_embeddings, train)
    regression = regression_of_train(train)
    seen_rows = [train.list_of(row).seen_rows for row in range(train.n_users)]
    features = np.empty((*candidates.shape, len(FEATURES)), dtype=np.float16)
    scales: NDArray[np.float32] | None = None
    held: list[NDArray[np.float32]] = []
    with progress("features of lists", len(tasks), "lists") as update:
        for number, task in enumerate(tasks):
            signals = ListSignals(facts, task.known)
            neighbours = _neighbours(task, regression, list_embeddings, user_embeddings, seen_rows)
            table = join_features(
                evidence[number], neighbours[candidates[number]], facts, signals, candidates[number]
            )
            _leave_teacher_out(table, np.isin(candidates[number], task.target_rows), facts, candidates[number])
            held.append(table)
            if len(held) == _SCALE_TASKS or number == len(tasks) - 1:
                first = number + 1 - len(held)
                scales = _find_scales(held) if scales is None else scales
                network = replace(RerankingNetwork.empty(), scales=scales)
                for offset, each in enumerate(held):
                    features[first + offset] = network.standardise(each)
                held = []
            update(number + 1)
    if scales is None:
        scales = np.stack([np.zeros(len(FEATURES)), np.ones(len(FEATURES))]).astype(np.float32)
    return features, scales


def _find_scales(tables: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    stacked = np.concatenate(tables).astype(np.float64)
    # What never varies here says nothing; a deviation of 1 keeps it near zero.
    spread = stacked.std(axis=0)
    return np.stack([stacked.mean(axis=0), np.where(spread < 1e-6, 1.0, spread)]).astype(np.float32)


def _neighbours(
    task: Task,
    regression: NeighbourRegression,
    list_embeddings: NDArray[np.float32],
    user_embeddings: NDArray[np.float32],
    seen_rows: Sequence[NDArray[np.int32]],
) -> NDArray[np.float32]:
    similarities = user_embeddings @ embed_list(list_embeddings, task.known.seen_rows)
    similarities[task.user_row] = -1.0
    nearest = top_k_rows(similarities, CIRCLES[-1])
    rows = [seen_rows[row] for row in nearest]
    return neighbour_evidence(regression, task.known.seen_rows, similarities[nearest], rows)


def _leave_teacher_out(
    table: NDArray[np.float32], is_target: NDArray[np.bool_], facts: AnimeFacts, candidates: NDArray[np.int32]
) -> None:
    """Count the teacher out of the popularity of what they have seen, in place."""
    counts = np.exp(facts.popularity[candidates]) * (facts.n_users + 1.0)
    less = np.where(is_target, np.log(np.maximum(counts - 1.0, 1.0) / counts), 0.0)
    for name in ("popularity against the list's mean", "log share of lists"):
        table[:, FEATURES.index(name)] += less
