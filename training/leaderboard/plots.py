"""The leaderboard's three pictures."""

from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.patches import Patch

from training.leaderboard.cold_start import LONG_NAME
from training.leaderboard.summary import Summary
from training.leaderboard.tables import POINT_NAMES, ladder

mpl.use("Agg")
import matplotlib.pyplot as plt

# File name -> what it shows, in the order of the page.
PLOTS: Final = {
    "benchmark_ladder.png": "NDCG@100 of every method with its 95 % interval",
    "benchmark_cold_start.png": "NDCG@100 by how many titles are known",
    "benchmark_coverage.png": "NDCG@100 against coverage@10",
}
_COLOURS: Final = {"sanity": "tab:grey", "baseline": "tab:blue", "ours": "tab:orange"}


def draw_plots(folder: Path, summary: Summary) -> None:
    """Draw :data:`PLOTS`.

    Parameters
    ----------
    folder : Path
        Exists.
    summary : dict
        From :func:`training.leaderboard.summary.summarise`.
    """
    names = [name for name in ladder(summary) if summary["methods"][name]["next_anime"]]
    for file_name, draw in zip(PLOTS, (_draw_ladder, _draw_cold_start, _draw_coverage), strict=True):
        figure, axes = plt.subplots(figsize=(9, 5.5))
        draw(axes, summary, names)
        figure.tight_layout()
        figure.savefig(folder / file_name, dpi=100)
        plt.close(figure)


def _draw_ladder(axes: Any, summary: Summary, names: list[str]) -> None:
    for name in names:
        one = summary["methods"][name]
        estimate = one["next_anime"]["ndcg_at_100"]
        half = estimate["high"] - estimate["mean"]
        axes.barh(name, estimate["mean"], xerr=half, capsize=3, color=_COLOURS[one["kind"]])
        axes.text(estimate["high"] + 0.008, name, f"{estimate['mean']:.3f}", va="center", fontsize="small")
    # Room for the numbers behind the longest bars.
    axes.set(title=PLOTS["benchmark_ladder.png"], xlabel="NDCG@100", xlim=(0, 1.12 * axes.get_xlim()[1]))
    axes.legend(
        handles=[Patch(color=colour, label=kind) for kind, colour in _COLOURS.items()],
        loc="lower right",
    )


def _draw_cold_start(axes: Any, summary: Summary, names: list[str]) -> None:
    for number, name in enumerate(names):
        curve = summary["methods"][name]["cold_start"]
        # Other users stand behind the last point, so no line leads to it.
        for points, label in (([one for one in curve if one != LONG_NAME], name), ([LONG_NAME], None)):
            estimates = [curve[point]["ndcg_at_100"] for point in points if point in curve]
            if estimates:
                axes.errorbar(
                    [POINT_NAMES.index(point) for point in points],
                    [estimate["mean"] for estimate in estimates],
                    yerr=[estimate["high"] - estimate["mean"] for estimate in estimates],
                    label=label,
                    **_style(summary, name, number),
                )
    axes.set(title=PLOTS["benchmark_cold_start.png"], xlabel="known titles", ylabel="NDCG@100", ylim=(0, None))
    axes.set_xticks(range(len(POINT_NAMES)), POINT_NAMES)
    _put_legend(axes)


def _draw_coverage(axes: Any, summary: Summary, names: list[str]) -> None:
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
        xlabel="anime that anybody is recommended in their first ten",
        ylabel="NDCG@100",
        ylim=(0, None),
    )
    axes.set_xscale("log")
    axes.set_xticks([10, 30, 100, 300, 1000, 3000, 10000], ["10", "30", "100", "300", "1,000", "3,000", "10,000"])
    axes.minorticks_off()
    _put_legend(axes)


def _style(summary: Summary, name: str, number: int) -> dict[str, Any]:
    """Give a method its colour; squares and full lines are ours."""
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
