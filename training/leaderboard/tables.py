"""The leaderboard's tables, for the terminal and for benchmark.md."""

from collections.abc import Mapping
from typing import Any, Final

from training.evaluation.evaluate import HARM, LENGTH_NAMES
from training.evaluation.list_quality import LIST_METRICS, LOVED
from training.evaluation.tables import TextTable, name_of, number, show
from training.leaderboard.cold_start import CUTS, LONG_NAME
from training.leaderboard.summary import Summary

POINT_NAMES: Final = (*(str(n) for n in CUTS), LONG_NAME)
CERTAIN: Final = 0.05
METRIC_NAMES: Final = {
    "recall_at_20": "Recall@20",
    "ndcg_at_10": "NDCG@10",
    "ndcg_at_100": "NDCG@100",
    LOVED: "loved NDCG@10",
    "similar_ndcg_at_10": "similar NDCG@10",
}


def ladder(summary: Summary) -> list[str]:
    """Return the methods but the oracle, the lowest NDCG@100 first, before them those that rank no lists."""
    methods = summary["methods"]
    shown = [name for name in methods if name != "oracle"]
    return sorted(shown, key=lambda name: _mean(methods[name]["next_anime"].get("ndcg_at_100")))


def leaderboard(summary: Summary) -> TextTable:
    """Make the main table."""
    rows = []
    for name in ladder(summary):
        one = summary["methods"][name]
        lists, cost = one["next_anime"], one["cost"]
        rows.append(
            (
                name_of(name, one["generalisation"]),
                *(show(lists.get(metric)) for metric in (*LIST_METRICS, LOVED, HARM)),
                show(one["similar_anime"].get("ndcg_at_10")),
                show(lists.get("coverage_at_10"), decimals=0),
                show(lists.get("popularity_at_10")),
                f"{cost['training_s']:.1f}",
                f"{cost['peak_memory_mb']:,.0f}",
            )
        )
    title = (
        f"next anime for {summary['n_test_users']:,} held-out users, similar anime for "
        f"{summary['n_similar_queries']:,} measuring queries (± is the 95 % interval)"
    )
    headings = ("method", "Recall@20", "NDCG@10", "NDCG@100", "loved NDCG@10", "harm@10", "similar NDCG@10")
    return TextTable(title, (*headings, "coverage@10", "popularity@10", "training s", "peak MB"), rows)


def paired_table(summary: Summary, question: str) -> TextTable | None:
    """Make the table of differences from the best baseline; None without a baseline."""
    paired = summary["paired"][question]
    if not paired:
        return None
    metric = METRIC_NAMES[paired["metric"]]
    rows: list[tuple[str, ...]] = [
        (
            name,
            f"{difference['mean']:+.4f}",
            f"{difference['low']:+.4f} to {difference['high']:+.4f}",
            show_p(difference["p_t"]),
            show_p(difference["p_wilcoxon"]),
            _verdict(difference),
        )
        for name, difference in sorted(paired["methods"].items(), key=lambda item: item[1]["mean"])
    ]
    about = f"{question.replace('_', ' ')}: {metric} minus that of the best baseline, {paired['baseline']}"
    headings = ("method", "difference", "95 % interval", "p (paired t)", "p (Wilcoxon)", "")
    return TextTable(about, headings, rows)


def cold_start_tables(summary: Summary) -> list[TextTable]:
    """Make the tables of the cold-start curves: what is held back, then everything untold; none without users."""
    held_back = _curve_table(
        summary, "cold_start", "ndcg_at_100", "NDCG@100 by how many titles of the list are known"
    )
    untold = [
        _curve_table(summary, "untold", metric, f"{METRIC_NAMES[metric]} where everything untold is to be found")
        for metric in ("ndcg_at_100", "ndcg_at_10", LOVED)
    ]
    return [table for table in (held_back, *untold) if table.rows]


def _curve_table(summary: Summary, curve: str, metric: str, title: str) -> TextTable:
    curves = {name: summary["methods"][name][curve] for name in ladder(summary)}
    return _groups_table(summary, curves, POINT_NAMES, title, metric)


def history_table(summary: Summary) -> TextTable:
    """Make the table of the natural groups."""
    groups = {name: summary["methods"][name]["next_anime"].get("by_history_length", {}) for name in ladder(summary)}
    return _groups_table(summary, groups, LENGTH_NAMES, "NDCG@100 by the length of the whole known list")


def left_out_lines(summary: Summary) -> list[str]:
    """Return which methods are missing, and why."""
    return [f"{name}: left out, {reason}" for name, reason in summary["left_out"].items()]


def sanity_lines(summary: Summary) -> list[str]:
    """Return the results of the sanity checks."""
    return [
        f"{check['method']}: {METRIC_NAMES[check['metric']]} {check['observed']:.5f}, expected "
        f"{check['expected']:.5f} ± {check['tolerance']:.5f}: {'as it must be' if check['holds'] else 'WRONG'}"
        for check in summary["sanity"]
    ]


def show_p(p: float) -> str:
    """Format a p value."""
    return "< .0001" if p < 0.0001 else number(p, 4)


def _mean(estimate: Mapping[str, float] | None) -> float:
    return estimate["mean"] if estimate else -1.0


def _verdict(difference: Mapping[str, float]) -> str:
    if max(difference["p_t"], difference["p_wilcoxon"]) >= CERTAIN:
        return "not significant"
    return "better" if difference["mean"] > 0.0 else "worse"


def _groups_table(
    summary: Summary,
    groups: Mapping[str, Mapping[str, Any]],
    names: tuple[str, ...],
    title: str,
    metric: str = "ndcg_at_100",
) -> TextTable:
    measured = {name: group for name, group in groups.items() if group}
    shown = [name for name in names if any(name in group for group in measured.values())]
    counts = [next(group[name] for group in measured.values() if name in group)["ndcg_at_100"]["n"] for name in shown]
    rows = [
        (
            name_of(method, summary["methods"][method]["generalisation"]),
            *(show(group.get(name, {}).get(metric)) for name in shown),
        )
        for method, group in measured.items()
    ]
    headings = (f"{name} ({count:,} users)" for name, count in zip(shown, counts, strict=True))
    return TextTable(title, ("method", *headings), rows)
