"""From results user by user to the contents of benchmark.json."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from training.evaluation.evaluate import Measured, estimate_lists, summarise_lists, summarise_mirror
from training.evaluation.list_quality import LIST_METRICS, LOVED
from training.evaluation.metrics import NORMAL_QUANTILE, Estimate, estimate_mean
from training.leaderboard.methods import Material, Method
from training.leaderboard.sanity import expect_recall_by_chance

Summary = dict[str, Any]
CONFIDENCE: Final = 0.95


def summarise(
    methods: Sequence[Method], measured: Mapping[str, Measured], left_out: Mapping[str, str], material: Material
) -> Summary:
    """Summarise the results per method.

    Returns
    -------
    dict
        Ready for JSON: ``data``, ``settings``, ``n_test_users``, ``n_similar_queries``, ``methods`` (per name:
        ``kind``, ``source``, ``generalisation``, ``next_anime``, ``mirror``, ``cold_start``, ``untold``,
        ``similar_anime``, ``cost``),
        ``left_out``, ``paired`` (per question: ``baseline``, ``metric`` and per method the difference), ``sanity``.
    """
    train = material.split.train
    # Share of the training users who have seen each anime.
    holders = train.popularity() / train.n_users
    done = [method for method in methods if method.name in measured]
    report = material.prepared.report
    return {
        "data": report.data.model_dump(mode="json"),
        "settings": material.settings.model_dump(),
        "n_test_users": len(material.split.test_user_rows),
        "n_training_users": train.n_users,
        "n_anime": train.n_anime,
        "n_similar_queries": len(material.measuring_queries),
        "methods": {method.name: _summarise_method(method, measured[method.name], holders) for method in done},
        "left_out": dict(left_out),
        "paired": {
            "next_anime": _compare(done, _values_of_users(measured, "ndcg_at_100"), "ndcg_at_100"),
            "loved_anime": _compare(done, _values_of_users(measured, LOVED), LOVED),
            "similar_anime": _compare(done, {name: one.similar for name, one in measured.items()}, "ndcg_at_10"),
        },
        "sanity": check_sanity(measured, material),
    }


def estimate_coverage(top_rows: Sequence[NDArray[np.int64]]) -> Estimate:
    """Count the anime in any user's first ten, with the jackknife's interval over users.

    The bootstrap would be biased: its draws hold fewer different users, which cover fewer anime.

    References
    ----------
    Efron, Stein, "The Jackknife Estimate of Variance", Annals of Statistics 1981.
    """
    n = len(top_rows)
    rows, users = np.concatenate(top_rows), np.repeat(np.arange(n), [len(top) for top in top_rows])
    covered, firsts, counts = np.unique(rows, return_index=True, return_counts=True)
    # Without a user the coverage falls by what is recommended to that user alone.
    alone = np.bincount(users[firsts[counts == 1]], minlength=n)
    half = NORMAL_QUANTILE * float(((n - 1) / n * ((alone - alone.mean()) ** 2).sum()) ** 0.5)
    return Estimate(float(len(covered)), len(covered) - half, len(covered) + half, n)


@dataclass(frozen=True)
class Difference(Estimate):
    """A mean difference, method minus baseline, with the interval of the paired t test."""

    p_t: float  # two-sided, of the paired t test
    p_wilcoxon: float  # two-sided, of Wilcoxon's signed-rank test


def compare_paired(values: NDArray[np.float64], baseline: NDArray[np.float64]) -> Difference:
    """Compare two methods on the same users, in the same order.

    Without spread, or with one user, the p values are 1.

    References
    ----------
    Student, "The Probable Error of a Mean", Biometrika 1908. Wilcoxon, "Individual Comparisons by Ranking Methods",
    Biometrics 1945.
    """
    differences = values - baseline
    mean, n = float(differences.mean()), len(differences)
    if n == 1 or not np.ptp(differences):
        return Difference(mean, mean, mean, n, 1.0, 1.0)
    test = stats.ttest_1samp(differences, 0.0)
    low, high = test.confidence_interval(CONFIDENCE)
    p_wilcoxon = stats.wilcoxon(differences).pvalue
    return Difference(mean, float(low), float(high), n, float(test.pvalue), float(p_wilcoxon))


def check_sanity(measured: Mapping[str, Measured], material: Material) -> list[dict[str, Any]]:
    """Compare the oracle and random scores with what they must give."""
    checks = []
    oracle, chance = measured.get("oracle"), measured.get("random")
    if oracle is not None and oracle.lists is not None:
        means = oracle.lists.values[list(LIST_METRICS)].mean()
        checks += [_check("oracle", metric, 1.0, 1e-9, float(means[metric])) for metric in LIST_METRICS]
    if oracle is not None and oracle.similar is not None:
        checks.append(_check("oracle", "similar_ndcg_at_10", 1.0, 1e-6, float(oracle.similar.mean())))
    if chance is not None and chance.lists is not None:
        expected = expect_recall_by_chance(material.split)
        observed = float(chance.lists.values["recall_at_20"].mean())
        checks.append(_check("random", "recall_at_20", expected.mean, expected.tolerance, observed))
    return checks


def _check(method: str, metric: str, expected: float, tolerance: float, observed: float) -> dict[str, Any]:
    return {
        "method": method,
        "metric": metric,
        "expected": expected,
        "tolerance": tolerance,
        "observed": observed,
        "holds": abs(observed - expected) <= tolerance,
    }


def _summarise_method(method: Method, measured: Measured, holders: NDArray[np.float64]) -> Summary:
    return {
        "kind": method.kind,
        "source": method.source,
        "generalisation": measured.generalisation,
        "next_anime": _summarise_lists(measured, holders),
        "mirror": summarise_mirror(measured.mirror),
        "cold_start": {name: estimate_lists(quality.values) for name, quality in measured.cold_start.items()},
        "untold": {name: estimate_lists(quality.values) for name, quality in measured.untold.items()},
        "similar_anime": {} if measured.similar is None else {"ndcg_at_10": asdict(estimate_mean(measured.similar))},
        "cost": dict(measured.cost),
    }


def _summarise_lists(measured: Measured, holders: NDArray[np.float64]) -> Summary:
    if measured.lists is None:
        return {}
    top_rows = measured.lists.top_rows
    popularity = np.array([holders[rows].mean() if len(rows) else 0.0 for rows in top_rows])
    return {
        **summarise_lists(measured.lists),
        "coverage_at_10": asdict(estimate_coverage(top_rows)),
        "popularity_at_10": asdict(estimate_mean(popularity)),
    }


def _values_of_users(measured: Mapping[str, Measured], metric: str) -> dict[str, NDArray[np.float64] | None]:
    lists = {name: one.lists for name, one in measured.items()}
    # Users to whom a metric does not apply are the same for all methods.
    return {name: None if one is None else one.values[metric].dropna().to_numpy() for name, one in lists.items()}


def _compare(
    methods: Sequence[Method], values: Mapping[str, NDArray[np.float64] | None], metric: str
) -> dict[str, Any]:
    """Compare every method with the baseline whose mean is best."""
    known = {name: value for name, value in values.items() if value is not None and len(value)}
    baselines = [method.name for method in methods if method.kind == "baseline" and method.name in known]
    if not baselines:
        return {}
    best = max(baselines, key=lambda name: float(known[name].mean()))
    others = [method.name for method in methods if method.kind != "sanity" and method.name in known]
    return {
        "baseline": best,
        "metric": metric,
        "methods": {name: asdict(compare_paired(known[name], known[best])) for name in others if name != best},
    }
