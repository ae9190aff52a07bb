"""The networks of the re-ranker: their log-odds, and what each feature adds to them."""

import math
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.scoring.candidate_features import FEATURES
from models.scoring.reranker import RerankingNetwork, sigmoid
from tests.models.scoring.small_reranker import RERANKER

seeds = st.integers(0, 2**32 - 1)
Vector = NDArray[np.float64]


def make_network(n_features: int, seed: int = 0, n_networks: int = 4) -> RerankingNetwork:
    rng = np.random.default_rng(seed)
    shapes = ((n_networks, n_features + 1, 7), (n_networks, 8, 4), (n_networks, 5))
    scales = np.stack([rng.normal(size=n_features), rng.uniform(0.5, 2.0, n_features)]).astype(np.float32)
    return RerankingNetwork(scales, *(rng.normal(0.0, 0.4, shape).astype(np.float32) for shape in shapes))


def _slow_logit(network: RerankingNetwork, row: Vector) -> float:
    outputs: list[float] = []
    for first, second, last in zip(network.first, network.second, network.last, strict=True):
        inputs: list[float] = row.tolist()
        for layer in (first, second):
            inputs = [
                max(0.0, sum(x * float(w) for x, w in zip([*inputs, 1.0], layer[:, unit], strict=True)))
                for unit in range(layer.shape[1])
            ]
        outputs.append(sum(x * float(w) for x, w in zip([*inputs, 1.0], last, strict=True)))
    half = len(outputs) // 2
    seen, liked = sum(outputs[:half]) / half, sum(outputs[half:]) / half
    return seen + 1.6 / (1.0 + math.exp(-seen)) * (liked - seen)


@settings(max_examples=30)
@given(seed=seeds, n_features=st.integers(1, 9), n_networks=st.sampled_from([2, 4, 6]))
def test_logits_are_those_of_a_plain_loop(seed: int, n_features: int, n_networks: int) -> None:
    network = make_network(n_features, seed, n_networks)
    rows = np.random.default_rng(seed).normal(size=(3, n_features)).astype(np.float32)
    expected = [_slow_logit(network, row) for row in rows]
    np.testing.assert_allclose(network.logits(rows), expected, rtol=1e-4, atol=1e-5)


def test_features_are_scaled_and_what_lies_far_out_is_drawn_in() -> None:
    network = replace(RerankingNetwork.empty(), scales=np.array([[1.0, -2.0], [2.0, 0.5]], dtype=np.float32))
    features = np.array([[1.0, -2.0], [3.0, -1.0], [1e9, -1e9]], dtype=np.float32)
    assert network.standardise(features).tolist() == [[0.0, 0.0], [1.0, 2.0], [5.0, -5.0]]


def test_no_networks_are_as_wide_as_the_features() -> None:
    empty = RerankingNetwork.empty()
    assert empty.n_networks == 0
    assert empty.scales.shape == (2, len(FEATURES))
    assert (empty.scales[1] > 0).all()


def test_a_probability_is_that_of_log_odds_and_never_0_or_nan() -> None:
    with np.errstate(all="raise"):
        likely = sigmoid(np.array([-1e30, -2.0, 0.0, 2.0, 1e30], dtype=np.float32))
    np.testing.assert_allclose(likely[1:4], 1.0 / (1.0 + np.exp([2.0, 0.0, -2.0])), rtol=1e-6)
    assert 0.0 < likely[0] < likely[-1] <= 1.0


def test_effects_are_what_is_lost_without_the_features_and_0_at_their_mean() -> None:
    features = np.random.default_rng(0).normal(size=(6, len(FEATURES))).astype(np.float32)
    features[:, [4, 9]] = 0.0
    before = features.copy()
    effects = RERANKER.effects(features, {"mean": [4, 9], "some": [0, 1], "all": range(len(FEATURES))})
    np.testing.assert_array_equal(effects["mean"], np.zeros(6))
    without = features.copy()
    without[:, :2] = 0.0
    expected = [
        _slow_logit(RERANKER.network, a) - _slow_logit(RERANKER.network, b)
        for a, b in zip(features, without, strict=True)
    ]
    np.testing.assert_allclose(effects["some"], expected, atol=1e-4)
    flat = RERANKER.network.logits(np.zeros((1, len(FEATURES)), np.float32))
    np.testing.assert_allclose(effects["all"], RERANKER.network.logits(features) - flat, atol=1e-5)
    np.testing.assert_array_equal(features, before)
