"""One ``python -m training run`` in a fresh process and an empty work folder, measured."""

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.processes import Measured, Sample, run_measured

# What leaves nothing out that is published or says how good it is; the comparison trains the notebook's network too.
WHOLE: Final = ("--no-compare",)
EMBEDDINGS: Final = ("--only", "embeddings")
STAGES: Final = ("prepare", "train", "evaluate", "publish")


@dataclass(frozen=True)
class TrainingRun:
    """What a run took, the start of Python included, and what was left of the dump after the thresholds."""

    process: Measured
    # When each stage started (``time.monotonic``) and its seconds.
    stages: dict[str, tuple[float, float]]
    n_rows: int
    n_users: int
    n_anime: int

    def peak_of(self, stage: str) -> Sample:
        """Give the peak memory of a stage."""
        started, seconds = self.stages[stage]
        return self.process.peak(started, started + seconds)


def run_training(data: Path, folder: Path, options: tuple[str, ...]) -> TrainingRun:
    """Run it.

    Parameters
    ----------
    data : Path
        The dump.
    folder : Path
        Emptied; takes the work folder, the store and what the run says.
    options : tuple of str

    Raises
    ------
    RuntimeError
        If the run fails.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    places = ("--data", data, "--work", folder / "run", "--store", folder / "store")
    command = [sys.executable, "-m", "training", "run", *map(str, places), *options]
    process = run_measured(command, folder / "run.log")
    timings = json.loads((folder / "run" / "timings.json").read_text(encoding="utf-8"))
    counts = json.loads((folder / "run" / "prepared" / "report.json").read_text(encoding="utf-8"))["data"]["counts"]
    stages = {name: (stage["started"], stage["seconds"]) for name, stage in timings.items()}
    return TrainingRun(process, stages, counts["rows_kept"], counts["users_kept"], counts["anime_kept"])
