"""What a run shows: a table in the terminal, and a folder with plots and the numbers."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from training.embeddings.trained import TrainedNetwork
from training.evaluation.evaluate import LENGTH_NAMES, Metrics
from training.lists.prepared import Prepared

mpl.use("Agg")
import matplotlib.pyplot as plt

N_MAPPED_ANIME: Final = 1200
_MAP_STEPS: Final = 300
N_MAPPED_GENRES: Final = 10

COLUMNS: Final = (
    ("Recall@20", "next_anime", "recall_at_20"),
    ("NDCG@10", "next_anime", "ndcg_at_10"),
    ("NDCG@100", "next_anime", "ndcg_at_100"),
    ("similar NDCG@10", "similar_anime", "ndcg_at_10"),
    ("... all queries", "similar_anime", "all"),
)


def print_table(metrics: Metrics) -> None:
    """Print the evaluation to standard output.

    Parameters
    ----------
    metrics : dict
        From :func:`training.evaluation.evaluate.evaluate`.
    """
    table = Table(title=_title(metrics))
    table.add_column("method")
    for heading, _, _ in COLUMNS:
        table.add_column(heading, justify="right")
    table.add_column("coverage@10", justify="right")
    for name, measured in metrics["methods"].items():
        cells = [_cell(measured[part].get(metric)) for _, part, metric in COLUMNS]
        mark = " (weak)" if measured["generalisation"] == "weak" else ""
        table.add_row(name + mark, *cells, str(measured["next_anime"].get("coverage_at_10", "-")))
    # A pipe has no width of its own, and a folded table is no table.
    Console(width=None if Console().is_terminal else 140).print(table)


def write_report(folder: Path, metrics: Metrics, trained: Sequence[TrainedNetwork], prepared: Prepared) -> None:
    """Write the numbers and the plots.

    Parameters
    ----------
    folder : Path
        Exists.
    metrics : dict
        From :func:`training.evaluation.evaluate.evaluate`.
    trained : sequence of TrainedNetwork
        The published one first.
    prepared : Prepared
    """
    (folder / "evaluation.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    for network in trained:
        _plot_losses(folder / f"loss_{network.network}.png", network)
    if any(measured["next_anime"] for measured in metrics["methods"].values()):
        _plot_history_lengths(folder / "history_lengths.png", metrics)
    if prepared.interactions.n_anime >= 10:
        _plot_map(folder / "anime_map.png", trained[0].anime_embeddings, prepared)
    (folder / "report.md").write_text(_markdown(metrics, sorted(folder.glob("*.png"))), encoding="utf-8")


def _title(metrics: Metrics) -> str:
    return (
        f"next anime for {metrics['n_test_users']:,} held-out users; similar anime on "
        f"{metrics['n_similar_queries']:,} measuring queries (95 % intervals)"
    )


def _cell(estimate: dict[str, float] | None) -> str:
    if not estimate:
        return "-"
    return f"{estimate['mean']:.4f} ±{(estimate['high'] - estimate['low']) / 2:.3f}"


def _markdown(metrics: Metrics, plots: Sequence[Path]) -> str:
    headings = ["method", *(heading for heading, _, _ in COLUMNS), "coverage@10"]
    lines = [f"# Evaluation\n\n{_title(metrics)}\n", "| " + " | ".join(headings) + " |", "|---" * len(headings) + "|"]
    for name, measured in metrics["methods"].items():
        cells = [_cell(measured[part].get(metric)) for _, part, metric in COLUMNS]
        coverage = measured["next_anime"].get("coverage_at_10", "-")
        lines.append(f"| {name} ({measured['generalisation']}) | " + " | ".join(cells) + f" | {coverage} |")
    lines.append("")
    lines.extend(f"![{plot.stem}]({plot.name})" for plot in plots)
    return "\n".join(lines) + "\n"


def _plot_losses(path: Path, network: TrainedNetwork) -> None:
    figure, axes = plt.subplots(figsize=(7, 4))
    for name in ("loss", "val_loss"):
        if name in network.history:
            values = network.history[name]
            axes.plot(range(1, len(values) + 1), values, marker="o", label=name)
    axes.set(title=f"{network.network}: loss per epoch", xlabel="epoch", ylabel="loss")
    axes.legend()
    _save(figure, path)


def _plot_history_lengths(path: Path, metrics: Metrics) -> None:
    figure, axes = plt.subplots(figsize=(8, 4.5))
    for name, measured in metrics["methods"].items():
        groups = measured["next_anime"].get("by_history_length", {})
        lengths = [length for length in LENGTH_NAMES if length in groups]
        means = [groups[length]["ndcg_at_100"]["mean"] for length in lengths]
        axes.plot(lengths, means, marker="o", label=name)
    axes.set(
        title="NDCG@100 by length of the known list", xlabel="titles on the list", ylabel="NDCG@100", ylim=(0, None)
    )
    axes.legend(fontsize="small")
    _save(figure, path)


def _plot_map(path: Path, anime_embeddings: NDArray[np.float32], prepared: Prepared) -> None:
    """Draw the best-known anime where t-SNE puts them, coloured by genre."""
    from sklearn.manifold import TSNE  # noqa: PLC0415 - takes a second to import

    rows = np.sort(np.argsort(-prepared.interactions.popularity(), kind="stable")[:N_MAPPED_ANIME])
    perplexity = min(30.0, (len(rows) - 1) / 3)
    tsne = TSNE(metric="cosine", init="pca", perplexity=perplexity, max_iter=_MAP_STEPS, random_state=0)
    # Its threads wait for each other a thousand times: on a busy machine that took ten times as long as one does.
    with threadpool_limits(1, "openmp"):
        places = tsne.fit_transform(anime_embeddings[rows])
    genres = prepared.catalogue["anime_genres"][rows]
    # Every anime takes the colour of its rarest common genre, which says more of it than Comedy.
    common = np.argsort(-genres.sum(axis=0), kind="stable")[:N_MAPPED_GENRES]
    figure, axes = plt.subplots(figsize=(9, 8))
    shown = np.zeros(len(rows), dtype=bool)
    for column in common[::-1]:
        here = genres[:, column] & ~shown
        shown |= here
        axes.scatter(places[here, 0], places[here, 1], s=9, label=str(prepared.catalogue["genre_names"][column]))
    axes.scatter(places[~shown, 0], places[~shown, 1], s=9, color="lightgrey", label="other")
    axes.set(title=f"The {len(rows):,} best-known anime by their embeddings (t-SNE)", xticks=[], yticks=[])
    axes.legend(fontsize="small", markerscale=2)
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
