"""``python -m benchmarks.training_runs [--full] [--repeat N]``: the notebook's way beside ours, on the same dump."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from benchmarks.processes import Measured, run_measured
from benchmarks.tables import Row, write_table
from benchmarks.training_command import EMBEDDINGS, RESULTS, SIZES, WHOLE, Size, make_dump, run_training

# At full size an epoch takes the better part of half an hour.
TIMED_BATCHES_AT_FULL_SIZE: Final = 300
WORK: Final = RESULTS / "training"
NOTEBOOK: Final = "the notebook: pandas, and one epoch"
OURS: Final = {"run --only embeddings": EMBEDDINGS, "run": WHOLE}


@dataclass(frozen=True)
class Way:
    """What one way took; the part of the notebook's epoch that was extrapolated is in its seconds."""

    wall_s: float
    cpu_s: float
    process: Measured


def summarise(size: Size, rounds: Sequence[dict[str, Way]]) -> list[Row]:
    """Turn rounds, each of which holds every way, into rows of medians.

    Ratios are taken within a round: the machine's load differs more between rounds than within one.
    """
    rows: list[Row] = []
    for name in rounds[0]:
        ways, notebooks = [each[name] for each in rounds], [each[NOTEBOOK] for each in rounds]
        pairs = list(zip(notebooks, ways, strict=True))
        rows.append(
            {
                "size": size.share,
                "way": name,
                "seconds": round(float(np.median([way.wall_s for way in ways])), 1),
                "CPU seconds": round(float(np.median([way.cpu_s for way in ways])), 1),
                "times as fast": round(float(np.median([other.wall_s / way.wall_s for other, way in pairs])), 2),
                "times less CPU": round(float(np.median([other.cpu_s / way.cpu_s for other, way in pairs])), 2),
                "own memory, GB": round(max(way.process.own_gb() for way in ways), 2),
                "resident, GB": round(max(way.process.resident_gb() for way in ways), 2),
                "largest process, GB": round(max(way.process.largest_process_bytes for way in ways) / 1e9, 2),
                "rounds": len(rounds),
            }
        )
    return rows


def parts_row(size: Size, parts: dict[str, Any]) -> Row:
    """Turn what :mod:`benchmarks.notebook_way` printed into a row."""
    timed, n_batches = parts["batches_timed"], parts["batches_in_epoch"]
    return {
        "size": size.share,
        "rows kept": parts["n_rows"],
        **{f"{name}, s": round(seconds, 1) for name, seconds in parts["seconds"].items()},
        "batches": f"{timed:,} of {n_batches:,}, extrapolated" if parts["unmeasured_s"] else f"all {n_batches:,}",
        "ms per batch": round(parts["seconds_per_batch"] * 1000, 1),
    }


def _round(size: Size) -> tuple[dict[str, Way], dict[str, Any]]:
    data, work = make_dump(size), WORK / size.name
    command = [sys.executable, "-m", "benchmarks.notebook_way", "--data", str(data)]
    if size.divisor == 1:
        command += ["--batches", str(TIMED_BATCHES_AT_FULL_SIZE)]
    process = run_measured(command, work / "notebook.log")
    parts = json.loads(process.output)
    ways = {NOTEBOOK: Way(process.wall_s + parts["unmeasured_s"], process.cpu_s + parts["unmeasured_cpu_s"], process)}
    for name, options in OURS.items():
        # At full size the cost curve has the whole run.
        if size.divisor > 1 or options == EMBEDDINGS:
            process = run_training(data, work / "ours", options).process
            ways[name] = Way(process.wall_s, process.cpu_s, process)
    return ways, parts


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training_runs", description=__doc__)
    parser.add_argument("--full", action="store_true", help="At full size too, in one round.")
    parser.add_argument("--repeat", type=int, default=1, help="Rounds at 1/10. [default: %(default)s]")
    options = parser.parse_args()
    rows: list[Row] = []
    parts: list[Row] = []
    for name, n_rounds in {"tenth": options.repeat, **({"full": 1} if options.full else {})}.items():
        rounds = [_round(SIZES[name]) for _ in range(n_rounds)]
        rows += summarise(SIZES[name], [ways for ways, _ in rounds])
        parts.append(parts_row(SIZES[name], rounds[-1][1]))
        write_table("training_runs", rows, "", RESULTS / "training_runs.json")
        write_table("notebook_parts", parts, "", RESULTS / "notebook_parts.json")


if __name__ == "__main__":
    main()
