"""The second stage: a network orders what item weights propose, and everything else stays behind."""

import math
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.bundle.reader import Bundle, assemble
from models.errors import BundleContentError
from models.scoring.anime_facts import FACTS, read_facts
from models.scoring.candidate_features import (
    FEATURES,
    LIST_FEATURES,
    RELATION_FEATURES,
    ListSignals,
    candidate_features,
)
from models.scoring.items import EVIDENCE, CoSeen, ItemWeights
from models.scoring.neighbours import neighbourhood_shares
from models.scoring.ranking import top_k_rows
from models.scoring.reranker import Reranker, RerankingNetwork, reranker_of, sigmoid
from models.scoring.user_list import SeenLists, Status, UserList, list_of_user
from tests.models.small_bundle import neighbours
from tests.service.small_bundle import N_ANIME, N_USERS, make_arrays, make_bundle, make_manifest

seeds = st.integers(0, 2**32 - 1)
Vector = NDArray[np.float64]
# The arrays of a bundle that facts are computed from.
FACT_ARRAYS: Final = (
    "popularity",
    "mean_scores",
    "members",
    "favorites",
    "episodes",
    "minutes",
    "start_days",
    "years",
    "adult",
    "anime_genres",
    "type_names",
    "type_codes",
    "source_names",
    "source_codes",
    "studio_codes",
    "age_rating_codes",
    "franchise_codes",
    "franchise_positions",
    "franchise_roles",
)


def make_network(n_features: int, seed: int = 0, n_networks: int = 4) -> RerankingNetwork:
    rng = np.random.default_rng(seed)
    shapes = ((n_networks, n_features + 1, 7), (n_networks, 8, 4), (n_networks, 5))
    scales = np.stack([rng.normal(size=n_features), rng.uniform(0.5, 2.0, n_features)]).astype(np.float32)
    return RerankingNetwork(scales, *(rng.normal(0.0, 0.4, shape).astype(np.float32) for shape in shapes))


def make_reranker(bundle: Bundle) -> Reranker:
    reranker = reranker_of(bundle)
    assert reranker is not None
    return reranker


BUNDLE: Final = make_bundle()
RERANKER: Final = make_reranker(BUNDLE)
NOBODY: Final = np.zeros((N_ANIME, 2), dtype=np.float32)
EVERYTHING: Final = np.ones(N_ANIME, dtype=bool)


def list_of(rows: Any, rating: int = 8, status: Status = Status.COMPLETED) -> UserList:
    rows = np.sort(np.asarray(rows, dtype=np.int32))
    return UserList(rows, np.full(len(rows), rating, np.uint8), np.full(len(rows), int(status), np.uint8))


# --- the network ---------------------------------------------------------------------------------------------------


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
    return seen + 1.4 / (1.0 + math.exp(-seen)) * (liked - seen)


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


# --- re-ranking ----------------------------------------------------------------------------------------------------

LISTS: Final = {
    "nothing": list_of([]),
    "one title": list_of([3]),
    "plans alone": list_of([3, 4, 5], 0, Status.PLAN_TO_WATCH),
    "nothing rated": list_of(range(0, 30, 3), 0),
    "all dropped": list_of(range(0, 30, 3), 2, Status.DROPPED),
    "all rated alike": list_of(range(20), 10),
    "everything but two": list_of(range(N_ANIME - 2)),
    "everything": list_of(range(N_ANIME)),
}


@pytest.mark.parametrize("name", LISTS)
def test_every_list_is_ranked_with_probabilities(name: str) -> None:
    mine = LISTS[name]
    allowed = ~np.isin(np.arange(N_ANIME), mine.anime_rows)
    # Not invalid="raise": products of BLAS may raise that flag for what they read past the end of an array.
    with np.errstate(divide="raise", over="raise"):
        reranked = RERANKER.rerank(mine, NOBODY, allowed)
    assert reranked.scores.dtype == np.float32
    assert ((reranked.scores > 0) & (reranked.scores < 1)).all()
    assert np.isfinite(reranked.features).all()
    np.testing.assert_array_equal(reranked.places >= 0, allowed)
    assert reranked.features.shape == (int(allowed.sum()), len(FEATURES))


@given(row=st.integers(0, N_USERS - 1), seed=seeds)
def test_only_what_is_allowed_is_a_candidate(row: int, seed: int) -> None:
    allowed = np.random.default_rng(seed).random(N_ANIME) < 0.4
    reranked = RERANKER.rerank(list_of_user(BUNDLE, row), NOBODY, allowed)
    np.testing.assert_array_equal(reranked.places >= 0, allowed)
    assert sorted(reranked.places[allowed].tolist()) == list(range(int(allowed.sum())))
    if allowed.any():
        assert reranked.scores[~allowed].max(initial=0.0) < reranked.scores[allowed].min()


