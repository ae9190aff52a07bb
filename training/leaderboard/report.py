"""The benchmark's report: tables in the terminal, benchmark.json, benchmark.md and plots."""

import json
from pathlib import Path
from typing import Final

from rich.console import Console

from training.evaluation.plots import PLOTS, draw_leaderboard
from training.evaluation.tables import RATING_WORDS, TextTable, mirror_table
from training.leaderboard.summary import Summary
from training.leaderboard.tables import (
    POINT_NAMES,
    cold_start_tables,
    history_table,
    ladder,
    leaderboard,
    left_out_lines,
    paired_table,
    sanity_lines,
)

PROTOCOL: Final = """\
Full ranking over all anime, never sampled. Users with `splitmix64(user_id) % 10 == {fold}` test and no method learns
from them; of what such a user has seen (plan-to-watch left out) 80 % goes in and 20 % is the target, drawn by a hash.
What goes in cannot be an answer. Recall@20 has the denominator min(20, targets); NDCG is scaled to the best order.
coverage@10 counts the anime in any user's first ten; popularity@10 is the share of the training users who have seen
the titles in a user's first ten. Similar anime: graded NDCG@10, gain log(1 + votes), against MyAnimeList users' own
recommendations of at least 2 votes and from another franchise; only the measuring half of the queries counts. Methods
marked weak have a row per user, learned from the input part of the test users' lists.

± is half of the 95 % interval: 1.96 standard errors over users or queries, for coverage@10 by the jackknife over
users. Differences are paired, on the same users: the 95 % interval and p of the paired t test, and p of Wilcoxon's
signed-rank test, two-sided and not corrected for the number of methods; "not significant" where either p is .05 or
more.

Each method is trained and measured in a process of its own. "training s" is wall-clock time from the lists in memory
to a method that can answer, "peak MB" the most resident memory of the whole process, scoring included (Python, the
libraries and the lists take what the row of popularity shows)."""

COLD_START: Final = """\
All columns but 50+ are the same users: all with at least 10 known titles, of which as many as the heading gives go in
(at 20: or all there are), drawn by a hash. In the first table the targets are those of the leaderboard, and the other
known titles cannot be answers; its last column is of users with at least 50 known titles, all of which go in. In the
other tables everything else that the user has seen is to be found, as for a stranger. Methods with a row per user are
left out."""


def print_report(summary: Summary) -> None:
    """Print the tables to standard output."""
    for table in (leaderboard(summary), _mirror(summary), *_pairs(summary), *cold_start_tables(summary)):
        table.print()
    for line in (*sanity_lines(summary), *left_out_lines(summary)):
        Console(highlight=False).print(line, soft_wrap=True)


def write_report(folder: Path, summary: Summary) -> None:
    """Write benchmark.json, benchmark.md and the plots into an existing folder."""
    (folder / "benchmark.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    (folder / "benchmark.md").write_text(markdown(summary), encoding="utf-8")
    measured = [name for name in ladder(summary) if summary["methods"][name]["next_anime"]]
    draw_leaderboard(folder, summary, measured, POINT_NAMES)


def markdown(summary: Summary) -> str:
    """Return the page."""
    ladder_plot, cold_start_plot, coverage_plot = (f"![{what}]({name})" for name, what in PLOTS.items())
    sections = [
        _about(summary),
        "## Leaderboard",
        leaderboard(summary).markdown(),
        *left_out_lines(summary),
        ladder_plot,
        "## Love and hate",
        RATING_WORDS,
        _mirror(summary).markdown(),
        "## Against the best baseline, on the same users",
        *(table.markdown() for table in _pairs(summary)),
        "## Cold start",
        COLD_START,
        *(table.markdown() for table in cold_start_tables(summary)),
        cold_start_plot,
        "## Short and long lists",
        history_table(summary).markdown(),
        "## Quality against coverage",
        coverage_plot,
        "## Sanity",
        "\n".join(f"- {line}" for line in sanity_lines(summary)),
        "## Protocol",
        PROTOCOL.format(fold=summary["settings"]["test_fold"]),
        "## Methods",
        "\n".join(f"- **{name}** ({one['kind']}): {one['source']}" for name, one in summary["methods"].items()),
    ]
    return "\n\n".join(sections) + "\n"


def _about(summary: Summary) -> str:
    data = summary["data"]
    kind = ", simulated" if data["simulated"] else ""
    return (
        f"{data['name']}{kind}: {summary['n_training_users']:,} users train, {summary['n_test_users']:,} test, "
        f"{summary['n_anime']:,} anime, {summary['n_similar_queries']:,} queries measure similar anime. "
        f"Written by `python -m training benchmark --fold {summary['settings']['test_fold']}`."
    )


def _pairs(summary: Summary) -> list[TextTable]:
    tables = (paired_table(summary, question) for question in summary["paired"])
    return [table for table in tables if table]


def _mirror(summary: Summary) -> TextTable:
    return mirror_table(summary["methods"], ladder(summary))
