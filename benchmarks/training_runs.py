"""The notebook's way beside ours on the same dump, in one go: the embeddings alone, and the whole run.

``python -m benchmarks.training_runs [--full] [--repeat N]`` writes ``training_runs.json`` and
``notebook_parts.json``.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.dumps import SIZES, Size, make_dump
from benchmarks.places import add_places
from benchmarks.processes import Measured, run_measured
from benchmarks.results import Row, write_result
from benchmarks.training_command import EMBEDDINGS, WHOLE, run_training

# At full size an epoch takes the better part of half an hour.
TIMED_BATCHES_AT_FULL_SIZE: Final = 300

NOTEBOOK: Final = "the notebook: pandas, and one epoch"
# Name, folder below the work folder, options.
OURS: Final = (("run --only embeddings", "embeddings", EMBEDDINGS), ("run", "whole", WHOLE))


@dataclass(frozen=True)
class Way:
    """What one way took, and what it would have taken more to train the notebook's epoch to its end."""

    wall_s: float
    cpu_s: float
    process: Measured


def summarise(size: Size, rounds: Sequence[dict[str, Way]]) -> list[Row]:
    """Turn rounds into the rows of a table.

    Parameters
    ----------
    size : Size
    rounds : sequence of dict of str to Way
        Each holds every way, the notebook's among them.

    Returns
    -------
    list of dict
        Medians over the rounds; ratios are the medians of the ratios within a round, since the machine's load
        differs more between rounds than within one.
    """
    rows: list[Row] = []
    for name in rounds[0]:
        ways = [each[name] for each in rounds]
        pairs = [(each[NOTEBOOK], each[name]) for each in rounds]
        peaks = [way.process.peak() for way in ways]
        rows.append(
            {
                "size": size.share,
                "way": name,
                "seconds": round(_median([way.wall_s for way in ways]), 1),
                "CPU seconds": round(_median([way.cpu_s for way in ways]), 1),
                "times as fast": round(_median([other.wall_s / way.wall_s for other, way in pairs]), 2),
                "times less CPU": round(_median([other.cpu_s / way.cpu_s for other, way in pairs]), 2),
                "own memory, GB": round(max(peak.own_bytes for peak in peaks) / 1e9, 2),
                "resident, GB": round(max(peak.resident_bytes for peak in peaks) / 1e9, 2),
                "largest process, GB": round(max(way.process.largest_process_bytes for way in ways) / 1e9, 2),
                "rounds": len(rounds),
            }
        )
    return rows


def parts_row(size: Size, parts: dict[str, Any]) -> Row:
    """Turn what :mod:`benchmarks.notebook_way` printed into a row."""
    n_batches = f"{parts['batches_in_epoch']:,}"
    trained = f"{parts['batches_timed']:,} of {n_batches}, extrapolated"
    return {
        "size": size.share,
        "rows kept": parts["n_rows"],
        **{f"{name}, s": round(seconds, 1) for name, seconds in parts["seconds"].items()},
        "batches": trained if parts["epoch_is_extrapolated"] else f"all {n_batches}",
        "ms per batch": round(parts["seconds_per_batch"] * 1000, 1),
    }


def _median(values: list[float]) -> float:
    return float(np.median(values))


def _notebook(data: Path, size: Size, work: Path) -> tuple[Way, dict[str, Any]]:
    command = [sys.executable, "-m", "benchmarks.notebook_way", "--data", str(data)]
    if size.divisor == 1:
        command += ["--batches", str(TIMED_BATCHES_AT_FULL_SIZE)]
    process = run_measured(command, work / "notebook.log")
    parts: dict[str, Any] = json.loads(process.output)
    wall_s = process.wall_s + parts["unmeasured_seconds"]
    return Way(wall_s, process.cpu_s + parts["unmeasured_cpu_seconds"], process), parts


def _round(data: Path, size: Size, work: Path) -> tuple[dict[str, Way], dict[str, Any]]:
    notebook, parts = _notebook(data, size, work)
    ways = {NOTEBOOK: notebook}
    # At full size the cost curve has the whole run.
    for name, folder, options in OURS if size.divisor > 1 else OURS[:1]:
        process = run_training(data, work / folder, options).process
        ways[name] = Way(process.wall_s, process.cpu_s, process)
        print(f"{size.share}: {name}: {process.wall_s:.1f} s", flush=True)
    return ways, parts


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training_runs", description=__doc__)
    add_places(parser)
    parser.add_argument("--full", action="store_true", help="At full size too.")
    parser.add_argument("--repeat", type=int, default=1, help="Rounds at 1/10; one at full size. [default: 1]")
    options = parser.parse_args()
    rows: list[Row] = []
    parts: list[Row] = []
    for name in ("tenth", "full") if options.full else ("tenth",):
        size = SIZES[name]
        data = make_dump(options.dumps, size)
        rounds = []
        for _ in range(options.repeat if name == "tenth" else 1):
            ways, last_parts = _round(data, size, options.work / name)
            rounds.append(ways)
        rows += summarise(size, rounds)
        parts.append(parts_row(size, last_parts))
        write_result(options.out / "training_runs.json", "training_runs", rows)
        write_result(options.out / "notebook_parts.json", "notebook_parts", parts)
    for row in rows:
        print(row)


if __name__ == "__main__":
    main()
