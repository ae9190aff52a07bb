"""What a run costs from a hundredth of Kaggle's size to all of it: seconds and peak memory, per stage.

``python -m benchmarks.cost_curve [--up-to SIZE]`` writes ``cost_seconds.json``, ``cost_memory.json``,
``cost_growth.json`` and ``cost_curve.png``.
"""

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl

from benchmarks.dumps import SIZES, Size, make_dump
from benchmarks.growth import fit_growth
from benchmarks.places import add_places
from benchmarks.results import Row, write_result
from benchmarks.training_command import STAGES, WHOLE, TrainingRun, run_training

mpl.use("Agg")
import matplotlib.pyplot as plt

SLOPE_FROM: Final = SIZES["thirtieth"]

_STYLES: Final[dict[str, dict[str, Any]]] = {"whole run": {"color": "black", "linewidth": 2.5, "marker": "o"}}

Point = tuple[Size, TrainingRun]

_FOLDER: Final = "curve"
Cost = Callable[[TrainingRun], float]


def _seconds_of(stage: str) -> Cost:
    return lambda run: run.stages[stage][1]


def _own_gb_of(stage: str) -> Cost:
    return lambda run: run.peak_of(stage).own_bytes / 1e9


SECONDS: Final[dict[str, Cost]] = {
    **{stage: _seconds_of(stage) for stage in STAGES},
    # Python and what it imports before the first stage, and its end.
    "start and end": lambda run: run.process.wall_s - sum(seconds for _, seconds in run.stages.values()),
    "whole run": lambda run: run.process.wall_s,
    "whole run, CPU": lambda run: run.process.cpu_s,
}
OWN_GB: Final[dict[str, Cost]] = {
    **{stage: _own_gb_of(stage) for stage in STAGES},
    "whole run": lambda run: run.process.peak().own_bytes / 1e9,
}
RESIDENT_GB: Final[dict[str, Cost]] = {
    "with mapped files": lambda run: run.process.peak().resident_bytes / 1e9,
    "largest process": lambda run: run.process.largest_process_bytes / 1e9,
}


def seconds_rows(points: Sequence[Point]) -> list[Row]:
    """Give the table of seconds."""
    return [
        {
            "size": size.share,
            "rows": size.n_rows,
            "users kept": run.n_users,
            "anime kept": run.n_anime,
            **{f"{name}, s": round(cost(run), 1) for name, cost in SECONDS.items()},
        }
        for size, run in points
    ]


def memory_rows(points: Sequence[Point]) -> list[Row]:
    """Give the table of peak memory."""
    costs = OWN_GB | RESIDENT_GB
    return [
        {"size": size.share, **{f"{name}, GB": round(cost(run), 2) for name, cost in costs.items()}}
        for size, run in points
    ]


def growth_rows(points: Sequence[Point]) -> list[Row]:
    """Give the table of how costs grow."""
    rows = [size.n_rows for size, _ in points]
    table: list[Row] = []
    for unit, costs in (("s", SECONDS), ("GB", OWN_GB | RESIDENT_GB)):
        for name, cost in costs.items():
            growth = fit_growth(rows, [cost(run) for _, run in points], SLOPE_FROM.n_rows)
            table.append(
                {
                    "cost": f"{name}, {unit}",
                    f"slope from {SLOPE_FROM.share} to {points[-1][0].share}": _rounded(growth.slope, 2),
                    "of the last step": _rounded(growth.last_slope, 2),
                    "fixed": _rounded(growth.fixed, 2),
                    "per million rows": _rounded(growth.per_row * 1e6, 4),
                    "largest error of this sum": None
                    if math.isnan(growth.worst_error)
                    else f"{growth.worst_error:.0%}",
                }
            )
    return table


def plot(points: Sequence[Point], path: Path) -> None:
    """Draw both curves, log-log, into a PNG file."""
    rows = [size.n_rows for size, _ in points]
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    for axes, unit, costs in ((left, "seconds", SECONDS), (right, "peak own memory, GB", OWN_GB)):
        for name in ("whole run", *STAGES):
            # A stage so short that nothing was sampled has no place on a logarithmic axis.
            values = [costs[name](run) or math.nan for _, run in points]
            axes.plot(rows, values, label=name, **_STYLES.get(name, {"marker": "o", "markersize": 3}))
        top = costs["whole run"](points[-1][1])
        axes.plot(rows, [top * n / rows[-1] for n in rows], color="grey", linestyle=":", label="linear in rows")
        axes.set(xscale="log", yscale="log", xlabel="list rows", ylabel=unit)
        axes.grid(alpha=0.3)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=len(STAGES) + 2)
    figure.suptitle("training run, by the size of the dump")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _rounded(value: float, digits: int) -> float | None:
    return None if math.isnan(value) else round(value, digits)


def store_of(work: Path) -> Path:
    """Say where the run of the largest size has published its model."""
    return work / _FOLDER / "store"


def main() -> None:
    """Measure, write and draw."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost_curve", description=__doc__)
    add_places(parser)
    parser.add_argument("--up-to", choices=SIZES, default="tenth", help="Largest size. [default: tenth]")
    options = parser.parse_args()
    largest = SIZES[options.up_to]
    points: list[Point] = []
    for size in SIZES.values():
        if size.divisor < largest.divisor:
            break
        run = run_training(make_dump(options.dumps, size), options.work / _FOLDER, WHOLE)
        points.append((size, run))
        print(f"{size.share}: {run.process.wall_s:.1f} s, {run.process.peak().own_bytes / 1e9:.2f} GB", flush=True)
        # After every size, since the last ones take long.
        write_result(options.out / "cost_seconds.json", "cost_seconds", seconds_rows(points))
        write_result(options.out / "cost_memory.json", "cost_memory", memory_rows(points))
        write_result(options.out / "cost_growth.json", "cost_growth", growth_rows(points))
        plot(points, options.out / "cost_curve.png")


if __name__ == "__main__":
    main()
