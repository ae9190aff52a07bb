"""``python -m training run`` on a simulated dump of Kaggle's shape, measured in a process of its own."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.processes import Measured, run_measured

DUMPS: Final = Path("data/bench")
RESULTS: Final = Path("runs/bench")
# Everything that is published or evaluated, without the methods it is compared with.
WHOLE: Final = ("--no-compare",)
EMBEDDINGS: Final = ("--only", "embeddings")
STAGES: Final = ("prepare", "train", "evaluate", "publish")
N_ANIME: Final = 17_562


@dataclass(frozen=True)
class Size:
    """A share of Kaggle's dump: users and rows are divided alike, the catalogue stays."""

    name: str
    divisor: int

    @property
    def n_rows(self) -> int:
        """Number of list rows."""
        return round(109_000_000 / self.divisor)

    @property
    def n_users(self) -> int:
        """Number of users."""
        return round(325_772 / self.divisor)

    @property
    def share(self) -> str:
        """The size as a table shows it."""
        return f"1/{self.divisor}" if self.divisor > 1 else "full"


SIZES: Final = {
    size.name: size
    for size in (Size("hundredth", 100), Size("thirtieth", 30), Size("tenth", 10), Size("third", 3), Size("full", 1))
}


@dataclass(frozen=True)
class TrainingRun:
    """What a run took, and what the thresholds left of the dump."""

    process: Measured
    # Start (``time.monotonic``) and seconds of each stage.
    stages: dict[str, tuple[float, float]]
    n_users: int
    n_anime: int


def make_dump(size: Size) -> Path:
    """Return the folder of a dump: simulated where it is missing, its lists read once so that they are in memory."""
    out = DUMPS / size.name
    # A dump's last file.
    if not (out / "dataset.json").exists():
        shape = ("--rows", size.n_rows, "--users", size.n_users, "--anime", N_ANIME)
        command = [sys.executable, "-m", "training", "demo-data", "--out", out, *shape]
        subprocess.run([str(part) for part in command], check=True)
    with (out / "animelist.csv").open("rb") as lists:
        while lists.read(1 << 24):
            pass
    return out


def run_training(data: Path, folder: Path, options: tuple[str, ...]) -> TrainingRun:
    """Run it in an emptied folder, which then holds the work folder ``run``, the ``store`` and the log."""
    shutil.rmtree(folder, ignore_errors=True)
    places = ("--data", data, "--work", folder / "run", "--store", folder / "store")
    command = [sys.executable, "-m", "training", "run", *map(str, places), *options]
    process = run_measured(command, folder / "run.log")
    timings = json.loads((folder / "run" / "timings.json").read_text(encoding="utf-8"))
    counts = json.loads((folder / "run" / "prepared" / "report.json").read_text(encoding="utf-8"))["data"]["counts"]
    stages = {name: (stage["started"], stage["seconds"]) for name, stage in timings.items()}
    return TrainingRun(process, stages, counts["users_kept"], counts["anime_kept"])
