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
# Lists that are scored at once.
BATCH_SIZE: Final = 128


@dataclass(frozen=True)
class ListQuality:
    """Metrics per user."""

    values: pd.DataFrame  # one row per user: `history` (titles that went in) and LIST_METRICS
    top_rows: list[NDArray[np.int64]]  # per user, the first ten, best first


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
    inputs, targets : sequence of ndarray, dtype=int32
        Per user; no targets are empty.
    known : sequence of ndarray, dtype=int32, optional
        What cannot be an answer; the inputs by default.

    Returns
    -------
    ListQuality or None
        None without lists, or if the scorer does not score them.
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
    """Return the rows of at most k best scores, `known_rows` and scores of minus infinity left out."""
    candidates = scores > -np.inf
    candidates[known_rows] = False
    return top_k_rows(scores, k, allowed=candidates)


def list_metrics(top_rows: NDArray[np.int64], target_rows: NDArray[np.integer]) -> tuple[float, ...]:
    """Return the :data:`LIST_METRICS` of one ranking of 100 rows or ids, best first; targets are not empty."""
    places, n_targets = np.isin(top_rows, target_rows), len(target_rows)
    return recall_at(20, places, n_targets), ndcg_at(10, places, n_targets), ndcg_at(100, places, n_targets)
