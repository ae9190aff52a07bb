"""Every picture of a run's report and of the leaderboard."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.patches import Patch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from training.embeddings.trained import TrainedNetwork
from training.evaluation.evaluate import LENGTH_NAMES, Metrics
from training.lists.prepared import Prepared

mpl.use("Agg")
import matplotlib.pyplot as plt

N_MAPPED_ANIME: Final = 1200
_MAP_STEPS: Final = 300
N_MAPPED_GENRES: Final = 10
# File name -> what it shows, in the order of the page.
PLOTS: Final = {
    "benchmark_ladder.png": "NDCG@100 of every method with its 95 % interval",
    "benchmark_cold_start.png": "NDCG@100 by how many titles are known",
    "benchmark_coverage.png": "NDCG@100 against coverage@10",
}
_COLOURS: Final = {"sanity": "tab:grey", "baseline": "tab:blue", "ours": "tab:orange"}


def plot_losses(path: Path, network: TrainedNetwork) -> None:
    """Draw the loss per epoch."""
    with _axes(path, (7, 4)) as axes:
        for name in ("loss", "val_loss"):
            if name in network.history:
                values = network.history[name]
                axes.plot(range(1, len(values) + 1), values, marker="o", label=name)
        axes.set(title=f"{network.network}: loss per epoch", xlabel="epoch", ylabel="loss")
        axes.legend()


def plot_history_lengths(path: Path, metrics: Metrics) -> None:
    """Draw NDCG@100 of every method by the length of the known list."""
    with _axes(path, (8, 4.5)) as axes:
        for name, measured in metrics["methods"].items():
            groups = measured["next_anime"].get("by_history_length", {})
            lengths = [length for length in LENGTH_NAMES if length in groups]
            axes.plot(lengths, [groups[length]["ndcg_at_100"]["mean"] for length in lengths], marker="o", label=name)
        title = "NDCG@100 by length of the known list"
        axes.set(title=title, xlabel="titles on the list", ylabel="NDCG@100", ylim=(0, None))
        axes.legend(fontsize="small")


def plot_map(path: Path, anime_embeddings: NDArray[np.float32], prepared: Prepared) -> None:
    """Draw the best-known anime at their t-SNE positions, coloured by genre."""
    from sklearn.manifold import TSNE  # noqa: PLC0415 - takes a second to import

    rows = np.sort(np.argsort(-prepared.interactions.popularity(), kind="stable")[:N_MAPPED_ANIME])
    perplexity = min(30.0, (len(rows) - 1) / 3)
    tsne = TSNE(metric="cosine", init="pca", perplexity=perplexity, max_iter=_MAP_STEPS, random_state=0)
    # Its threads wait for each other a thousand times: on a busy machine that took ten times as long as one does.
    with threadpool_limits(1, "openmp"):
        places = tsne.fit_transform(anime_embeddings[rows])
    genres = prepared.catalogue["anime_genres"][rows]
    # Every anime takes the colour of its rarest common genre, which is more specific than Comedy.
    common = np.argsort(-genres.sum(axis=0), kind="stable")[:N_MAPPED_GENRES]
    shown = np.zeros(len(rows), dtype=bool)
    with _axes(path, (9, 8)) as axes:
        for column in common[::-1]:
            here = genres[:, column] & ~shown
            shown |= here
            axes.scatter(places[here, 0], places[here, 1], s=9, label=str(prepared.catalogue["genre_names"][column]))
        axes.scatter(places[~shown, 0], places[~shown, 1], s=9, color="lightgrey", label="other")
        axes.set(title=f"The {len(rows):,} best-known anime by their embeddings (t-SNE)", xticks=[], yticks=[])
        axes.legend(fontsize="small", markerscale=2)


def draw_leaderboard(folder: Path, summary: Metrics, names: list[str], points: Sequence[str]) -> None:
    """Draw :data:`PLOTS`: `names` are methods measured on lists, the worst first, `points` those of the curve."""
    draws: tuple[Callable[..., None], ...] = (_draw_ladder, partial(_draw_cold_start, points=points), _draw_coverage)
    for file_name, draw in zip(PLOTS, draws, strict=True):
        with _axes(folder / file_name, (9, 5.5)) as axes:
            draw(axes, summary, names)


def _draw_ladder(axes: Any, summary: Metrics, names: list[str]) -> None:
    for name in names:
        one = summary["methods"][name]
        estimate = one["next_anime"]["ndcg_at_100"]
        half = estimate["high"] - estimate["mean"]
        axes.barh(name, estimate["mean"], xerr=half, capsize=3, color=_COLOURS[one["kind"]])
        axes.text(estimate["high"] + 0.008, name, f"{estimate['mean']:.3f}", va="center", fontsize="small")
    # Room for the numbers behind the longest bars.
    axes.set(title=PLOTS["benchmark_ladder.png"], xlabel="NDCG@100", xlim=(0, 1.12 * axes.get_xlim()[1]))
    axes.legend(handles=[Patch(color=colour, label=kind) for kind, colour in _COLOURS.items()], loc="lower right")


def _draw_cold_start(axes: Any, summary: Metrics, names: list[str], points: Sequence[str]) -> None:
    for number, name in enumerate(names):
        curve = summary["methods"][name]["cold_start"]
        # Other users stand behind the last point, so no line leads to it.
        for some, label in ((points[:-1], name), (points[-1:], None)):
            measured = [point for point in some if point in curve]
            estimates = [curve[point]["ndcg_at_100"] for point in measured]
            if estimates:
                axes.errorbar(
                    [points.index(point) for point in measured],
                    [estimate["mean"] for estimate in estimates],
                    yerr=[estimate["high"] - estimate["mean"] for estimate in estimates],
                    label=label,
                    **_style(summary, name, number),
                )
    axes.set(title=PLOTS["benchmark_cold_start.png"], xlabel="known titles", ylabel="NDCG@100", ylim=(0, None))
    axes.set_xticks(range(len(points)), points)
    _put_legend(axes)


def _draw_coverage(axes: Any, summary: Metrics, names: list[str]) -> None:
    for number, name in enumerate(names):
        one = summary["methods"][name]
        if one["kind"] == "sanity":
            continue
        across, up = one["next_anime"]["coverage_at_10"], one["next_anime"]["ndcg_at_100"]
        axes.errorbar(
            across["mean"],
            up["mean"],
            xerr=across["high"] - across["mean"],
            yerr=up["high"] - up["mean"],
            label=name,
            **_style(summary, name, number),
        )
    axes.set(
        title=PLOTS["benchmark_coverage.png"],
        xlabel="anime in any user's first ten",
        ylabel="NDCG@100",
        ylim=(0, None),
    )
    axes.set_xscale("log")
    axes.set_xticks([10, 30, 100, 300, 1000, 3000, 10000], ["10", "30", "100", "300", "1,000", "3,000", "10,000"])
    axes.minorticks_off()
    _put_legend(axes)


def _style(summary: Metrics, name: str, number: int) -> dict[str, Any]:
    """Return a method's colour, marker and line; squares and full lines are ours."""
    ours = summary["methods"][name]["kind"] == "ours"
    return {
        "color": plt.get_cmap("tab20")(number % 20),
        "marker": "s" if ours else "o",
        "linestyle": "-" if ours else "--",
        "capsize": 2,
    }


def _put_legend(axes: Any) -> None:
    handles, labels = axes.get_legend_handles_labels()
    # Best first, as the points lie.
    axes.legend(handles[::-1], labels[::-1], fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))


@contextlib.contextmanager
def _axes(path: Path, size: tuple[float, float]) -> Iterator[Any]:
    figure, axes = plt.subplots(figsize=size)
    yield axes
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