def test_plans_change_nothing() -> None:
    seen, plans = list_of([3, 8, 20]), list_of([5, 40], 0, Status.PLAN_TO_WATCH)
    order = np.argsort(np.concatenate([seen.anime_rows, plans.anime_rows]))
    columns = zip(vars(seen).values(), vars(plans).values(), strict=True)
    both = UserList(*(np.concatenate(parts)[order] for parts in columns))
    without, with_plans = (RERANKER.rerank(each, NOBODY, EVERYTHING).scores for each in (seen, both))
    np.testing.assert_array_equal(without, with_plans)


def _large_reranker(n_anime: int = 450) -> Reranker:
    """More anime than there are candidates, with facts repeated from the small ones."""
    arrays = {name: getattr(BUNDLE, name) for name in FACT_ARRAYS}
    repeated = {
        name: array if name.endswith("_names") else np.resize(array, (n_anime, *array.shape[1:]))
        for name, array in arrays.items()
    }
    rng = np.random.default_rng(0)
    rows = neighbours(n_anime, 20, rng)
    weights = ItemWeights(rows, rng.normal(0.1, 0.2, rows.shape).astype(np.float32), np.zeros(rows.shape, np.float32))
    co_seen = CoSeen(rows, rng.normal(0.1, 0.2, rows.shape).astype(np.float32))
    return Reranker(read_facts(repeated, N_USERS), weights, co_seen, RERANKER.network)


def test_every_candidate_is_above_all_else_which_keeps_the_order_of_the_first_stage() -> None:
    reranker = _large_reranker()
    n_anime = len(reranker.weights.rows)
    mine = list_of(range(0, n_anime, 7))
    allowed = ~np.isin(np.arange(n_anime), mine.anime_rows)
    allowed[np.flatnonzero(allowed)[-2:]] = False
    near = np.random.default_rng(1).random((n_anime, 2)).astype(np.float32)
    reranker_scores = reranker.rerank(mine, near, np.ones(n_anime, bool))
    together = reranker.co_seen.shares(mine.support, np.exp(reranker.facts.popularity))
    first_stage = reranker.weights.score(mine.support) + 0.3 * near[:, 1] + together / (len(mine.seen_rows) + 2)
    candidates = top_k_rows(first_stage, 300)
    assert set(np.flatnonzero(reranker_scores.places >= 0).tolist()) == set(candidates.tolist())
    behind = np.setdiff1d(np.arange(n_anime), candidates)
    scores = reranker_scores.scores
    assert len(behind) == 150
    assert scores[behind].max() < scores[candidates].min()
    order = behind[np.argsort(-first_stage[behind], kind="stable")]
    assert (np.diff(scores[order]) <= 0).all()
    assert len(set(scores[behind].tolist())) > 10


def test_filters_never_empty_a_page_since_candidates_are_taken_among_what_is_allowed() -> None:
    reranker = _large_reranker()
    n_anime = len(reranker.weights.rows)
    mine = list_of(range(0, n_anime, 7))
    last = top_k_rows(reranker.weights.score(mine.support), n_anime)[-5:]
    allowed = np.isin(np.arange(n_anime), last)
    reranked = reranker.rerank(mine, np.zeros((n_anime, 2), np.float32), allowed)
    assert set(np.flatnonzero(reranked.places >= 0).tolist()) == set(last.tolist())


# --- effects -------------------------------------------------------------------------------------------------------


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


# --- from a bundle -------------------------------------------------------------------------------------------------


def test_a_bundle_without_networks_has_no_reranker() -> None:
    arrays = make_arrays()
    empty = RerankingNetwork.empty()
    for name in ("scales", "first", "second", "last"):
        arrays[f"reranker_{name}"] = getattr(empty, name)
    assert reranker_of(assemble(make_manifest(arrays), arrays)) is None


@pytest.mark.parametrize("names", [(), FEATURES[:-1], (*FEATURES[:-1], "something else"), FEATURES[::-1]])
def test_a_reranker_of_other_features_is_refused(names: tuple[str, ...]) -> None:
    arrays = make_arrays()
    manifest = make_manifest(arrays).model_copy(update={"reranker_features": names})
    with pytest.raises(BundleContentError, match=r"manifest\.json: names other features of the re-ranker"):
        reranker_of(assemble(manifest, arrays))


