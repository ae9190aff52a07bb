"""Learns the second stage of recommending: the network that re-ranks what item weights propose."""

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.anime_facts import AnimeFacts, read_facts
from models.scoring.items import ItemWeights
from models.scoring.reranker import RerankingNetwork
from training.item_weights.co_counts import Square, co_counts
from training.item_weights.config import ItemsConfig
from training.item_weights.fit import fit_item_weights, fit_on_support, invert_popular
from training.lists.interactions import Interactions
from training.lists.split import draw_users
from training.recommending.co_seen import find_co_seen
from training.recommending.config import RerankerConfig
from training.recommending.examples import BLOCK, Known, make_examples
from training.recommending.network import fit_network
from training.recommending.tasks import Task, make_tasks
from training.similar_users.embed import embed_users
from training.support.engine import LOCAL, Engine
from training.support.terminal import progress

_LEAST_TASKS: Final = 20
_SCALE_TASKS: Final = 1000
# Up to this share of all users, training users are left out at once: weights of the others are nearly those of all.
_SMALL_SHARE: Final = 0.1
# Up to this share, who speaks for whom need not be proposed without them: few of the proposers are training users.
_TINY_SHARE: Final = 0.01


@dataclass(frozen=True)
class TrainedReranker:
    """The second stage of recommending.

    Attributes
    ----------
    network : RerankingNetwork or None
        None where there were too few lists to learn one from.
    history : dict of str to list of float
        Loss per epoch.
    seconds : float
        Wall-clock time.
    """

    network: RerankingNetwork | None
    history: dict[str, list[float]]
    seconds: float


def fit_reranker(  # noqa: PLR0913, PLR0917 - all that it learns from
    train: Interactions,
    counts: Square,
    weights: ItemWeights,
    catalogue: Mapping[str, NDArray[Any]],
    list_embeddings: NDArray[np.float32],
    items: ItemsConfig,
    config: RerankerConfig,
    engine: Engine = LOCAL,
) -> TrainedReranker:
    """Learn a re-ranker from users who train, each left out of the item weights that they are taught with.

    Parameters
    ----------
    train : Interactions
    counts : ndarray of shape (n_anime, n_anime), dtype=float32
        Its co-counts. Those of training users are taken out of them for a while, and put back.
    weights : ItemWeights
        Learned from them.
    catalogue : mapping of str to ndarray
        The catalogue's and the franchises' arrays, one row per anime.
    list_embeddings : ndarray of shape (n_anime, embedding_size), dtype=float32
        Sums of them find the nearest users.
    items : ItemsConfig
    config : RerankerConfig
    engine : Engine, optional
        Where examples are made.
    """
    started = time.monotonic()
    network: RerankingNetwork | None = None
    history: dict[str, list[float]] = {}
    groups = _choose_training_users(train, config)
    if groups:
        examples = _teach(train, counts, weights, groups, catalogue, list_embeddings, items, config, engine)
        if len(examples.gains) >= _LEAST_TASKS:
            features, gains = np.stack(examples.features), np.stack(examples.gains)
            examples.features.clear()
            network, history = fit_network(features, gains, examples.scales, config)
    return TrainedReranker(network, history, time.monotonic() - started)


