"""Per-user quality of lists: batches change nothing, and what is known is no answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from models.scoring.user_list import UserList
from tests.training.interactions_for_tests import make_interactions, random_interactions
from training.evaluation.baselines.random import RandomScorer
from training.evaluation.list_quality import ListQuestions, Targets, list_values, measure_lists, rank_unknown
from training.evaluation.scorers import Scorer, Scores
from training.lists.split import VALIDATION_FOLD, is_test_user, split_interactions


@dataclass
class BatchRandomScorer(Scorer):
    """Chance, in batches; never one by one."""

    one_by_one: RandomScorer
    name: str = "batch"

    def score_list(self, user_row: int, known: UserList) -> Scores:
        raise AssertionError("a scorer of batches is asked in batches")

    def score_lists(self, user_rows: NDArray[np.int64], inputs: Sequence[UserList]) -> Scores:
        scores = [self.one_by_one.score_list(int(user), rows) for user, rows in zip(user_rows, inputs, strict=True)]
        return np.array(scores)


@dataclass
class SimilarOnlyScorer(Scorer):
    """Says nothing of lists."""

    name: str = "similar only"

    def score_similar(self, anime_row: int) -> Scores:
        return np.zeros(9, dtype=np.float32)


def unrated(rows: list[int]) -> Targets:
    return Targets(np.array(rows), np.zeros(len(rows), dtype=np.uint8), 0.0)


@pytest.mark.parametrize("batch_size", [1, 3, 1000])
def test_batches_measure_as_one_by_one(batch_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    split = split_interactions(random_interactions(150, 60, 0.2, 0))
    chance = RandomScorer(60)
    monkeypatch.setattr("training.evaluation.list_quality.BATCH_SIZE", batch_size)
    one, batch = (
        measure_lists(scorer, ListQuestions.of_split(split)) for scorer in (chance, BatchRandomScorer(chance))
    )
    assert one is not None
    assert batch is not None
    assert one.values.equals(batch.values)
    assert one.values["history"].tolist() == [len(rows) for rows in split.inputs]
    assert all((a == b).all() for a, b in zip(one.top_rows, batch.top_rows, strict=True))


def test_what_is_known_is_no_answer_even_if_it_did_not_go_in() -> None:
    split = split_interactions(random_interactions(150, 60, 0.2, 0))
    nothing = [rows[:0] for rows in split.inputs]
    questions = ListQuestions.of(split.whole, split.test_user_rows, nothing, split.targets, split.inputs)
    quality = measure_lists(RandomScorer(60), questions)
    assert quality is not None
    assert (quality.values["history"] == 0).all()
    for top_rows, known in zip(quality.top_rows, split.inputs, strict=True):
        assert not np.isin(top_rows, known).any()


def test_a_scorer_without_lists_and_lists_without_users_have_no_quality() -> None:
    split = split_interactions(random_interactions(150, 9, 0.3, 0))
    assert measure_lists(SimilarOnlyScorer(), ListQuestions.of_split(split)) is None
    assert measure_lists(RandomScorer(9), ListQuestions.of(split.whole, split.test_user_rows[:0], [], [])) is None


def test_validation_users_are_training_users_and_never_test() -> None:
    lists = random_interactions(300, 40, 0.2, 0)
    train = split_interactions(lists).train
    validation = split_interactions(train, fold=VALIDATION_FOLD)
    validating = set(train.user_ids[validation.test_user_rows].tolist())
    testing = set(lists.user_ids[is_test_user(lists.user_ids)].tolist())
    assert len(validating) >= 10
    assert not validating & testing
    assert not testing & set(validation.train.user_ids.tolist())
    assert not validating & set(validation.train.user_ids.tolist())


def test_what_is_scored_minus_infinity_is_out_of_the_ranking() -> None:
    scores = np.array([0.5, -np.inf, 0.9, -np.inf], dtype=np.float32)
    assert rank_unknown(scores, np.array([0]), 4).tolist() == [2]


def test_a_target_is_found_wherever_it_stands_and_what_is_no_target_is_not() -> None:
    recall, ndcg, *_ = list_values(np.array([7, 2, 9]), unrated([9, 7, 100]))
    # Targets at places 1 and 3; a third is not found.
    assert recall == pytest.approx(2 / 3)
    assert ndcg == pytest.approx((1 + 0.5) / (1 + 1 / np.log2(3) + 0.5))
    nothing = list_values(np.array([], dtype=np.int64), unrated([9]))
    assert nothing[:3] == (0.0, 0.0, 0.0)
    # Without ratings nobody is known to love anything.
    assert np.isnan(nothing[3])
    assert nothing[4:] == (0, 0)


def test_loved_targets_are_those_above_the_users_mean_and_hits_below_it_are_harm() -> None:
    # On the list: 10, 8, 6, 4 rated, mean 7; two unrated. Anime 6 was dropped, its rating counts like any other.
    rows = [(15, anime, rating, 2) for anime, rating in enumerate((10, 8, 6, 0, 0))] + [(15, 6, 4, 4)]
    lists = make_interactions(rows, list(range(30)))
    targets = np.array([1, 2, 3, 6], dtype=np.int32)
    (asked,) = ListQuestions.of(lists, np.array([0]), [np.array([0, 4], dtype=np.int32)], [targets]).targets
    assert (asked.mean_rating, asked.loved_rows.tolist()) == (7.0, [1])
    # The hits: 2 (rated 6), 1 (rated 8), 3 (unrated); 6 stands on place 11.
    top_rows = np.array([2, 20, 1, 3, *range(21, 27), 6])
    loved, rated_hits, low_hits = list_values(top_rows, asked)[3:]
    assert loved == pytest.approx(1 / np.log2(4))
    assert (rated_hits, low_hits) == (2, 1)


def test_what_is_rated_at_the_users_mean_is_neither_loved_nor_harm() -> None:
    targets = Targets(np.array([1, 2]), np.array([7, 7], dtype=np.uint8), 7.0)
    assert np.isnan(list_values(np.array([1, 2]), targets)[3])
    assert list_values(np.array([1, 2]), targets)[4:] == (2, 0)
