"""Checks that hold for any data: an oracle scores 1, and random scores what chance gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.user_list import UserList
from training.evaluation.scorers import Rows, Scorer, Scores
from training.lists.split import Split
from training.similar_anime.truth import SimilarQuery

K: Final = 20
# A fair draw strays further than this less than once in ten thousand runs.
MOST_STANDARD_ERRORS: Final = 4.0


@dataclass
class OracleScorer(Scorer):
    """Knows the targets: the best that any method can score."""

    n_anime: int
    targets: dict[int, Rows]
    similar: dict[int, SimilarQuery]
    name: str = "oracle"

    def score_list(self, user_row: int, _known: UserList) -> Scores:
        """Score the targets 1."""
        return self._mark(self.targets[user_row], np.float32(1.0))

    def score_similar(self, anime_row: int) -> Scores:
        """Score by the votes."""
        query = self.similar[anime_row]
        return self._mark(query.similar_rows, query.gains)

    def _mark(self, rows: NDArray[np.integer], values: NDArray[np.float64] | np.float32) -> Scores:
        scores = np.zeros(self.n_anime, dtype=np.float32)
        scores[rows] = values
        return scores


def make_oracle(split: Split, queries: Sequence[SimilarQuery]) -> OracleScorer:
    """Make an oracle of the test users' targets and the queries."""
    targets = dict(zip(split.test_user_rows.tolist(), split.targets, strict=True))
    return OracleScorer(split.train.n_anime, targets, {query.anime_row: query for query in queries})


@dataclass(frozen=True)
class ChanceRecall:
    """Recall@20 of a random order."""

    mean: float  # over users
    standard_error: float  # of the mean, by the variance of the draw without replacement

    @property
    def tolerance(self) -> float:
        """How far from the mean a fair draw may be."""
        return MOST_STANDARD_ERRORS * self.standard_error


def expect_recall_by_chance(split: Split, k: int = K) -> ChanceRecall:
    """Compute what a random order recalls of the test users' targets.

    A user with t targets among n candidates finds k t / n of them on average (hypergeometric), out of min(k, t).
    """
    n = split.train.n_anime - np.array([len(rows) for rows in split.inputs])
    t = np.array([len(rows) for rows in split.targets])
    drawn, best = np.minimum(k, n), np.minimum(k, t)
    share = t / n
    variances = drawn * share * (1.0 - share) * (n - drawn) / np.maximum(1, n - 1) / best**2
    return ChanceRecall(float(np.mean(drawn * share / best)), float(np.sqrt(variances.sum())) / len(n))
