"""The features of candidates: named once each, and numbers however little is known."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.scoring.anime_facts import FACTS, read_facts
from models.scoring.candidate_features import (
    FEATURES,
    LIST_FEATURES,
    RELATION_FEATURES,
    ListSignals,
    candidate_features,
)
from models.scoring.items import EVIDENCE
from models.scoring.neighbours import neighbourhood_shares
from models.scoring.user_list import SeenLists, UserList
from tests.models.scoring.small_reranker import BUNDLE, FACT_ARRAYS, RERANKER
from tests.service.small_bundle import N_ANIME, N_USERS

seeds = st.integers(0, 2**32 - 1)


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
            facts,
            RERANKER.weights.of(signals.rows),
            signals,
            np.arange(N_ANIME),
            np.zeros((4, N_ANIME), np.float32),
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
