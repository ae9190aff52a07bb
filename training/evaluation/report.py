"""The report of a run: a table in the terminal, and a folder with plots and the numbers."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from training.embeddings.trained import TrainedNetwork
from training.evaluation.evaluate import HARM, Metrics
from training.evaluation.list_quality import LOVED
from training.evaluation.plots import plot_history_lengths, plot_losses, plot_map
from training.evaluation.tables import RATING_WORDS, TextTable, mirror_table, name_of, show
from training.lists.prepared import Prepared

COLUMNS: Final = (
    ("Recall@20", "next_anime", "recall_at_20"),
    ("NDCG@10", "next_anime", "ndcg_at_10"),
    ("NDCG@100", "next_anime", "ndcg_at_100"),
    ("loved NDCG@10", "next_anime", LOVED),
    ("harm@10", "next_anime", HARM),
    ("similar NDCG@10", "similar_anime", "ndcg_at_10"),
    ("... all queries", "similar_anime", "all"),
)


def print_table(metrics: Metrics) -> None:
    """Print the results of :func:`training.evaluation.evaluate.evaluate`."""
    _table(metrics).print()
    mirror_table(metrics["methods"], metrics["methods"]).print()


def write_report(folder: Path, metrics: Metrics, trained: Sequence[TrainedNetwork], prepared: Prepared) -> None:
    """Write the numbers and plots into an existing folder; the published network comes first in `trained`."""
    (folder / "evaluation.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    for network in trained:
        plot_losses(folder / f"loss_{network.network}.png", network)
    if any(measured["next_anime"] for measured in metrics["methods"].values()):
        plot_history_lengths(folder / "history_lengths.png", metrics)
    if prepared.interactions.n_anime >= 10:
        plot_map(folder / "anime_map.png", trained[0].anime_embeddings, prepared)
    plots = [f"![{plot.stem}]({plot.name})" for plot in sorted(folder.glob("*.png"))]
    mirror = mirror_table(metrics["methods"], metrics["methods"]).markdown()
    page = "\n\n".join(["# Evaluation", _table(metrics).markdown(), RATING_WORDS, mirror, *plots])
    (folder / "report.md").write_text(page + "\n", encoding="utf-8")


def _table(metrics: Metrics) -> TextTable:
    rows = []
    for name, measured in metrics["methods"].items():
        cells = (show(measured[part].get(metric), 4) for _, part, metric in COLUMNS)
        coverage = str(measured["next_anime"].get("coverage_at_10", "-"))
        rows.append((name_of(name, measured["generalisation"]), *cells, coverage))
    title = (
        f"next anime for {metrics['n_test_users']:,} held-out users; similar anime on "
        f"{metrics['n_similar_queries']:,} measuring queries (± is the 95 % interval)"
    )
    return TextTable(title, ("method", *(heading for heading, _, _ in COLUMNS), "coverage@10"), rows)
