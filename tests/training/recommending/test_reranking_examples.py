"""What the re-ranker is taught with, held to models that never knew the teacher.

Every feature of a example is computed anew, the slow way, from lists without the users who teach.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray

from models.scoring.items import ItemWeights
from models.scoring.reranker import RerankingNetwork
from models.scoring.user_list import UserList
from tests.models.feature_names import NAMES
from tests.models.slow_catalogue import SlowCatalogue
from tests.models.slow_features import SlowList, propose, slow_table
from tests.models.slow_users import SlowNeighbours, slow_counts
from tests.models.small_bundle import Arrays, make_arrays, unit_rows
from tests.training.pretended import count_and_weigh
from tests.training.recommending.test_reranking_tasks import splitmix
from training.item_weights.config import ItemsConfig
from training.lists.interactions import Interactions
from training.recommending import fit
from training.recommending.config import RerankerConfig
from training.recommending.tasks import Task, make_tasks

N_ANIME: Final = 60
ITEMS: Final = ItemsConfig(n_weights=12, l2=5.0)
ADDS: Final = unit_rows(N_ANIME, 6, np.random.default_rng(0))
Mask = NDArray[np.bool_]


@dataclass
class Taught:
    """Takes what a network would be learned from, in its place."""

    features: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    gains: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    scales: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, dtype=np.float32))

    def __call__(
        self,
        features: NDArray[np.float16],
        gains: NDArray[np.float32],
        scales: NDArray[np.float32],
        config: RerankerConfig,
    ) -> tuple[RerankingNetwork, dict[str, list[float]]]:
        del config
        self.features = features.astype(np.float64) * scales[1] + scales[0]
        self.gains = gains
        self.scales = scales
        return RerankingNetwork.empty(), {}


@functools.cache
def catalogue() -> Arrays:
    arrays = make_arrays(N_ANIME, 3, seed=1)
    del arrays["popularity"]
    return arrays


@functools.cache
def random_lists(n_users: int) -> Interactions:
    """Make lists by chance, of about twenty titles each."""
    rng = np.random.default_rng(n_users)
    marks = rng.random((n_users, N_ANIME)) < 0.35
    users, anime = np.nonzero(marks)
    return Interactions(
        np.arange(n_users) * 7 + 3,
        np.arange(N_ANIME) * 2 + 1,
        np.cumsum([0, *marks.sum(axis=1)]),
        anime.astype(np.int32),
        rng.integers(0, 11, len(users)).astype(np.uint8),
        rng.choice([0, 1, 2, 3, 4, 6], len(users)).astype(np.uint8),
    )


def teach(train: Interactions, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Taught:
    taught = Taught()
    monkeypatch.setattr(fit, "fit_network", taught)
    counts, weights = count_and_weigh(train, ITEMS)
    before = counts.copy()
    config = RerankerConfig(**{"n_splits": 1, "n_cuts": 0, "n_candidates": 20, **settings})
    fit.fit_reranker(train, counts, weights, catalogue(), ADDS, ITEMS, config)
    np.testing.assert_array_equal(counts, before)
    return taught


def direction(counts: Mapping[int, float]) -> NDArray[np.float64]:
    total = np.array(list(counts.values())) @ ADDS[list(counts)].astype(np.float64)
    return total / (np.linalg.norm(total) or 1.0)


@dataclass
class World:
    """What a model is that never knew some users."""

    train: Interactions
    left_out: Mask
    weights: ItemWeights

    @functools.cached_property
    def facts(self) -> SlowCatalogue:
        others = self.train.keep_users(~self.left_out)
        return SlowCatalogue(catalogue() | {"popularity": others.popularity()}, others.n_users)

    @functools.cached_property
    def co_seen(self) -> Arrays:
        """Give for every anime how the share of all others changes among those who have seen it."""
        others = self.train.keep_users(~self.left_out)
        seen = others.seen_matrix().toarray().astype(np.float64)
        counts, together = seen.sum(axis=0), seen.T @ seen
        changes = (together - np.outer(counts, counts / others.n_users)) / (counts[:, None] + 20)
        np.fill_diagonal(changes, 0.0)
        return {"co_seen_rows": np.tile(np.arange(N_ANIME), (N_ANIME, 1)), "co_seen_values": changes}

    @functools.cached_property
    def directions(self) -> NDArray[np.float64]:
        return np.array([direction(slow_counts(self.train.list_of(user))) for user in range(self.train.n_users)])

    def _list_of(self, user_list: UserList) -> SlowList:
        columns = user_list.anime_rows, user_list.ratings, user_list.statuses
        return SlowList(self.facts, *(column.tolist() for column in columns))

    def example(self, task: Task, n_candidates: int) -> tuple[NDArray[np.float64], list[float]]:
        """Compute the example of a task: the features of its candidates, and how much each of those is wanted."""
        gains = dict(zip(task.target_rows.tolist(), task.gains.tolist(), strict=True))
        others = task.other_rows.tolist()
        mine = self._list_of(task.known)
        names = ("rows", "values")
        weights = {f"item_weight_{name}": getattr(self.weights, name) for name in names} | self.co_seen
        neighbours = self._neighbours(task.user_row, mine.counts)
        score = {row: propose(mine, neighbours, weights, row) for row in range(N_ANIME)}
        unseen = [row for row in range(N_ANIME) if row not in mine.entries and row not in others]
        candidates = sorted(unseen, key=lambda row: (-score[row], row))[:n_candidates]
        table = slow_table(mine, neighbours, weights, candidates)
        features = np.array([[row[name] for name in NAMES] for row in table])
        return features, [gains.get(row, 0.0) for row in candidates]

    def _neighbours(self, user_row: int, known: Mapping[int, float]) -> SlowNeighbours:
        """Find the hundred nearest of all users but one, with whole lists."""
        cosines = self.directions @ direction(known)
        nearest = [user for user in np.argsort(-cosines, kind="stable").tolist() if user != user_row][:60]
        lists = [self.train.list_of(user).seen_rows.tolist() for user in nearest]
        others = self.train.keep_users(np.arange(self.train.n_users) != user_row)
        return SlowNeighbours(cosines[nearest].tolist(), lists, others.popularity().tolist())


# The first eight bytes of the SHA-256 of "re-ranker", least significant first: who teaches is drawn for that alone.
SALT = 0x542351BB985E74A2


def lowest_hashes(train: Interactions, n: int) -> list[int]:
    return sorted(range(train.n_users), key=lambda user: splitmix(splitmix(int(train.user_ids[user])) ^ SALT))[:n]


def tasks_of(world: World, n_splits: int, n_cuts: int) -> list[Task]:
    """Hide parts of the lists of who was left out. What is hidden and shown has tests of its own."""
    user_rows = np.flatnonzero(world.left_out)
    rng = np.random.default_rng([0, len(user_rows)])
    config = RerankerConfig(n_cuts=n_cuts)
    splits = [make_tasks(world.train, user_rows, 1 + split, config, rng) for split in range(n_splits)]
    return [task for tasks in splits for task in tasks]


def assert_taught(taught: Taught, worlds: Sequence[World], n_splits: int = 1, n_cuts: int = 0) -> None:
    """Compare examples, world by world; who hid nothing among the candidates teaches nothing."""
    examples = [world.example(task, 20) for world in worlds for task in tasks_of(world, n_splits, n_cuts)]
    examples = [(features, gains) for features, gains in examples if any(gains)]
    expected, gains = (np.array(part) for part in zip(*examples, strict=True))
    # Candidates that are equal but for rounding may swap places: each is found by the facts of its anime.
    facts = [NAMES.index(name) for name in ("log members", "log favourites per member", "mean score", "log minutes")]
    apart = np.abs(expected[:, :, None, facts] - taught.features[:, None, :, facts]).sum(axis=-1)
    ours = apart.argmin(axis=2)
    assert all(len(set(order.tolist())) == len(order) for order in ours)
    np.testing.assert_allclose(np.take_along_axis(taught.gains, ours, 1), gains)
    found_features = np.take_along_axis(taught.features, ours[:, :, None], 1)
    far = np.abs(expected - taught.scales[0]) >= 5 * taught.scales[1]
    for column, name in enumerate(NAMES):
        found, slow = found_features[:, :, column], expected[:, :, column]
        near = ~far[:, :, column]
        tolerance = 3e-3 * float(taught.scales[1, column]) + 1e-4
        np.testing.assert_allclose(found[near], slow[near], rtol=1e-3, atol=tolerance, err_msg=name)


def world_without(train: Interactions, users: Sequence[int]) -> World:
    left_out = np.isin(np.arange(train.n_users), users)
    return World(train, left_out, count_and_weigh(train.keep_users(~left_out), ITEMS)[1])


def test_groups_of_teachers_are_taught_by_what_the_others_say(monkeypatch: pytest.MonkeyPatch) -> None:
    train = random_lists(66)
    settings = {"max_training_users": 20, "few_training_users": 21, "n_folds": 3, "n_splits": 2, "n_cuts": 1}
    taught = teach(train, monkeypatch, **settings)
    chosen = lowest_hashes(train, 20)
    assert_taught(taught, [world_without(train, chosen[group::3]) for group in range(3)], 2, 1)


def test_few_teachers_among_many_are_left_out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    train = random_lists(250)
    taught = teach(train, monkeypatch, max_training_users=30, few_training_users=25, n_folds=3)
    assert_taught(taught, [world_without(train, lowest_hashes(train, 25))])


def test_one_teacher_in_a_hundred_hears_those_who_speak_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    train = random_lists(2500)
    taught = teach(train, monkeypatch, few_training_users=25)
    world = world_without(train, lowest_hashes(train, 25))
    seen = train.keep_users(~world.left_out).seen_matrix().toarray().astype(np.float64)
    together = seen.T @ seen
    counts = np.diag(together)
    rows = count_and_weigh(train, ITEMS)[1].rows
    assert (rows != world.weights.rows).any()
    values = []
    for target, support in enumerate(rows):
        among = together[np.ix_(support, support)] + np.diag(0.3 / 0.7 * counts[support] + 5.0)
        values.append(np.linalg.solve(among, together[support, target]))
    world.weights = ItemWeights(rows, np.array(values, dtype=np.float32))
    assert_taught(taught, [world])
