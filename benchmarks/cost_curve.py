"""``python -m benchmarks.cost_curve [--up-to SIZE]``: what a whole run costs, by stage and size of the dump."""

import argparse
from collections.abc import Sequence
from typing import Final

import numpy as np

from benchmarks.tables import Row, write_table
from benchmarks.training_command import RESULTS, SIZES, STAGES, WHOLE, Size, TrainingRun, make_dump, run_training

WORK: Final = RESULTS / "training" / "curve"
# The fixed cost would hide the growth of smaller sizes.
SLOPE_FROM: Final = SIZES["thirtieth"]

Costs = dict[str, float]


def seconds(run: TrainingRun) -> Costs:
    """Return the seconds of every stage and of the whole."""
    stages = {f"{stage}, s": run.stages[stage][1] for stage in STAGES}
    whole, cpu = run.process.wall_s, run.process.cpu_s
    return stages | {
        "start and end, s": whole - sum(stages.values()),
        "whole run, s": whole,
        "whole run, CPU, s": cpu,
    }


def memory(run: TrainingRun) -> Costs:
    """Return the peak memory of every stage and of the whole, in GB."""
    starts = {stage: run.stages[stage] for stage in STAGES}
    stages = {f"{stage}, GB": run.process.own_gb(start, start + length) for stage, (start, length) in starts.items()}
    return stages | {
        "whole run, GB": run.process.own_gb(),
        "with mapped files, GB": run.process.resident_gb(),
        "largest process, GB": run.process.largest_process_bytes / 1e9,
    }


def growth_rows(sizes: Sequence[Size], costs: Sequence[Costs]) -> list[Row]:
    """Return the slope of log cost on log rows for every cost: over the large sizes, and between the last two."""
    large = [size.n_rows >= SLOPE_FROM.n_rows for size in sizes]
    rows = np.log([size.n_rows for size in sizes])
    table: list[Row] = []
    for name in costs[0]:
        # A stage may be too short for a sample of its memory.
        values = np.log(np.maximum([cost[name] for cost in costs], 1e-3))
        table.append(
            {
                "cost": name,
                f"slope from {SLOPE_FROM.share} to {sizes[-1].share}": _slope(rows[large], values[large]),
                "of the last step": _slope(rows[-2:], values[-2:]),
            }
        )
    return table


def _slope(x: np.ndarray, y: np.ndarray) -> float | None:
    return round(float(np.polyfit(x, y, 1)[0]), 2) if len(x) > 1 else None


def write_tables(runs: Sequence[tuple[Size, TrainingRun]]) -> None:
    """Write the tables of the sizes measured so far."""
    sizes = [size for size, _ in runs]
    taken, held = [seconds(run) for _, run in runs], [memory(run) for _, run in runs]
    seconds_rows: list[Row] = [
        {"size": size.share, "rows": size.n_rows, "users kept": run.n_users, "anime kept": run.n_anime}
        | {name: round(cost, 1) for name, cost in costs.items()}
        for (size, run), costs in zip(runs, taken, strict=True)
    ]
    memory_rows: list[Row] = [
        {"size": size.share} | {name: round(cost, 2) for name, cost in costs.items()}
        for size, costs in zip(sizes, held, strict=True)
    ]
    growth = growth_rows(sizes, [one | other for one, other in zip(taken, held, strict=True)])
    for name, rows in (("cost_seconds", seconds_rows), ("cost_memory", memory_rows), ("cost_growth", growth)):
        write_table(name, rows, "", RESULTS / f"{name}.json")


def main() -> None:
    """Measure every size up to the largest."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost_curve", description=__doc__)
    parser.add_argument("--up-to", choices=SIZES, default="tenth", help="Largest size. [default: %(default)s]")
    largest = SIZES[parser.parse_args().up_to]
    runs: list[tuple[Size, TrainingRun]] = []
    for size in SIZES.values():
        if size.divisor >= largest.divisor:
            runs.append((size, run_training(make_dump(size), WORK, WHOLE)))
            # After every size: the last ones take long.
            write_tables(runs)


if __name__ == "__main__":
    main()
