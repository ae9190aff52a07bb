"""Item weights: a score is a sparse product, and splits into what each anime of the list adds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.bundle.reader import assemble
from models.scoring.items import ItemWeights, weights_of
from models.scoring.user_list import Support
from tests.models.small_bundle import make_arrays, make_manifest, neighbours

seeds = st.integers(0, 2**32 - 1)


def make_weights(n_anime: int, n_weights: int, rng: np.random.Generator) -> ItemWeights:
    rows = neighbours(n_anime, n_weights, rng)
    values = rng.normal(0.1, 0.5, rows.shape).astype(np.float32)
    return ItemWeights(rows, values)


def dense_of(weights: ItemWeights) -> NDArray[np.float64]:
    """What anime i adds to anime j, shape (n_anime, n_anime)."""
    dense = np.zeros((len(weights.rows), len(weights.rows)))
    for target, (rows, values) in enumerate(zip(weights.rows, weights.values, strict=True)):
        dense[rows, target] = values
    return dense


def _draw(seed: int, n_anime: int, n_seen: int) -> tuple[ItemWeights, NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    weights = make_weights(n_anime, int(rng.integers(0, n_anime)), rng)
    return weights, rng.permutation(n_anime)[:n_seen]


@given(seed=seeds, n_anime=st.integers(1, 30), n_seen=st.integers(0, 30))
def test_a_score_is_the_product_of_the_list_and_the_dense_weights(seed: int, n_anime: int, n_seen: int) -> None:
    weights, seen = _draw(seed, n_anime, n_seen)
    marks = np.isin(np.arange(n_anime), seen).astype(np.float64)
    scores = weights.score(Support.of(seen))
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, marks @ dense_of(weights), atol=1e-5)


@given(seed=seeds, n_anime=st.integers(1, 30), n_seen=st.integers(0, 30))
def test_contributions_add_up_to_the_score_and_are_the_weights(seed: int, n_anime: int, n_seen: int) -> None:
    weights, seen = _draw(seed, n_anime, n_seen)
    asked = np.random.default_rng(seed).integers(0, n_anime, 7)
    contributions = weights.contributions(Support.of(seen), asked)
    assert contributions.shape == (7, len(seen))
    np.testing.assert_array_equal(contributions, dense_of(weights)[np.ix_(seen, asked)].T.astype(np.float32))
    np.testing.assert_allclose(contributions.sum(axis=1), weights.score(Support.of(seen))[asked], atol=1e-5)


def test_an_empty_list_scores_nothing_and_has_no_contributions() -> None:
    weights, _ = _draw(0, 9, 0)
    nothing = np.empty(0, dtype=np.int32)
    np.testing.assert_array_equal(weights.score(Support.of(nothing)), np.zeros(9))
    assert weights.contributions(Support.of(nothing), np.array([1, 2])).shape == (2, 0)
    assert weights.contributions(Support.of(np.array([1, 2])), np.empty(0, dtype=np.int64)).shape == (0, 2)


def test_a_negative_weight_lowers_a_score() -> None:
    weights = ItemWeights(
        np.array([[1, 2], [0, 2], [0, 1]], dtype=np.int32),
        np.array([[0.5, -0.75], [0.0, 0.0], [-1.0, 0.25]], dtype=np.float32),
    )
    assert weights.score(Support.of(np.array([1]))).tolist() == [0.5, 0.0, 0.25]
    assert weights.score(Support.of(np.array([2, 1]))).tolist() == [-0.25, 0.0, 0.25]
    assert weights.contributions(Support.of(np.array([2, 1])), np.array([0, 2])).tolist() == [
        [-0.75, 0.5],
        [0.0, 0.25],
    ]


def test_the_order_of_a_list_does_not_matter() -> None:
    weights, seen = _draw(3, 25, 12)
    np.testing.assert_array_equal(weights.score(Support.of(seen)), weights.score(Support.of(np.sort(seen))))


def test_a_bundle_without_item_weights_gives_weights_of_width_0() -> None:
    arrays = make_arrays()
    for name in ("item_weight_rows", "item_weight_values"):
        arrays[name] = arrays[name][:, :0]
    weights = weights_of(assemble(make_manifest(), arrays))
    assert not weights.score(Support.of(np.array([0, 3]))).any()
    assert not weights.contributions(Support.of(np.array([0, 3])), np.array([1])).any()
