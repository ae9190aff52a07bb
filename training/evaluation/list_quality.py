"""How well a scorer ranks the hidden part of lists: one value per user and metric."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.scoring.ranking import top_k_rows
from training.evaluation.metrics import ndcg_at, recall_at
from training.evaluation.scorers import Rows, Scorer, Scores

DEPTH: Final = 100
LIST_METRICS: Final = ("recall_at_20", "ndcg_at_10", "ndcg_at_100")
# Lists that are scored at once; more would only need more memory.
BATCH_SIZE: Final = 128


@dataclass(frozen=True)
class ListQuality:
    """What was measured, user by user.

    Attributes
    ----------
    values : pandas.DataFrame
        One row per user: ``history`` (titles that went in) and :data:`LIST_METRICS`.
    top_rows : list of ndarray, dtype=int64
        The ten recommended first, best first.
    """

    values: pd.DataFrame
    top_rows: list[NDArray[np.int64]]


def measure_lists(
    scorer: Scorer,
    user_rows: NDArray[np.int64],
    inputs: Sequence[Rows],
    targets: Sequence[Rows],
    known: Sequence[Rows] | None = None,
) -> ListQuality | None:
    """Rank all anime for every list and find the targets in the ranking.

    Parameters
    ----------
    scorer : Scorer
    user_rows : ndarray of shape (n,), dtype=int64
    inputs : sequence of ndarray, dtype=int32
        What the scorer is told.
    targets : sequence of ndarray, dtype=int32
        What is to be found; none of them empty.
    known : sequence of ndarray, dtype=int32, optional
        What cannot be an answer; the inputs by default.

    Returns
    -------
    ListQuality or None
        None where the scorer says nothing of lists, or there are none.
    """
    known = inputs if known is None else known
    records: list[tuple[float, ...]] = []
    first_rows = []
    for start in range(0, len(inputs), BATCH_SIZE):
        batch = slice(start, start + BATCH_SIZE)
        scores = scorer.score_lists(user_rows[batch], inputs[batch])
        for row_scores, input_rows, known_rows, target_rows in zip(
            scores, inputs[batch], known[batch], targets[batch], strict=True
        ):
            if row_scores is None:
                return None
            top_rows = rank_unknown(row_scores, known_rows, DEPTH)
            first_rows.append(top_rows[:10])
            records.append((len(input_rows), *list_metrics(top_rows, target_rows)))
    return ListQuality(pd.DataFrame(records, columns=["history", *LIST_METRICS]), first_rows) if records else None


def rank_unknown(scores: Scores, known_rows: NDArray[Any], k: int) -> NDArray[np.int64]:
    """Rank what is not known yet.

    Parameters
    ----------
    scores : ndarray of shape (n_anime,), dtype=float32
        Minus infinity is out of the ranking, as what a franchise does not show.
    known_rows : ndarray of shape (n,), dtype=integer
        What cannot be an answer.
    k : int

    Returns
    -------
    ndarray of shape (at most k,), dtype=int64
        Best first.
    """
    candidates = scores > -np.inf
    candidates[known_rows] = False
    return top_k_rows(scores, k, allowed=candidates)


def list_metrics(top_rows: NDArray[np.int64], target_rows: NDArray[np.integer]) -> tuple[float, ...]:
    """Measure one ranking.

    Parameters
    ----------
    top_rows : ndarray of shape (at most 100,), dtype=int64
        Best first; rows or ids.
    target_rows : ndarray of shape (n,), dtype=integer
        What is to be found, of the same kind; not empty.

    Returns
    -------
    tuple of float
        The :data:`LIST_METRICS`, in their order.
    """
    places, n_targets = np.isin(top_rows, target_rows), len(target_rows)
    return recall_at(20, places, n_targets), ndcg_at(10, places, n_targets), ndcg_at(100, places, n_targets)
