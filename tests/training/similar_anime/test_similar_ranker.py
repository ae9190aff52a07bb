"""The ranker of similar anime: features as it reads them, neighbours that are sound."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from tests.training.interactions_for_tests import random_interactions
from tests.training.similar_anime.lists_of_tastes import N_TASTES, make_evidence, tastes
from training.errors import InputError
from training.similar_anime import blocks as similar_blocks
from training.similar_anime.rank import describe_in_blocks, rank_neighbours
from training.similar_anime.ranker import SHIPPED_FILE, bend, load_ranker, log_shares


@given(scores=arrays(np.float32, 20, elements=st.floats(-50, 50, width=32)), seed=st.integers(0, 100))
def test_shares_of_a_query_add_up_to_one(scores: NDArray[np.float32], seed: int) -> None:
    queries = np.sort(np.random.default_rng(seed).integers(0, 4, 20))
    shares = np.exp(log_shares(scores, queries))
    for query in set(queries.tolist()):
        assert shares[queries == query].sum() == pytest.approx(1.0)


def test_what_is_not_known_is_bent_to_the_middle() -> None:
    knots, levels = np.array([[0, 1, 2]], dtype=np.float32), np.array([[-1, 0.5, 1]], dtype=np.float32)
    features = np.array([[np.nan], [0.5], [-9], [9]], dtype=np.float32)
    np.testing.assert_allclose(bend(features, knots, levels)[:, 0], [0, -0.25, -1, 1])


@given(seed=st.integers(0, 2**32 - 1), n_pairs=st.integers(0, 600), n_knots=st.integers(2, 24))
def test_features_are_bent_as_numpy_interpolates(seed: int, n_pairs: int, n_knots: int) -> None:
    rng = np.random.default_rng(seed)
    knots = np.cumsum(rng.uniform(0.1, 1.0, (3, n_knots)), axis=1).astype(np.float32)
    levels = np.sort(rng.normal(size=(3, n_knots)).astype(np.float32), axis=1)
    features = rng.uniform(-1.0, knots.max() + 1.0, (n_pairs, 3)).astype(np.float32)
    features[: n_pairs // 5] = rng.choice(knots.ravel(), (n_pairs // 5, 3))
    expected = [np.interp(features[:, column], knots[column], levels[column]) for column in range(3)]
    np.testing.assert_allclose(bend(features, knots, levels), np.stack(expected, axis=1), atol=1e-5)


def test_blocks_of_queries_describe_what_each_query_alone_does(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = make_evidence(tastes())
    whole = evidence.describe(np.arange(40))
    monkeypatch.setattr(similar_blocks, "_LENGTH", 7)
    blocks = list(describe_in_blocks(evidence, np.arange(40)))
    assert len(blocks) == 6
    np.testing.assert_array_equal(np.concatenate([block.others for block in blocks]), whole.others)
    np.testing.assert_allclose(np.concatenate([block.features for block in blocks]), whole.features, atol=1e-5)


@pytest.mark.parametrize("n_anime", [1, 2, 3, 12, 40, 260])
def test_neighbours_are_sound_whatever_the_size(n_anime: int) -> None:
    lists = random_interactions(60, n_anime, 0.2, n_anime)
    neighbours = rank_neighbours(make_evidence(lists), load_ranker(SHIPPED_FILE), lambda done: None)
    k = min(300, n_anime - 1)
    assert neighbours.rows.shape == neighbours.scores.shape == (n_anime, k)
    for row in range(n_anime):
        assert row not in neighbours.rows[row]
        assert len(set(neighbours.rows[row].tolist())) == k
        ranked = list(zip((-neighbours.scores[row]).tolist(), neighbours.rows[row].tolist(), strict=True))
        assert ranked == sorted(ranked)
    assert ((neighbours.scores > 0) & (neighbours.scores <= 1)).all()


def test_shipped_weights_find_who_shares_a_taste() -> None:
    lists = tastes()
    # What lists say in few numbers, as embeddings do.
    of_lists = np.linalg.svd(lists.seen_matrix().toarray(), full_matrices=False)[2][:6].T
    embeddings = (of_lists / np.linalg.norm(of_lists, axis=1, keepdims=True)).astype(np.float32)
    evidence = make_evidence(lists, embeddings=embeddings)
    neighbours = rank_neighbours(evidence, load_ranker(SHIPPED_FILE), lambda done: None)
    same = neighbours.rows[:, :5] % N_TASTES == np.arange(40)[:, None] % N_TASTES
    # The catalogue beside these lists is random and pulls the other way; chance finds .23.
    assert same.mean() > 0.4


def test_shipped_weights_are_small() -> None:
    assert SHIPPED_FILE.stat().st_size < 300_000


def test_a_ranker_of_other_features_is_refused() -> None:
    ranker = load_ranker(SHIPPED_FILE)
    pairs = make_evidence(tastes()).describe(np.arange(3))
    strange = type(pairs)(pairs.queries, pairs.others, pairs.features, ("height", *pairs.names[1:]))
    with pytest.raises(ValueError, match=r"other features.*height"):
        ranker.score(strange)


def test_a_file_without_a_ranker_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ranker.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match="holds no ranker"):
        load_ranker(tmp_path / "ranker.npz")
