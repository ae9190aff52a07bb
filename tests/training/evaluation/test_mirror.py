"""The mirror: who is asked, in which three ways, and what a method that looks at ratings does differently."""

from dataclasses import dataclass

import numpy as np
import pytest

from models.scoring.franchises import FranchiseOrder
from models.scoring.user_list import UserList
from tests.training.interactions_for_tests import make_interactions
from training.evaluation.evaluate import evaluate
from training.evaluation.mirror import MirrorQuestions, measure_mirror, overlap
from training.evaluation.report import print_table
from training.evaluation.scorers import PopularityScorer, Scorer, Scores
from training.evaluation.served_scorers import CollapsedScorer
from training.lists.split import split_interactions

N_ANIME = 60
COMPLETED, DROPPED, PLANNED = 2, 4, 6
# User 1 loves 0 to 5 and hates 10 to 16; user 2 hates two only; user 3 plans what they rate low.
LOVED = [(1, anime, 8 + anime % 3, COMPLETED) for anime in range(6)]
HATED = [(1, 10, 4, COMPLETED), *((1, anime, 0, DROPPED) for anime in range(11, 17))]
OTHERS = [(1, 20, 5, COMPLETED), (1, 21, 9, DROPPED), (1, 22, 9, PLANNED), (1, 23, 1, PLANNED)]
TOO_FEW = [(2, anime, 10, COMPLETED) for anime in range(5)] + [(2, 30, 1, COMPLETED), (2, 31, 1, COMPLETED)]
PLANS = [(3, anime, 10, COMPLETED) for anime in range(5)] + [(3, anime, 1, PLANNED) for anime in range(30, 36)]
LISTS = make_interactions([*LOVED, *HATED, *OTHERS, *TOO_FEW, *PLANS], list(range(N_ANIME)))
QUESTIONS = MirrorQuestions.of(LISTS, np.arange(3))


@dataclass
class RatingScorer(Scorer):
    """Ranks what follows the titles rated 8 or more, and avoids what follows the others: a row and its next five."""

    name: str = "by ratings"

    def score_list(self, user_row: int, known: UserList) -> Scores:
        scores = np.linspace(0.1, 0.0, N_ANIME, dtype=np.float32)
        for row, rating in zip(known.anime_rows.tolist(), known.ratings.tolist(), strict=True):
            scores[row + 20 : row + 25] += 1.0 if rating >= 8 else -1.0
            scores[row] = 9.0  # what is known is no answer, however well it scores
        return scores


def test_three_loved_and_up_to_five_hated_titles_are_asked_in_three_ways() -> None:
    assert QUESTIONS.user_rows.tolist() == [0]
    (as_is,), (turned,), (loved,) = QUESTIONS.as_is, QUESTIONS.turned, QUESTIONS.loved
    assert len(loved.anime_rows) == 3
    assert set(loved.anime_rows.tolist()) <= set(range(6))
    hated = np.setdiff1d(as_is.anime_rows, loved.anime_rows)
    assert len(hated) == 5
    # What was dropped is hated, whatever its rating.
    assert set(hated.tolist()) <= {*range(10, 17), 21}
    assert turned.anime_rows.tolist() == as_is.anime_rows.tolist()
    was_hated = np.isin(as_is.anime_rows, hated)
    assert set(turned.ratings[was_hated].tolist()) == {10}
    assert set(turned.statuses[was_hated].tolist()) == {COMPLETED}
    assert turned.ratings[~was_hated].tolist() == as_is.ratings[~was_hated].tolist() == loved.ratings.tolist()
    again = MirrorQuestions.of(LISTS, np.arange(3))
    assert again.as_is[0].anime_rows.tolist() == as_is.anime_rows.tolist()


def test_a_method_blind_to_ratings_answers_the_turned_list_alike() -> None:
    found = measure_mirror(PopularityScorer(np.arange(N_ANIME)), QUESTIONS)
    assert found is not None
    assert found["overlap_with_turned"].tolist() == [1.0]


def test_overlaps_are_those_of_the_first_ten_without_what_is_on_the_list() -> None:
    found = measure_mirror(RatingScorer(), QUESTIONS)
    assert found is not None
    tens = []
    for way in (QUESTIONS.as_is[0], QUESTIONS.turned[0], QUESTIONS.loved[0]):
        scores = RatingScorer().score_list(0, way)
        order = [row for row in np.argsort(-scores, kind="stable") if row not in QUESTIONS.as_is[0].anime_rows]
        tens.append(set(order[:10]))
    expected = [len(tens[0] & other) / 10 for other in tens[1:]]
    assert found.iloc[0].tolist() == pytest.approx(expected)
    assert expected[0] < expected[1]


def test_rankings_of_different_lengths_overlap_by_the_longer() -> None:
    assert overlap(np.array([1, 2, 3, 4]), np.array([3, 9])) == 0.25
    assert overlap(np.array([], dtype=np.int64), np.array([], dtype=np.int64)) == 0.0


def test_the_card_holds_love_hate_and_mirror(capsys: pytest.CaptureFixture[str]) -> None:
    # Users 15 and 32 test.
    rows = [(user, *row[1:]) for user in (1, 2, 15, 32) for row in [*LOVED, *HATED, *OTHERS]]
    split = split_interactions(make_interactions(rows, list(range(N_ANIME))))
    metrics = evaluate([RatingScorer(), PopularityScorer(split.popularity())], split, [])
    card = metrics["methods"]["popularity"]
    assert card["mirror"]["overlap_with_turned"] == {"mean": 1.0, "low": 1.0, "high": 1.0, "n": 2}
    assert set(card["next_anime"]) >= {"loved_ndcg_at_10", "harm_at_10"}
    print_table(metrics)
    printed = capsys.readouterr().out
    for text in ("loved NDCG@10", "harm@10", "mirror, 2 users"):
        assert text in printed


def test_one_per_franchise_leaves_out_what_comes_after_a_dislike_as_the_service_does() -> None:
    # Two franchises of two seasons and a single title.
    franchises = FranchiseOrder(
        np.array([0, 0, 1, 1, 2], dtype=np.int32),
        np.array([0, 1, 0, 1, 0], dtype=np.int16),
        np.zeros(5, dtype=np.uint8),
    )
    scorer = CollapsedScorer(PopularityScorer(np.arange(5)), franchises, "collapsed")
    liked = UserList(np.array([0, 2], dtype=np.int32), np.array([9, 9], np.uint8), np.array([2, 2], np.uint8))
    hated = UserList(liked.anime_rows, np.array([9, 1], np.uint8), liked.statuses)
    for known, shown in ((liked, [1, 3, 4]), (hated, [1, 4])):
        scores = scorer.score_list(0, known)
        assert scores is not None
        assert np.flatnonzero(np.isfinite(scores)).tolist() == shown
