"""The evaluate stage: every scorer on the same users, targets and queries."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.evaluation.list_quality import (
    LIST_METRICS,
    LOVED,
    LOW_HITS,
    RATED_HITS,
    ListQuality,
    ListQuestions,
    measure_lists,
    rank_unknown,
)
from training.evaluation.metrics import estimate_mean, estimate_share, graded_ndcg_at
from training.evaluation.mirror import MIRROR_METRICS, MirrorQuestions, measure_mirror
from training.evaluation.scorers import Generalisation, Scorer
from training.lists.split import Split
from training.similar_anime.truth import SimilarQuery
from training.support.terminal import progress

SIMILAR_DEPTH: Final = 10
HARM: Final = "harm_at_10"
LENGTH_EDGES: Final = (0, 10, 50, 200, 500, 10**9)
LENGTH_NAMES: Final = ("1-9", "10-49", "50-199", "200-499", "500+")

Metrics = dict[str, Any]


@dataclass(frozen=True)
class Measured:
    """The results of one method, user by user and query by query."""

    generalisation: Generalisation
    lists: ListQuality | None  # of the test users; None without any, or if the method does not score lists
    mirror: pd.DataFrame | None  # MIRROR_METRICS of the test users with enough loved and hated titles; None as above
    similar: NDArray[np.float64] | None  # graded NDCG@10 per query; None as above
    cold_start: Mapping[str, ListQuality] = field(default_factory=dict)  # per point
    untold: Mapping[str, ListQuality] = field(default_factory=dict)  # the same, all that is untold to be found
    cost: Mapping[str, float] = field(default_factory=dict)  # seconds and megabytes


@dataclass(frozen=True)
class Questions:
    """What every scorer is asked."""

    lists: ListQuestions
    mirror: MirrorQuestions
    similar: Sequence[SimilarQuery]

    @classmethod
    def of(cls, split: Split, queries: Sequence[SimilarQuery]) -> "Questions":
        """Make the questions of the test users of a split, and of queries for similar anime."""
        return cls(ListQuestions.of_split(split), MirrorQuestions.of(split.whole, split.test_user_rows), queries)


def measure(scorer: Scorer, questions: Questions) -> Measured:
    """Ask a scorer everything; one with a row per user has no other row for the mirror's lists."""
    mirror = measure_mirror(scorer, questions.mirror) if scorer.generalisation == "strong" else None
    similar = measure_similar(scorer, questions.similar)
    return Measured(scorer.generalisation, measure_lists(scorer, questions.lists), mirror, similar)


def evaluate(scorers: Sequence[Scorer], split: Split, queries: Sequence[SimilarQuery]) -> Metrics:
    """Measure every scorer; without test users or queries their tables are empty.

    Returns
    -------
    dict
        Ready for JSON: ``n_test_users``, ``n_similar_queries`` (measuring half), and ``methods``, per scorer's name:
        ``generalisation``, ``next_anime`` (metric -> mean, low, high, n; ``coverage_at_10``;
        ``by_history_length``), ``mirror``, ``similar_anime`` (``ndcg_at_10`` on the measuring half and on
        ``all`` queries).
    """
    measures = ~np.array([query.may_choose for query in queries], dtype=bool)
    questions = Questions.of(split, queries)
    methods: dict[str, Metrics] = {}
    n_questions = len(split.test_user_rows) + len(queries)
    with progress("evaluate", len(scorers) * n_questions, "queries") as update:
        for number, scorer in enumerate(scorers, start=1):
            measured = measure(scorer, questions)
            methods[scorer.name] = {
                "generalisation": scorer.generalisation,
                "next_anime": summarise_lists(measured.lists),
                "mirror": summarise_mirror(measured.mirror),
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
    """Estimate every metric over users: metric -> mean, low, high, n; those of ratings where there are some."""
    estimates = {name: estimate_mean(values[name].to_numpy()) for name in LIST_METRICS}
    loved, rated_hits = values[LOVED].dropna(), values[RATED_HITS].to_numpy()
    if len(loved):
        estimates[LOVED] = estimate_mean(loved.to_numpy())
    if rated_hits.any():
        estimates[HARM] = estimate_share(values[LOW_HITS].to_numpy(), rated_hits)
    return {name: asdict(estimate) for name, estimate in estimates.items()}


def summarise_mirror(overlaps: pd.DataFrame | None) -> Metrics:
    """Return metric -> estimate; empty for None."""
    if overlaps is None:
        return {}
    return {name: asdict(estimate_mean(overlaps[name].to_numpy())) for name in MIRROR_METRICS}


def measure_similar(scorer: Scorer, queries: Sequence[SimilarQuery]) -> NDArray[np.float64] | None:
    """Measure the graded NDCG@10 of each query; None without any, or if the scorer knows no similar anime."""
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
