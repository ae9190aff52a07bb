"""How well a scorer ranks the hidden part of lists: one value per user and metric."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.scoring.ranking import top_k_rows
from models.scoring.user_list import UserList
from training.evaluation.metrics import ndcg_at, recall_at
from training.evaluation.scorers import Rows, Scorer, Scores
from training.lists.interactions import Interactions
from training.lists.split import Split

DEPTH: Final = 100
LIST_METRICS: Final = ("recall_at_20", "ndcg_at_10", "ndcg_at_100")
LOVED: Final = "loved_ndcg_at_10"
# How many of the first ten are targets with a rating, and how many of those are rated below the user's mean.
RATED_HITS, LOW_HITS = "rated_hits", "low_hits"
LIST_VALUES: Final = (*LIST_METRICS, LOVED, RATED_HITS, LOW_HITS)
# Lists that are scored at once.
BATCH_SIZE: Final = 128


@dataclass(frozen=True)
class Targets:
    """What is to be found for a user; none are empty."""

    rows: NDArray[np.integer]  # anime rows, or ids
    ratings: NDArray[np.uint8]  # the user's own, 0 = unrated
    mean_rating: float  # of all that the user rates; 0 without ratings

    @property
    def loved_rows(self) -> NDArray[np.integer]:
        """What the user rates above their own mean."""
        return self.rows[self.ratings > self.mean_rating]


@dataclass(frozen=True)
class ListQuestions:
    """Lists of which a part is known and another to be found, one entry per user."""

    user_rows: NDArray[np.int64]
    inputs: list[UserList]  # what goes in
    targets: list[Targets]
    known: Sequence[Rows]  # what cannot be an answer

    @classmethod
    def of(
        cls,
        lists: Interactions,
        user_rows: NDArray[np.int64],
        inputs: Sequence[Rows],
        targets: Sequence[Rows],
        known: Sequence[Rows] | None = None,
    ) -> "ListQuestions":
        """Make questions of parts of whole lists; what goes in cannot be an answer, unless `known` is given."""
        users = user_rows.tolist()
        return cls(
            user_rows,
            [lists.part_of(user, rows) for user, rows in zip(users, inputs, strict=True)],
            [_targets_of(lists, user, rows) for user, rows in zip(users, targets, strict=True)],
            inputs if known is None else known,
        )

    @classmethod
    def of_split(cls, split: Split) -> "ListQuestions":
        """Make the questions of the users who test."""
        return cls.of(split.whole, split.test_user_rows, split.inputs, split.targets)


def _targets_of(lists: Interactions, user_row: int, rows: Rows) -> Targets:
    ratings = lists.list_of(user_row).ratings
    hidden = lists.part_of(user_row, rows)
    rated = ratings[ratings > 0]
    return Targets(hidden.anime_rows, hidden.ratings, float(rated.mean()) if len(rated) else 0.0)


@dataclass(frozen=True)
class ListQuality:
    """Metrics per user."""

    values: pd.DataFrame  # one row per user: `history` (titles that went in) and LIST_VALUES
    top_rows: list[NDArray[np.int64]]  # per user, the first ten, best first


def measure_lists(scorer: Scorer, questions: ListQuestions) -> ListQuality | None:
    """Rank all anime for every list and find the targets in the ranking; None if there is nothing to measure."""
    records: list[tuple[float, ...]] = []
    first_rows = []
    for start in range(0, len(questions.inputs), BATCH_SIZE):
        batch = slice(start, start + BATCH_SIZE)
        inputs = questions.inputs[batch]
        scores = scorer.score_lists(questions.user_rows[batch], inputs)
        for row_scores, known, known_rows, targets in zip(
            scores, inputs, questions.known[batch], questions.targets[batch], strict=True
        ):
            if row_scores is None:
                return None
            top_rows = rank_unknown(row_scores, known_rows, DEPTH)
            first_rows.append(top_rows[:10])
            records.append((len(known.anime_rows), *list_values(top_rows, targets)))
    return ListQuality(pd.DataFrame(records, columns=["history", *LIST_VALUES]), first_rows) if records else None


def rank_unknown(scores: Scores, known_rows: NDArray[Any], k: int) -> NDArray[np.int64]:
    """Return the rows of at most k best scores, `known_rows` and scores of minus infinity left out."""
    candidates = scores > -np.inf
    candidates[known_rows] = False
    return top_k_rows(scores, k, allowed=candidates)


def list_values(top_rows: NDArray[np.int64], targets: Targets) -> tuple[float, ...]:
    """Return the :data:`LIST_VALUES` of one ranking of 100 rows or ids, best first; NaN for what does not apply."""
    places, n_targets = np.isin(top_rows, targets.rows), len(targets.rows)
    loved = targets.loved_rows
    hit_ratings = targets.ratings[np.isin(targets.rows, top_rows[:10]) & (targets.ratings > 0)]
    return (
        recall_at(20, places, n_targets),
        ndcg_at(10, places, n_targets),
        ndcg_at(100, places, n_targets),
        ndcg_at(10, np.isin(top_rows, loved), len(loved)) if len(loved) else np.nan,
        len(hit_ratings),
        int(np.count_nonzero(hit_ratings < targets.mean_rating)),
    )
