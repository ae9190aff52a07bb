"""The evaluate stage: every scorer on the same users, targets and queries."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.evaluation.list_quality import LIST_METRICS, measure_lists, rank_unknown
from training.evaluation.metrics import estimate_mean, graded_ndcg_at
from training.evaluation.scorers import Scorer
from training.lists.split import Split
from training.similar_anime.truth import SimilarQuery
from training.support.terminal import progress

SIMILAR_DEPTH: Final = 10
LENGTH_EDGES: Final = (0, 10, 50, 200, 500, 10**9)
LENGTH_NAMES: Final = ("1-9", "10-49", "50-199", "200-499", "500+")

Metrics = dict[str, Any]


def evaluate(scorers: Sequence[Scorer], split: Split, queries: Sequence[SimilarQuery]) -> Metrics:
    """Measure every scorer.

    Parameters
    ----------
    scorers : sequence of Scorer
    split : Split
        Without test users the tables of next anime are empty.
    queries : sequence of SimilarQuery
        Without queries the tables of similar anime are empty.

    Returns
    -------
    dict
        Ready for JSON: ``n_test_users``, ``n_similar_queries`` (measuring half), and ``methods``, per scorer's name:
        ``generalisation``, ``next_anime`` (metric -> mean, low, high, n; ``coverage_at_10``;
        ``by_history_length``), ``similar_anime`` (``ndcg_at_10`` on the measuring half and on ``all`` queries).
    """
    methods: dict[str, Metrics] = {}
    n_lists = len(split.test_user_rows)
    with progress("evaluate", len(scorers) * (n_lists + len(queries)), "queries") as update:
        for number, scorer in enumerate(scorers):
            done = number * (n_lists + len(queries))
            methods[scorer.name] = {
                "generalisation": scorer.generalisation,
                "next_anime": _evaluate_lists(scorer, split),
                "similar_anime": _evaluate_similar(scorer, queries),
            }
            update(done + n_lists + len(queries), scorer.name)
    return {
        "n_test_users": n_lists,
        "n_similar_queries": sum(not query.may_choose for query in queries),
        "methods": methods,
    }


def _evaluate_lists(scorer: Scorer, split: Split) -> Metrics:
    quality = measure_lists(scorer, split.test_user_rows, split.inputs, split.targets)
    if quality is None:
        return {}
    return {
        **estimate_lists(quality.values),
        "coverage_at_10": len(np.unique(np.concatenate(quality.top_rows))),
        "by_history_length": estimate_by_history(quality.values),
    }


def estimate_lists(values: pd.DataFrame) -> Metrics:
    """Estimate every metric over users.

    Parameters
    ----------
    values : pandas.DataFrame
        As in :class:`training.evaluation.list_quality.ListQuality`.

    Returns
    -------
    dict
        Metric -> mean, low, high, n.
    """
    return {name: asdict(estimate_mean(values[name].to_numpy())) for name in LIST_METRICS}


def estimate_by_history(values: pd.DataFrame) -> Metrics:
    """Estimate every metric for short and long lists apart.

    Parameters
    ----------
    values : pandas.DataFrame
        As in :class:`training.evaluation.list_quality.ListQuality`.

    Returns
    -------
    dict
        Name of the group (:data:`LENGTH_NAMES`; groups without users are left out) -> metric -> estimate.
    """
    lengths = pd.cut(values["history"], LENGTH_EDGES, right=False, labels=LENGTH_NAMES)
    return {str(name): estimate_lists(group) for name, group in values.groupby(lengths, observed=True)}


def measure_similar(scorer: Scorer, queries: Sequence[SimilarQuery]) -> NDArray[np.float64] | None:
    """Measure the ranking of similar anime, query by query.

    Returns
    -------
    ndarray of shape (n_queries,), dtype=float64, or None
        Graded NDCG@10; None where the scorer says nothing of similar anime, or there are no queries.
    """
    values = []
    for query in queries:
        scores = scorer.score_similar(query.anime_row)
        if scores is None:
            return None
        top_rows = rank_unknown(scores, np.array([query.anime_row]), SIMILAR_DEPTH)
        gain_of = dict(zip(query.similar_rows.tolist(), query.gains.tolist(), strict=True))
        gains = [gain_of.get(row, 0.0) for row in top_rows.tolist()]
        values.append(graded_ndcg_at(SIMILAR_DEPTH, gains, list(gain_of.values())))
    return np.array(values) if values else None


def _evaluate_similar(scorer: Scorer, queries: Sequence[SimilarQuery]) -> Metrics:
    values = measure_similar(scorer, queries)
    if values is None:
        return {}
    measures = ~np.array([query.may_choose for query in queries])
    result: Metrics = {"all": asdict(estimate_mean(values))}
    if measures.any():
        result["ndcg_at_10"] = asdict(estimate_mean(values[measures]))
    return result
