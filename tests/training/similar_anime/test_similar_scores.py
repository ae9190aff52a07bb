"""From features of pairs to ranked neighbours, held to plain loops."""

import math
from collections.abc import Sequence
from operator import mul

import numpy as np
import pytest

from tests.training.similar_anime.lists_of_tastes import make_evidence, tastes
from training.similar_anime.features import Pairs
from training.similar_anime.rank import rank_neighbours
from training.similar_anime.ranker import LAYERS, Ranker


def _slow_similarities(ranker: Ranker, pairs: Pairs) -> list[float]:
    """Score pairs one by one, and share out each query's among its candidates."""
    layers = [
        (getattr(ranker, f"weights_{number}").tolist(), getattr(ranker, f"biases_{number}").tolist())
        for number in (1, 2, 3)
    ]
    scores = []
    for row in pairs.features.tolist():
        bent = [
            0.0 if math.isnan(value) else float(np.interp(value, knots, levels))
            for value, knots, levels in zip(row, ranker.knots, ranker.levels, strict=True)
        ]
        of_members = []
        for member in range(len(ranker.weights_1)):
            values = bent
            for number, (weights, biases) in enumerate(layers):
                columns = zip(*weights[member], strict=True)
                sums = [sum(map(mul, values, column)) for column in columns]
                values = [total + bias for total, bias in zip(sums, biases[member][0], strict=True)]
                values = values if number == 2 else [max(value, 0.0) for value in values]
            of_members.append(values[0])
        scores.append(sum(of_members) / len(of_members))
    totals: dict[int, float] = {}
    for query, score in zip(pairs.queries.tolist(), scores, strict=True):
        totals[query] = totals.get(query, 0.0) + math.exp(score)
    slope, intercept = ranker.calibration.tolist()
    log_odds = [
        slope * (score - math.log(totals[query])) + intercept
        for query, score in zip(pairs.queries.tolist(), scores, strict=True)
    ]
    return [max(1 / (1 + math.exp(-odds)), 1e-6) for odds in log_odds]


def _drawn_ranker(names: Sequence[str], slope: float) -> Ranker:
    rng = np.random.default_rng(0)
    n = len(names)
    shapes = ((2, n, 3), (2, 1, 3), (2, 3, 2), (2, 1, 2), (2, 2, 1), (2, 1, 1))
    weights = [rng.normal(0.0, 0.7, shape).astype(np.float32) for shape in shapes]
    knots = np.cumsum(rng.uniform(0.1, 1.0, (n, 5)), axis=1).astype(np.float32) - 1
    levels = np.sort(rng.normal(size=(n, 5)).astype(np.float32), axis=1)
    layers = dict(zip(LAYERS, weights, strict=True))
    return Ranker(np.array(names), knots, levels, **layers, calibration=np.array([slope, 1.5]))


@pytest.mark.parametrize("slope", [0.8, 3.0])
def test_neighbours_are_ranked_by_the_calibrated_mean_of_the_members(slope: float) -> None:
    evidence = make_evidence(tastes())
    pairs = evidence.describe(np.arange(40))
    ranker = _drawn_ranker(pairs.names, slope)
    neighbours = rank_neighbours(evidence, ranker, lambda done: None)
    similarities = _slow_similarities(ranker, pairs)
    # A steep slope would bring the last of them to nothing at all.
    assert (min(similarities) == 1e-6) == (slope == 3.0)
    by_query: dict[int, dict[int, float]] = {query: {} for query in range(40)}
    for query, other, similarity in zip(pairs.queries.tolist(), pairs.others.tolist(), similarities, strict=True):
        by_query[query][other] = similarity
    for query, expected in by_query.items():
        in_order = [expected[other] for other in neighbours.rows[query].tolist()]
        np.testing.assert_allclose(neighbours.scores[query], sorted(expected.values(), reverse=True), rtol=2e-3)
        np.testing.assert_allclose(neighbours.scores[query], in_order, rtol=2e-3)
