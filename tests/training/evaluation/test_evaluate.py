"""Evaluation: an oracle scores 1, chance scores what chance is, and nothing known may be recommended."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.scoring.embedding import embed_list
from models.scoring.neighbours import NeighbourRule
from models.scoring.user_list import Support, UserList
from tests.models.small_bundle import unit_rows
from tests.training.interactions_for_tests import make_interactions, random_interactions, seen_list
from tests.training.lists.test_prepare import prepare_folder
from tests.training.small_dump import SmallDump
from training.evaluation.baselines.knn import ItemKnnScorer, fit_item_knn
from training.evaluation.evaluate import evaluate
from training.evaluation.report import print_table, write_report
from training.evaluation.scorers import (
    EmbeddingScorer,
    NeighboursScorer,
    PopularityScorer,
    RatingNetworkScorer,
    Scorer,
)
from training.lists.interactions import Interactions
from training.lists.split import split_interactions
from training.similar_anime.truth import SimilarQuery
from training.similar_users.embed import embed_users
from training.similar_users.list_neighbours import ListNeighbours

Scores = NDArray[np.float32]


@dataclass
class FakeScorer(Scorer):
    """Scores given beforehand."""

    by_user: dict[int, Scores]
    by_anime: dict[int, Scores] = field(default_factory=dict)
    name: str = "fake"

    def score_list(self, user_row: int, known: UserList) -> Scores:
        return self.by_user[user_row]

    def score_similar(self, anime_row: int) -> Scores:
        return self.by_anime[anime_row]


@dataclass
class RandomScorer(Scorer):
    """Chance."""

    n_anime: int
    rng: np.random.Generator
    name: str = "chance"

    def score_list(self, user_row: int, known: UserList) -> Scores:
        return self.rng.random(self.n_anime, dtype=np.float32)

    def score_similar(self, anime_row: int) -> Scores:
        return self.rng.random(self.n_anime, dtype=np.float32)


QUERIES = [
    SimilarQuery(0, np.array([1, 2, 3]), np.log1p([9.0, 4.0, 2.0]), may_choose=False),
    SimilarQuery(5, np.array([6, 7, 8]), np.log1p([2.0, 2.0, 2.0]), may_choose=True),
]


def _marks(n: int, rows: NDArray[Any] | list[int], values: NDArray[Any] | float = 1.0) -> Scores:
    scores = np.zeros(n, dtype=np.float32)
    scores[rows] = values
    return scores


def test_an_oracle_scores_one_and_its_opposite_nothing() -> None:
    lists = random_interactions(200, 60, 0.2, 0)
    split = split_interactions(lists)
    truth = {
        int(user): _marks(60, targets) for user, targets in zip(split.test_user_rows, split.targets, strict=True)
    }
    similar = {query.anime_row: _marks(60, query.similar_rows, query.gains) for query in QUERIES}
    oracle = FakeScorer(truth, similar, "oracle")
    blind = FakeScorer({u: -s for u, s in truth.items()}, {a: -s for a, s in similar.items()}, "blind")
    metrics = evaluate([oracle, blind], split, QUERIES)
    assert metrics["n_test_users"] == len(split.test_user_rows) >= 10
    assert metrics["n_similar_queries"] == 1
    best = metrics["methods"]["oracle"]
    for name in ("recall_at_20", "ndcg_at_10", "ndcg_at_100"):
        assert best["next_anime"][name]["mean"] == pytest.approx(1.0)
        assert best["next_anime"][name]["n"] == metrics["n_test_users"]
    assert best["similar_anime"]["ndcg_at_10"]["mean"] == pytest.approx(1.0)
    assert (best["similar_anime"]["ndcg_at_10"]["n"], best["similar_anime"]["all"]["n"]) == (1, 2)
    worst = metrics["methods"]["blind"]
    assert worst["next_anime"]["ndcg_at_10"]["mean"] == 0.0
    assert worst["similar_anime"]["all"]["mean"] == 0.0


def test_what_goes_in_is_never_an_answer() -> None:
    lists = random_interactions(100, 30, 0.4, 3)
    split = split_interactions(lists)
    # A scorer that loves what is known would fill all places with it.
    known = {int(user): _marks(30, inputs) for user, inputs in zip(split.test_user_rows, split.inputs, strict=True)}
    neutral = {user: np.zeros(30, dtype=np.float32) for user in known}
    one, other = (evaluate([FakeScorer(scores)], split, [])["methods"]["fake"] for scores in (known, neutral))
    assert one == other


def test_chance_recalls_k_of_n() -> None:
    n_anime = 200
    split = split_interactions(random_interactions(800, n_anime, 0.04, 1))
    scorers = [RandomScorer(n_anime, np.random.default_rng(seed), f"chance {seed}") for seed in range(12)]
    methods = evaluate(scorers, split, [])["methods"]
    recalls = [measured["next_anime"]["recall_at_20"]["mean"] for measured in methods.values()]
    # What is known cannot come again.
    n_known = np.mean([len(inputs) for inputs in split.inputs])
    assert np.mean(recalls) == pytest.approx(20 / (n_anime - n_known), rel=0.1)
    assert methods["chance 0"]["next_anime"]["coverage_at_10"] > 0.9 * n_anime


def test_history_lengths_are_told_apart() -> None:
    rows = [
        (user, anime, 8, 2) for user, n in ((15, 5), (32, 12), (36, 13), (44, 250), (1, 250)) for anime in range(n)
    ]
    split = split_interactions(make_interactions(rows))
    metrics = evaluate([PopularityScorer(np.ones(250, dtype=np.int64))], split, [])
    groups = metrics["methods"]["popularity"]["next_anime"]["by_history_length"]
    assert {name: group["ndcg_at_10"]["n"] for name, group in groups.items()} == {"1-9": 1, "10-49": 2, "200-499": 1}


def test_without_test_users_or_queries_the_tables_are_empty_and_print(capsys: pytest.CaptureFixture[str]) -> None:
    split = split_interactions(make_interactions([(1, 1, 8, 2), (2, 2, 8, 2)]))
    metrics = evaluate([PopularityScorer(np.ones(2, dtype=np.int64))], split, [])
    assert metrics["methods"]["popularity"] == {
        "generalisation": "strong",
        "next_anime": {},
        "mirror": {},
        "similar_anime": {},
    }
    print_table(metrics)
    assert "popularity" in capsys.readouterr().out


def test_an_embedding_scorer_scores_as_the_service_does() -> None:
    embeddings = unit_rows(20, 8, np.random.default_rng(0))
    rows = np.array([3, 7, 9], dtype=np.int32)
    list_embeddings, gains = embeddings[::-1] * np.float32(2.0), np.linspace(0.1, 1.0, 20, dtype=np.float32)
    scorer = EmbeddingScorer(embeddings, list_embeddings, gains)
    expected = gains * (embeddings @ embed_list(list_embeddings, Support.of(rows)))
    np.testing.assert_allclose(scorer.score_list(0, seen_list(rows)), expected, atol=1e-6)
    np.testing.assert_allclose(scorer.score_similar(4), embeddings @ embeddings[4], atol=1e-6)


def test_users_are_embedded_without_their_plans_and_never_without_direction() -> None:
    embeddings = np.array([[1, 0], [0, 1], [-1, 0]], dtype=np.float32)
    lists = make_interactions([(1, 0, 8, 2), (1, 1, 0, 6), (2, 0, 8, 2), (2, 2, 8, 2)], [0, 1, 2])
    assert embed_users(embeddings, lists).tolist() == [[1, 0], [1, 0]]


def test_users_embedded_together_are_users_embedded_one_by_one() -> None:
    lists = random_interactions(80, 60, 0.3, 5)
    embeddings = np.random.default_rng(0).standard_normal((60, 8)).astype(np.float32)
    rows = embed_users(embeddings, lists)
    assert rows.dtype == np.float32
    expected = [embed_list(embeddings, lists.list_of(row).support) for row in range(lists.n_users)]
    np.testing.assert_allclose(rows, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-6)


# Fitted: one title in common over two of the neighbour and a ridge of twice that.
@pytest.mark.parametrize(("rule", "score"), [("weighted", 1 / 6), ("top-quarter", 1.0)])
def test_neighbours_recommend_what_the_nearest_rate_highly(rule: NeighbourRule, score: float) -> None:
    embeddings = np.eye(4, dtype=np.float32)
    train = make_interactions([(1, 0, 9, 2), (1, 1, 9, 2), (2, 2, 9, 2), (2, 3, 9, 2)])
    scorer = NeighboursScorer(
        embeddings, ListNeighbours(embeddings, embed_users(embeddings, train), train), rule=rule
    )
    scores = scorer.score_list(0, seen_list([0]))
    # What no neighbour speaks for is out of the ranking, as it is in the service.
    assert np.isneginf(scores).tolist() == [False, False, True, True]
    assert scores[0] == pytest.approx(scores[1])
    assert scores[0] > 0.0


def test_the_rating_network_ranks_by_the_users_own_embedding() -> None:
    embeddings = np.eye(3, dtype=np.float32)
    scorer = RatingNetworkScorer(embeddings, embeddings[[1]])
    assert scorer.score_list(0, seen_list([])).tolist() == [0.0, 1.0, 0.0]
    assert scorer.generalisation == "weak"


def _knn_by_brute_force(train: Interactions, n_neighbours: int) -> NDArray[np.float64]:
    ratings = train.matrix(train.ratings).toarray().astype(np.float64)
    norms = np.linalg.norm(ratings, axis=0)
    cosines = (ratings.T @ ratings) / np.where(norms == 0, 1, norms) / np.where(norms == 0, 1, norms)[:, None]
    np.fill_diagonal(cosines, 0.0)
    for row in cosines:
        if n_neighbours < len(row):
            row[row < np.sort(row)[-n_neighbours] - 1e-9] = 0.0
    return cosines


@pytest.mark.parametrize("n_neighbours", [1, 3, 20])
@pytest.mark.parametrize(("n_users", "n_anime"), [(1, 1), (5, 4), (40, 25), (30, 60)])
@pytest.mark.parametrize("density", [0.05, 0.4])
def test_item_knn_is_what_brute_force_says(n_users: int, n_anime: int, density: float, n_neighbours: int) -> None:
    train = random_interactions(n_users, n_anime, density, seed=n_users + n_neighbours)
    found = fit_item_knn(train, n_neighbours)
    expected = _knn_by_brute_force(train, n_neighbours)
    # Among equals at the end of the list it may be another one.
    best = -np.sort(-expected, axis=1)[:, :n_neighbours]
    np.testing.assert_allclose(-np.sort(-found.toarray(), axis=1)[:, :n_neighbours], best, atol=1e-6)
    np.testing.assert_allclose(found.toarray()[found.toarray() > 0], expected[found.toarray() > 0], atol=1e-6)
    scorer = ItemKnnScorer(found)
    np.testing.assert_allclose(scorer.score_similar(0), found.toarray()[0], atol=1e-6)
    rows = np.arange(0, n_anime, 2, dtype=np.int32)
    np.testing.assert_allclose(scorer.score_list(0, seen_list(rows)), found.toarray()[rows].sum(axis=0), atol=1e-5)


def test_a_report_holds_numbers_a_table_and_plots(small_dump: SmallDump, tmp_path: Path) -> None:
    from training.embeddings.trained import TrainedNetwork  # noqa: PLC0415 - beside its only use

    prepared, _ = prepare_folder(small_dump.folder)
    split = split_interactions(prepared.interactions)
    embeddings = unit_rows(40, 8, np.random.default_rng(0))
    gains = np.ones(40, dtype=np.float32)
    network = TrainedNetwork(
        "autoencoder", embeddings, embeddings, gains, None, "normalised_sum", {}, {"loss": [1.0, 0.5]}, 1.0
    )
    metrics = evaluate([EmbeddingScorer(embeddings, embeddings, gains)], split, [])
    write_report(tmp_path, metrics, [network], prepared)
    assert json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8")) == metrics
    table = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "| autoencoder, embedding | " in table
    for name in ("loss_autoencoder.png", "history_lengths.png", "anime_map.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
        assert f"]({name})" in table
