"""The plots of docs/steering.md."""

from pathlib import Path
from typing import Any, Final

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

# Knob -> what it is for, as a column of the table.
_SOUGHT: Final = {
    "novelty": ("bits", "mean self-information of the first ten, bits"),
    "diversity": ("distance", "mean distance (1 - cosine) within the first ten"),
}
_NAMES: Final = {"recommendations": "recommendations", "similar": "similar anime"}


def draw(folder: Path, figures: dict[str, Any]) -> None:
    """Draw the trade-off of each knob, and of fairness in groups."""
    for knob, (column, label) in _SOUGHT.items():
        figure, all_axes = plt.subplots(1, 2, figsize=(9, 3.6))
        for axes, (name, title) in zip(all_axes, _NAMES.items(), strict=True):
            table = figures[name][knob]
            across = [row[column] for row in table.values()]
            up = [row["ndcg_at_10"] for row in table.values()]
            axes.errorbar(across, up, yerr=[row["half"] for row in table.values()], marker="o", capsize=2)
            for value, x, y in zip(table, across, up, strict=True):
                if float(value) in (0.0, 0.2, 0.5, 0.8, 1.0):
                    axes.annotate(f"{float(value):g}", (x, y), textcoords="offset points", xytext=(4, 5))
            axes.set(title=f"{title}, {knob} 0 to 1", xlabel=label, ylabel="NDCG@10", ylim=(0, None))
        _save(figure, folder / f"steering_{knob}.png")
    figure, axes = plt.subplots(figsize=(6.5, 4))
    for size, table in figures["groups"].items():
        weights = [way for way in table if way.replace(".", "").isdigit()]
        line = [(table[way]["mean"], table[way]["least_happy"]) for way in weights]
        (drawn,) = axes.plot(*zip(*line, strict=True), marker="o", label=f"groups of {size}")
        # The points of small weights lie close together.
        for weight, point in list(zip(weights, line, strict=True))[::2]:
            axes.annotate(weight, point, textcoords="offset points", xytext=(4, 5), fontsize="small")
        scores = table["mean of scores"]
        axes.plot(scores["mean"], scores["least_happy"], marker="x", color=drawn.get_color())
    axes.set(
        title="Weight of the least happy member (x: mean of scores)",
        xlabel="NDCG@10, mean of the members",
        ylabel="NDCG@10, least happy member",
    )
    axes.legend()
    _save(figure, folder / "steering_groups.png")
    figure, axes = plt.subplots(figsize=(6.5, 4))
    table = figures["pairs"]
    up = [row["liking"] for row in table.values()]
    axes.errorbar(
        [row["score"] for row in table.values()],
        up,
        yerr=[row["half"] for row in table.values()],
        marker="o",
        capsize=2,
    )
    axes.set(
        title="What the score of two lists foretells, by quarters of pairs",
        xlabel="score",
        ylabel="rating of what the other loves,\nless the own mean",
        xlim=(0, 1),
    )
    _save(figure, folder / "steering_compare.png")


def _save(figure: Any, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    plt.close(figure)
