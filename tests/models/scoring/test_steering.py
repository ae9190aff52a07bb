"""Novelty and diversity: what each promises of any ranking, and the same order found the slow way."""

import math
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.scoring.steering import self_information, steer

KNOBS: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
knobs = st.floats(0, 1)
seeds = st.integers(0, 2**32 - 1)


def _ranking(seed: int, n: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Make the self-information and the embeddings of a ranking whose head is alike, as heads of rankings are."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 8)) + np.linspace(2.0, 0.0, n)[:, None] * rng.normal(size=8)
    embeddings = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return rng.gamma(2.0, 2.0, n).astype(np.float32), embeddings


def _distance(embeddings: NDArray[np.float32]) -> float:
    """Give the mean distance, 1 - cosine, of all pairs."""
    n = len(embeddings)
    return float(1.0 - (np.sum(embeddings @ embeddings.T) - n) / (n * (n - 1)))


def test_self_information_is_in_bits() -> None:
    assert self_information(np.array([99, 49, 24]), 99).tolist() == [0.0, 1.0, 2.0]


@given(seed=seeds, n=st.integers(0, 40))
def test_without_knobs_nothing_moves(seed: int, n: int) -> None:
    assert steer(*_ranking(seed, n), 0.0, 0.0, n).tolist() == list(range(n))


@given(seed=seeds, n=st.integers(0, 40), novelty=knobs, diversity=knobs, k=st.integers(0, 50))
def test_an_order_holds_every_place_once(seed: int, n: int, novelty: float, diversity: float, k: int) -> None:
    assert sorted(steer(*_ranking(seed, n), novelty, diversity, k).tolist()) == list(range(n))


@given(seed=seeds, n=st.integers(1, 40), first=knobs, second=knobs)
def test_the_more_novelty_the_less_known_is_the_head_however_long(
    seed: int, n: int, first: float, second: float
) -> None:
    information, embeddings = _ranking(seed, n)
    low, high = (
        np.cumsum(information[steer(information, embeddings, novelty, 0.0, n)], dtype=np.float64)
        for novelty in sorted((first, second))
    )
    assert np.all(high >= low - 1e-4)


def test_full_novelty_is_the_order_of_self_information() -> None:
    information, embeddings = _ranking(1, 30)
    order = steer(information, embeddings, 1.0, 0.0, 30)
    assert np.all(np.diff(information[order]) <= 0.0)


@given(seed=seeds, n=st.integers(2, 30), diversity=knobs, k=st.integers(1, 30))
def test_diversity_takes_rows_as_maximal_marginal_relevance_does(seed: int, n: int, diversity: float, k: int) -> None:
    information, embeddings = _ranking(seed, n)
    order = steer(information, embeddings, 0.0, diversity, k).tolist()
    cosines = embeddings @ embeddings.T
    for place in range(min(k, n)):
        values = {row: _marginal(row, order[:place], cosines, diversity, n) for row in order[place:]}
        assert values[order[place]] == pytest.approx(max(values.values()), abs=1e-5)


def _marginal(row: int, before: list[int], cosines: NDArray[Any], diversity: float, n: int) -> float:
    fit = 1.0 - math.log(row + 1) / math.log(n)
    weight = 0.5 + math.asin(2.0 * diversity - 1.0) / math.pi
    return (1.0 - weight) * fit - weight * max((float(cosines[row, other]) for other in before), default=0.0)


def test_the_more_diversity_the_further_apart_is_the_head_on_average() -> None:
    rankings = [_ranking(seed, 60) for seed in range(40)]
    means = [
        np.mean([_distance(rows[steer(information, rows, 0.0, knob, 10)[:10]]) for information, rows in rankings])
        for knob in KNOBS
    ]
    assert np.all(np.diff(means) > 0.0)


def test_novelty_comes_before_diversity() -> None:
    information, embeddings = _ranking(2, 30)
    by_novelty = steer(information, embeddings, 0.7, 0.0, 30)
    then = steer(information[by_novelty], embeddings[by_novelty], 0.0, 0.4, 30)
    assert steer(information, embeddings, 0.7, 0.4, 30).tolist() == by_novelty[then].tolist()
