"""The evaluate stage: every scorer on the same users, targets and queries."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.evaluation.list_quality import LIST_METRICS, ListQuality, measure_lists, rank_unknown
from training.evaluation.metrics import estimate_mean, graded_ndcg_at
from training.evaluation.scorers import Generalisation, Scorer
from training.lists.split import Split
from training.similar_anime.truth import SimilarQuery
from training.support.terminal import progress

SIMILAR_DEPTH: Final = 10
LENGTH_EDGES: Final = (0, 10, 50, 200, 500, 10**9)
LENGTH_NAMES: Final = ("1-9", "10-49", "50-199", "200-499", "500+")

Metrics = dict[str, Any]


@dataclass(frozen=True)
class Measured:
    """The results of one method, user by user and query by query."""

    generalisation: Generalisation
    lists: ListQuality | None  # of the test users; None without any, or if the method does not score lists
    similar: NDArray[np.float64] | None  # graded NDCG@10 per query; None as above
    cold_start: Mapping[str, ListQuality] = field(default_factory=dict)  # per point
    cost: Mapping[str, float] = field(default_factory=dict)  # seconds and megabytes


def measure(scorer: Scorer, split: Split, queries: Sequence[SimilarQuery]) -> Measured:
    """Measure a scorer on the test users of a split, and on queries for similar anime."""
    lists = measure_lists(scorer, split.test_user_rows, split.inputs, split.targets)
    return Measured(scorer.generalisation, lists, _measure_similar(scorer, queries))


def evaluate(scorers: Sequence[Scorer], split: Split, queries: Sequence[SimilarQuery]) -> Metrics:
    """Measure every scorer; without test users or queries their tables are empty.

    Returns
    -------
    dict
        Ready for JSON: ``n_test_users``, ``n_similar_queries`` (measuring half), and ``methods``, per scorer's name:
        ``generalisation``, ``next_anime`` (metric -> mean, low, high, n; ``coverage_at_10``;
        ``by_history_length``), ``similar_anime`` (``ndcg_at_10`` on the measuring half and on ``all`` queries).
    """
    measures = ~np.array([query.may_choose for query in queries], dtype=bool)
    methods: dict[str, Metrics] = {}
    n_questions = len(split.test_user_rows) + len(queries)
    with progress("evaluate", len(scorers) * n_questions, "queries") as update:
        for number, scorer in enumerate(scorers, start=1):
            measured = measure(scorer, split, queries)
            methods[scorer.name] = {
                "generalisation": scorer.generalisation,
                "next_anime": summarise_lists(measured.lists),
                "similar_anime": _summarise_similar(measured.similar, measures),
            }
            update(number * n_questions, scorer.name)
    return {
        "n_test_users": len(split.test_user_rows),
        "n_similar_queries": int(measures.sum()),
        "methods": methods,
    }


def summarise_lists(quality: ListQuality | None) -> Metrics:
    """Return metric -> estimate, ``coverage_at_10`` and ``by_history_length``; empty for None."""
    if quality is None:
        return {}
    lengths = pd.cut(quality.values["history"], LENGTH_EDGES, right=False, labels=LENGTH_NAMES)
    groups = quality.values.groupby(lengths, observed=True)
    return {
        **estimate_lists(quality.values),
        "coverage_at_10": len(np.unique(np.concatenate(quality.top_rows))),
        "by_history_length": {str(name): estimate_lists(group) for name, group in groups},
    }


def estimate_lists(values: pd.DataFrame) -> Metrics:
    """Estimate every metric over users: metric -> mean, low, high, n."""
    return {name: asdict(estimate_mean(values[name].to_numpy())) for name in LIST_METRICS}


def _measure_similar(scorer: Scorer, queries: Sequence[SimilarQuery]) -> NDArray[np.float64] | None:
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


def _summarise_similar(values: NDArray[np.float64] | None, measures: NDArray[np.bool_]) -> Metrics:
    if values is None:
        return {}
    result: Metrics = {"all": asdict(estimate_mean(values))}
    if measures.any():
        result["ndcg_at_10"] = asdict(estimate_mean(values[measures]))
    return result