def _teach(  # noqa: PLR0913, PLR0917 - what fit_reranker takes, and who teaches
    train: Interactions,
    counts: Square,
    weights: ItemWeights,
    groups: Sequence[NDArray[np.bool_]],
    catalogue: Mapping[str, NDArray[Any]],
    list_embeddings: NDArray[np.float32],
    items: ItemsConfig,
    config: RerankerConfig,
    engine: Engine,
) -> "_Examples":
    examples, embedded = _Examples(), embed_users(list_embeddings, train, engine)
    # Lists that leave fewer candidates do not teach; in a small catalogue that must not be most of them.
    n_candidates = min(config.n_candidates, train.n_anime // 2)
    tasks_of = [_make_tasks(train, np.flatnonzero(training_users), config) for training_users in groups]
    done = 0
    with progress("prepare examples", sum(map(len, tasks_of)), "lists") as update:
        for training_users, tasks in zip(groups, tasks_of, strict=True):
            if not tasks:
                continue
            own = co_counts(train.keep_users(training_users), engine)
            counts -= own
            without_them = _fit_without(counts, weights, float(training_users.mean()), items)
            facts = read_facts(
                {**catalogue, "popularity": np.diag(counts).astype(np.int64)},
                int((~training_users).sum()),
            )
            known = Known(without_them, find_co_seen(counts, facts.n_users), facts)
            counts += own
            del own
            inputs = (tasks, known, list_embeddings, embedded, train)
            ends = [min(start + BLOCK, len(tasks)) for start in range(0, len(tasks), BLOCK)]
            calls = [(first, last, n_candidates) for first, last in itertools.pairwise([0, *ends])]
            for end, part in zip(ends, engine.map(make_examples, inputs, calls), strict=True):
                examples.add(*part, is_last=end == len(tasks))
                update(done + end)
            done += len(tasks)
    return examples


def facts_of_train(train: Interactions, catalogue: Mapping[str, NDArray[Any]]) -> AnimeFacts:
    """Compute the facts of all anime from the lists that train.

    Parameters
    ----------
    train : Interactions
    catalogue : mapping of str to ndarray
        The catalogue's and the franchises' arrays.
    """
    popularity = train.popularity()
    return read_facts({**catalogue, "popularity": popularity}, train.n_users)


def _choose_training_users(train: Interactions, config: RerankerConfig) -> list[NDArray[np.bool_]]:
    """Choose who teaches, in groups: a mask of users for each. Nobody where there are too few."""
    few = config.few_training_users <= _SMALL_SHARE * train.n_users
    most, n_groups = (config.few_training_users, 1) if few else (config.max_training_users, config.n_folds)
    chosen = draw_users(train.user_ids, min(most, config.max_training_users), "re-ranker")
    if len(chosen) < _LEAST_TASKS:
        return []
    group = np.full(train.n_users, -1)
    group[chosen] = np.arange(len(chosen)) % n_groups
    return [group == number for number in range(n_groups)]


def _make_tasks(train: Interactions, training_users: NDArray[np.int64], config: RerankerConfig) -> list[Task]:
    rng = np.random.default_rng([config.seed, len(training_users)])
    return [
        task
        for split in range(config.n_splits)
        for task in make_tasks(train, training_users, config.seed + 1 + split, config, rng)
    ]


def _fit_without(counts: Square, weights: ItemWeights, share: float, items: ItemsConfig) -> ItemWeights:
    """Fit the weights that training users are taught with, which must not know them.

    Nor may their lists say who speaks for whom, unless they are one in a hundred or fewer.
    """
    if share > _TINY_SHARE:
        return fit_item_weights(counts, invert_popular(counts, items), items)
    values = fit_on_support(counts, weights.rows, items.dropout, items.l2)
    return ItemWeights(weights.rows, values)


class _Examples:
    """Collects features, standardised, and gains."""

    def __init__(self) -> None:
        self.features: list[NDArray[np.float16]] = []
        self.gains: list[NDArray[np.float32]] = []
        self.scales = RerankingNetwork.empty().scales
        self._held: list[NDArray[np.float32]] = []

    def add(self, features: NDArray[np.float32], gains: NDArray[np.float32], *, is_last: bool) -> None:
        """Take the examples of a part; the first thousand give the scales."""
        self.gains.extend(gains)
        self._held.extend(features)
        if self._held and (is_last or len(self._held) >= _SCALE_TASKS):
            if not self.features:
                self.scales = _find_scales(self._held[:_SCALE_TASKS])
            network = replace(RerankingNetwork.empty(), scales=self.scales)
            self.features.extend(network.standardise(table).astype(np.float16) for table in self._held)
            self._held.clear()


def _find_scales(tables: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    stacked = np.concatenate(tables).astype(np.float64)
    # What never varies here says nothing; a deviation of 1 keeps it near zero.
    spread = stacked.std(axis=0)
    return np.stack([stacked.mean(axis=0), np.where(spread < 1e-6, 1.0, spread)]).astype(np.float32)
