"""Learning the ranker of similar anime: from which queries, and what stays out."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.training.similar_anime.lists_of_tastes import N_TASTES, make_evidence, tastes
from training.similar_anime import learn
from training.similar_anime.config import SimilarConfig
from training.similar_anime.learn import learn_ranker
from training.similar_anime.rank import rank_neighbours
from training.similar_anime.ranker import bend, load_ranker
from training.similar_anime.truth import SimilarQuery


def test_a_learned_ranker_ranks_as_people_recommend_and_survives_the_disk(tmp_path: Path) -> None:
    evidence = make_evidence(tastes())
    queries = [
        SimilarQuery(row, mates, np.log1p(np.arange(1.0, len(mates) + 1)), may_choose=row % 3 > 0)
        for row in range(40)
        for mates in [np.setdiff1d(np.arange(row % N_TASTES, 40, N_TASTES), [row])]
    ]
    ranker = learn_ranker(evidence, queries, np.arange(40), SimilarConfig(epochs=40, batch_size=4))
    neighbours = rank_neighbours(evidence, ranker, lambda done: None)
    measuring = np.array([query.anime_row for query in queries if not query.may_choose])
    same = neighbours.rows[measuring, :5] % N_TASTES == measuring[:, None] % N_TASTES
    assert same.mean() > 0.9
    ranker.save(tmp_path / "ranker.npz")
    pairs = evidence.describe(np.arange(40))
    np.testing.assert_array_equal(load_ranker(tmp_path / "ranker.npz").score(pairs), ranker.score(pairs))


def test_measuring_queries_teach_nothing() -> None:
    evidence = make_evidence(tastes())
    teach = [SimilarQuery(row, np.array([row - 4]), np.log1p([3.0]), may_choose=True) for row in range(10, 30)]
    measure = [SimilarQuery(row, np.array([row + 4]), np.log1p([9.0]), may_choose=False) for row in range(30, 36)]
    config = SimilarConfig(epochs=2, batch_size=8)
    one, other = (learn_ranker(evidence, some, np.arange(40), config) for some in (teach, teach + measure))
    np.testing.assert_array_equal(one.weights_1, other.weights_1)
    np.testing.assert_array_equal(one.calibration, other.calibration)


def test_a_member_learns_nothing_from_what_it_leaves_out() -> None:
    evidence = make_evidence(tastes())
    queries = [
        SimilarQuery(row, mates, np.ones(len(mates)), may_choose=True)
        for row in range(40)
        for mates in [np.setdiff1d(np.arange(row % N_TASTES, 40, N_TASTES), [row])]
    ]
    labelled = learn._label(evidence, queries, np.arange(40))
    folds, pairs = labelled.folds, labelled.pairs
    left_out = 2
    touched = (folds[pairs.queries] == left_out) | (folds[pairs.others] == left_out)
    assert touched.any()
    changed = replace(
        labelled, gains=np.where(touched & (labelled.gains > 0), 3.0, labelled.gains).astype(np.float32)
    )
    inputs = np.nan_to_num(pairs.features)
    config = SimilarConfig(epochs=1, batch_size=4)
    for one, other in zip(*(learn._fit_layers(some, inputs, config) for some in (labelled, changed)), strict=True):
        np.testing.assert_array_equal(one[left_out], other[left_out])
        assert (one[0] != other[0]).any()


def test_few_queries_are_not_enough_to_learn_from() -> None:
    queries = [SimilarQuery(0, np.array([1]), np.array([1.0]), may_choose=True)] * 49
    assert not learn.enough_to_learn(queries)
    assert learn.enough_to_learn([*queries, queries[0]])
    assert not learn.enough_to_learn([SimilarQuery(0, np.array([1]), np.array([1.0]), may_choose=False)] * 99)


def test_a_yes_or_no_speaks_softly_however_rare_it_is() -> None:
    features = np.array([[1.0, 5.0]] + [[0.0, value] for value in range(99)], dtype=np.float32)
    knots, levels = learn._spread(features)
    assert bend(features, knots, levels)[:2, 0].tolist() == [0.5, 0.0]
    # What only looks like a yes or no at the knots is spread as everything else is.
    features[0, 0], features[1, 0] = 3.0, 1.0
    knots, levels = learn._spread(features)
    assert bend(features, knots, levels)[0, 0] > 2.0
