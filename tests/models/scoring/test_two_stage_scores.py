"""Scores of the two stages from one end to the other, held to plain loops."""

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from models.scoring.reranker import RerankedList
from tests.models.feature_names import NAMES
from tests.models.rich_world import N_ANIME, N_USERS, bundle_of, draw_lists, make_world, rerank, reranker_from
from tests.models.slow_catalogue import Features, SlowCatalogue
from tests.models.slow_features import SlowList, propose, slow_table
from tests.models.slow_users import SlowNeighbours, seen_by
from tests.models.small_bundle import Arrays

KINDS = ["one title", "three titles", "loved and hated"]


def draw_network(rng: np.random.Generator) -> Arrays:
    """Four networks, and scales that put some features further out than five deviations."""
    n = len(NAMES)
    arrays = {
        "scales": np.stack([rng.normal(size=n), rng.uniform(0.2, 3.0, n)]),
        "first": rng.normal(0.0, 0.2, (4, n + 1, 7)),
        "second": rng.normal(size=(4, 8, 4)),
        "last": rng.normal(size=(4, 5)),
    }
    return {f"reranker_{name}": array.astype(np.float32) for name, array in arrays.items()}


def slow_standardise(features: Features, scales: NDArray[Any]) -> list[float]:
    scaled = [(features[name] - mean) / spread for name, mean, spread in zip(NAMES, *scales.tolist(), strict=True)]
    return [min(max(value, -5.0), 5.0) for value in scaled]


def slow_logit(standardised: Sequence[float], arrays: Mapping[str, NDArray[Any]]) -> float:
    layers = (arrays[f"reranker_{name}"].tolist() for name in ("first", "second", "last"))
    outputs: list[float] = []
    for first, second, last in zip(*layers, strict=True):
        values = list(standardised)
        for layer in (first, second):
            sums = list(layer[-1])
            for value, weights in zip(values, layer[:-1], strict=True):
                sums = [total + value * weight for total, weight in zip(sums, weights, strict=True)]
            values = [max(total, 0.0) for total in sums]
        outputs.append(sum(value * weight for value, weight in zip(values, last[:-1], strict=True)) + last[-1])
    half = len(outputs) // 2
    seen, liked = sum(outputs[:half]) / half, sum(outputs[half:]) / half
    return float(seen + 1.6 * probability(seen) * (liked - seen))


def probability(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds))


class Both(NamedTuple):
    """A ranking as the model gives it, and what the slow way says of it."""

    found: RerankedList
    allowed: list[int]
    proposed: list[float]
    candidates: list[int]
    standardised: list[list[float]]
    likely: list[float]


@functools.cache
def both_ways(kind: str) -> Both:
    arrays = make_world(3) | draw_network(np.random.default_rng(3))
    listed = draw_lists(arrays, 3)[kind]
    user_rows, similarities = [4, 0, 9], [0.75, 0.5, 0.25]
    allowed = [row for row in range(N_ANIME) if row not in listed[0]]
    found = rerank(bundle_of(arrays), listed, user_rows, similarities, allowed)
    mine = SlowList(SlowCatalogue(arrays, N_USERS), *listed)
    theirs = [seen_by(arrays, user_row) for user_row in user_rows]
    neighbours = SlowNeighbours(similarities, theirs, arrays["popularity"].tolist())
    proposed = [propose(mine, neighbours, arrays, row) for row in range(N_ANIME)]
    candidates = sorted(allowed, key=lambda row: (-proposed[row], row))[:240]
    table = slow_table(mine, neighbours, arrays, candidates)
    standardised = [slow_standardise(features, arrays["reranker_scales"]) for features in table]
    log_odds = [
        slow_logit(values, arrays) - mine.dislike(row, arrays)
        for row, values in zip(candidates, standardised, strict=True)
    ]
    likely = [probability(value) for value in log_odds]
    return Both(found, allowed, proposed, candidates, standardised, likely)


@pytest.mark.parametrize("kind", KINDS)
def test_the_240_best_by_items_neighbours_and_what_is_seen_together_are_candidates(kind: str) -> None:
    both = both_ways(kind)
    assert len(both.allowed) > 240
    # Even of one title few anime are equal to the last candidate.
    assert sum(score == both.proposed[both.candidates[-1]] for score in both.proposed) < 100
    assert np.flatnonzero(both.found.places >= 0).tolist() == sorted(both.candidates)
    assert both.found.features.shape == (240, len(NAMES))


@pytest.mark.parametrize("kind", KINDS)
def test_candidates_are_scored_by_the_mean_of_the_networks_on_standardised_features(kind: str) -> None:
    both = both_ways(kind)
    assert np.ptp(both.likely) > 0.1
    np.testing.assert_allclose(both.found.scores[both.candidates], both.likely, rtol=5e-4)
    features = both.found.features[both.found.places[both.candidates]]
    np.testing.assert_allclose(features, both.standardised, atol=2e-4)
    assert {-5.0, 5.0} <= set(features.ravel().tolist())


@pytest.mark.parametrize("kind", KINDS)
def test_all_else_follows_below_the_last_candidate_in_the_order_of_the_first_stage(kind: str) -> None:
    both = both_ways(kind)
    others = [row for row in range(N_ANIME) if row not in both.candidates]
    expected = [min(both.likely) * 0.999 * probability(both.proposed[row]) for row in others]
    np.testing.assert_allclose(both.found.scores[others], expected, rtol=5e-4)
    assert both.found.scores[others].max() < both.found.scores[both.candidates].min()


def test_a_group_of_features_did_what_the_log_odds_lose_with_it_at_its_mean() -> None:
    both = both_ways("one title")
    arrays = make_world(3) | draw_network(np.random.default_rng(3))
    groups = {"item score": [0], "taste and time": [13, 29, 30], "everything": list(range(len(NAMES)))}
    some = both.found.features[:5]
    effects = reranker_from(bundle_of(arrays)).effects(some, groups)
    assert list(effects) == list(groups)
    for name, columns in groups.items():
        for row, effect in zip(some.tolist(), effects[name].tolist(), strict=True):
            without = [0.0 if column in columns else value for column, value in enumerate(row)]
            assert effect == pytest.approx(slow_logit(row, arrays) - slow_logit(without, arrays), abs=1e-4)
