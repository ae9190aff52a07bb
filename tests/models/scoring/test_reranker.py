"""The second stage: a network orders what item weights propose, and everything else stays behind."""

from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.bundle.reader import assemble
from models.errors import BundleContentError
from models.scoring.anime_facts import read_facts
from models.scoring.candidate_features import FEATURES
from models.scoring.items import CoSeen, ItemWeights
from models.scoring.ranking import top_k_rows
from models.scoring.reranker import Reranker, RerankingNetwork, reranker_of
from models.scoring.user_list import Status, UserList, list_of_user
from tests.models.scoring.small_reranker import BUNDLE, EVERYTHING, FACT_ARRAYS, NOBODY, RERANKER, list_of
from tests.models.small_bundle import neighbours
from tests.service.small_bundle import N_ANIME, N_USERS, make_arrays, make_manifest

seeds = st.integers(0, 2**32 - 1)

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
    weights = ItemWeights(rows, rng.normal(0.1, 0.2, rows.shape).astype(np.float32))
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
    candidates = top_k_rows(first_stage, 240)
    assert set(np.flatnonzero(reranker_scores.places >= 0).tolist()) == set(candidates.tolist())
    behind = np.setdiff1d(np.arange(n_anime), candidates)
    scores = reranker_scores.scores
    assert len(behind) == 210
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