def test_a_reranker_of_another_width_than_its_names_is_refused() -> None:
    arrays = make_arrays()
    arrays["reranker_scales"] = arrays["reranker_scales"][:, :-1]
    arrays["reranker_first"] = arrays["reranker_first"][:, :-1]
    with pytest.raises(BundleContentError, match="names other features"):
        reranker_of(assemble(make_manifest(make_arrays()), arrays))


# --- features ------------------------------------------------------------------------------------------------------


def test_every_feature_has_a_name_and_no_name_comes_twice() -> None:
    assert len(FEATURES) == len(set(FEATURES))
    proposed = 4
    of_anime = len(RELATION_FEATURES) + len(FACTS)
    assert len(FEATURES) == len(EVIDENCE) + proposed + of_anime + len(LIST_FEATURES)


unknown_facts = st.sets(
    st.sampled_from([name for name in FACT_ARRAYS if not name.endswith("_names") and "franchise" not in name])
)


@settings(max_examples=60)
@given(seed=seeds, unknown=unknown_facts, alone=st.booleans(), without_genres=st.booleans(), data=st.data())
def test_features_are_numbers_however_little_is_known(
    seed: int, unknown: set[str], alone: bool, without_genres: bool, data: st.DataObject
) -> None:
    rng = np.random.default_rng(seed)
    arrays = {name: getattr(BUNDLE, name).copy() for name in FACT_ARRAYS}
    for name in unknown:
        arrays[name][:] = 0
    if without_genres:
        arrays["anime_genres"] = arrays["anime_genres"][:, :0]
    if alone:
        arrays["franchise_codes"] = np.arange(N_ANIME, dtype=np.int32)
        arrays["franchise_positions"][:] = arrays["franchise_roles"][:] = 0
    size = data.draw(st.sampled_from([0, 1, 2, 20, N_ANIME]))
    mine = UserList(
        np.sort(rng.permutation(N_ANIME)[:size]).astype(np.int32),
        rng.integers(0, 11, size).astype(np.uint8),
        rng.choice([0, 1, 2, 3, 4, 6], size).astype(np.uint8),
    )
    # Not invalid="raise": products of BLAS may raise that flag for what they read past the end of an array.
    with np.errstate(divide="raise", over="raise"):
        facts = read_facts(arrays, data.draw(st.sampled_from([1, N_USERS, 10**6])))
        signals = ListSignals(facts, mine)
        features = candidate_features(
            facts, RERANKER.weights, signals, np.arange(N_ANIME), np.zeros((N_ANIME, 4), np.float32)
        )
    assert features.shape == (N_ANIME, len(FEATURES))
    assert features.dtype == np.float32
    assert np.isfinite(features).all()


def test_bands_of_popularity_are_equally_large_and_the_most_popular_come_first() -> None:
    bands = RERANKER.facts.bands
    order = np.argsort(-BUNDLE.popularity, kind="stable")
    assert (np.diff(bands[order]) >= 0).all()
    assert bands.min() == 0
    assert bands.max() < 200


def test_shares_of_circles_are_a_weighted_count() -> None:
    n_neighbours, n_anime = 130, 6
    rng = np.random.default_rng(0)
    similarities = np.sort(rng.uniform(-0.2, 1.0, n_neighbours).astype(np.float32))[::-1]
    lists = [np.flatnonzero(rng.random(n_anime) < 0.4) for _ in range(n_neighbours)]
    shares = neighbourhood_shares(n_anime, similarities, SeenLists.of(lists))
    assert ((shares >= 0) & (shares <= 1 + 1e-6)).all()
    everyone = neighbourhood_shares(n_anime, similarities, SeenLists.of([np.array([2])] * n_neighbours))
    np.testing.assert_allclose(everyone[2], 1.0, rtol=1e-5)
    # What lies beyond a neighbourhood has no say in it, nor who is unlike.
    nearest = neighbourhood_shares(n_anime, similarities[:25], SeenLists.of(lists[:25]))
    np.testing.assert_allclose(nearest[:, 0], shares[:, 0])
    nobody = neighbourhood_shares(n_anime, np.full(3, -0.5, np.float32), SeenLists.of(lists[:3]))
    np.testing.assert_array_equal(nobody, np.zeros((n_anime, 2)))
    np.testing.assert_array_equal(neighbourhood_shares(n_anime, similarities[:0], SeenLists.of([])), nobody)
