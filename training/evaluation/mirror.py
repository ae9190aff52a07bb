"""Whether what a user hates counts as what they love: three loved titles and a few hated ones, told in three ways."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.scoring.user_list import DISLIKED_RATING, Status, UserList
from training.evaluation.list_quality import rank_unknown
from training.evaluation.scorers import Rows, Scorer
from training.lists.interactions import Interactions
from training.lists.split import hash_pairs, hash_users

LOVED_RATING: Final = 8
N_LOVED: Final = 3
LEAST_HATED, MOST_HATED = 3, 5
# How much of the first ten stays when the hated titles are turned into tens, and when they are left out.
MIRROR_METRICS: Final = ("overlap_with_turned", "overlap_with_loved")
# Other draws than that of the targets.
_LOVED_SALT, _HATED_SALT = 0x10FED, 0xA7ED


@dataclass(frozen=True)
class MirrorQuestions:
    """The same lists in three ways, one entry per user."""

    user_rows: NDArray[np.int64]
    as_is: list[UserList]  # nothing on these can be an answer, however they are asked for
    turned: list[UserList]  # the hated titles rated 10 and completed
    loved: list[UserList]  # the loved titles alone

    @classmethod
    def of(cls, lists: Interactions, user_rows: NDArray[np.int64]) -> "MirrorQuestions":
        """Draw three loved titles (8 or more) and three to five hated ones (1 to 4, or dropped), of who has so many.

        A hash of user and anime draws, so that every run asks alike.
        """
        chosen, ways = [], []
        for user in user_rows.tolist():
            listed = lists.list_of(user)
            begun, dropped = (listed.statuses != int(Status.PLAN_TO_WATCH), listed.statuses == int(Status.DROPPED))
            loved = begun & ~dropped & (listed.ratings >= LOVED_RATING)
            hated = begun & (listed.ratings > 0) & (listed.ratings <= DISLIKED_RATING) | dropped
            if np.count_nonzero(loved) >= N_LOVED and np.count_nonzero(hated) >= LEAST_HATED:
                loved_rows = _draw(lists, user, listed.anime_rows[loved], N_LOVED, _LOVED_SALT)
                hated_rows = _draw(lists, user, listed.anime_rows[hated], MOST_HATED, _HATED_SALT)
                chosen.append(user)
                ways.append(_three_ways(lists, user, loved_rows, hated_rows))
        as_is, turned, alone = (list(way) for way in zip(*ways, strict=True)) if ways else ([], [], [])
        return cls(np.array(chosen, dtype=np.int64), as_is, turned, alone)


def _draw(lists: Interactions, user_row: int, rows: Rows, k: int, salt: int) -> Rows:
    keys = hash_pairs(hash_users(lists.user_ids[[user_row]]), lists.anime_ids[rows], salt)
    return rows[np.argsort(keys, kind="stable")[:k]]


def _three_ways(
    lists: Interactions, user_row: int, loved_rows: Rows, hated_rows: Rows
) -> tuple[UserList, UserList, UserList]:
    as_is = lists.part_of(user_row, np.concatenate([loved_rows, hated_rows]))
    hated = np.isin(as_is.anime_rows, hated_rows)
    ratings = np.where(hated, 10, as_is.ratings).astype(np.uint8)
    statuses = np.where(hated, int(Status.COMPLETED), as_is.statuses).astype(np.uint8)
    return as_is, UserList(as_is.anime_rows, ratings, statuses), lists.part_of(user_row, loved_rows)


def measure_mirror(scorer: Scorer, questions: MirrorQuestions) -> pd.DataFrame | None:
    """Compare the first ten: one row per user, :data:`MIRROR_METRICS`; None for a scorer or users without."""
    firsts: list[list[NDArray[np.int64]]] = []
    for way in (questions.as_is, questions.turned, questions.loved):
        scores = scorer.score_lists(questions.user_rows, way)
        pairs = zip(scores, questions.as_is, strict=True)
        firsts.append([rank_unknown(one, asked.anime_rows, 10) for one, asked in pairs if one is not None])
    if not firsts[0]:
        return None
    as_is, *others = firsts
    overlaps = [[overlap(*two) for two in zip(as_is, other, strict=True)] for other in others]
    return pd.DataFrame(dict(zip(MIRROR_METRICS, overlaps, strict=True)))


def overlap(one: NDArray[np.integer], other: NDArray[np.integer]) -> float:
    """Return what share of the longer of two rankings is in both."""
    return len(np.intersect1d(one, other)) / max(1, len(one), len(other))
