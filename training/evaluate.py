"""The evaluate stage: every scorer on the same users, targets and queries."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import pandas as pd

from models.scoring.top_k import top_k_rows
from training.metrics import estimate_mean, graded_ndcg_at, hits, ndcg_at, recall_at
from training.scorers import Scorer, SimilarScorer
from training.similar_truth import SimilarQuery
from training.split import Split
from training.terminal import progress

DEPTH: Final = 100
SIMILAR_DEPTH: Final = 10
LIST_METRICS: Final = ("recall_at_20", "ndcg_at_10", "ndcg_at_100")
LENGTH_EDGES: Final = (0, 10, 50, 200, 500, 10**9)
LENGTH_NAMES: Final = ("1-9", "10-49", "50-199", "200-499", "500+")

Metrics = dict[str, Any]


def evaluate(scorers: Sequence[SimilarScorer], split: Split, queries: Sequence[SimilarQuery]) -> Metrics:
    """Measure every scorer.

    Parameters
    ----------
    scorers : sequence of SimilarScorer
        Those that are a Scorer are measured on lists too.
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
                "next_anime": _evaluate_lists(scorer, split) if isinstance(scorer, Scorer) else {},
                "similar_anime": _evaluate_similar(scorer, queries),
            }
            update(done + n_lists + len(queries), scorer.name)
    return {
        "n_test_users": n_lists,
        "n_similar_queries": sum(not query.may_choose for query in queries),
        "methods": methods,
    }


def _evaluate_lists(scorer: Scorer, split: Split) -> Metrics:
    records = []
    recommended: set[int] = set()
    for user_row, input_rows, target_rows in zip(split.test_user_rows, split.inputs, split.targets, strict=True):
        scores = scorer.score_list(int(user_row), input_rows)
        candidates = np.ones(len(scores), dtype=bool)
        candidates[input_rows] = False
        top_rows = top_k_rows(scores, DEPTH, allowed=candidates)
        recommended.update(top_rows[:10].tolist())
        places, n_targets = hits(top_rows, target_rows), len(target_rows)
        records.append(
            (
                len(input_rows),
                recall_at(20, places, n_targets),
                ndcg_at(10, places, n_targets),
                ndcg_at(100, places, n_targets),
            )
        )
    if not records:
        return {}
    frame = pd.DataFrame(records, columns=["history", *LIST_METRICS])
    by_length = frame.groupby(pd.cut(frame["history"], LENGTH_EDGES, right=False, labels=LENGTH_NAMES), observed=True)
    return {
        **_estimates(frame),
        "coverage_at_10": len(recommended),
        "by_history_length": {str(name): _estimates(group) for name, group in by_length},
    }


def _estimates(frame: pd.DataFrame) -> Metrics:
    return {name: asdict(estimate_mean(frame[name].to_numpy())) for name in LIST_METRICS}


def _evaluate_similar(scorer: SimilarScorer, queries: Sequence[SimilarQuery]) -> Metrics:
    if not queries:
        return {}
    values = np.array([_similar_ndcg(scorer, query) for query in queries])
    measures = ~np.array([query.may_choose for query in queries])
    result: Metrics = {"all": asdict(estimate_mean(values))}
    if measures.any():
        result["ndcg_at_10"] = asdict(estimate_mean(values[measures]))
    return result


def _similar_ndcg(scorer: SimilarScorer, query: SimilarQuery) -> float:
    scores = scorer.score_similar(query.anime_row)
    candidates = np.ones(len(scores), dtype=bool)
    candidates[query.anime_row] = False
    top_rows = top_k_rows(scores, SIMILAR_DEPTH, allowed=candidates)
    gain_of = dict(zip(query.similar_rows.tolist(), query.gains.tolist(), strict=True))
    return graded_ndcg_at(SIMILAR_DEPTH, [gain_of.get(row, 0.0) for row in top_rows.tolist()], list(gain_of.values()))
