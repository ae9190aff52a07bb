"""Where benchmarks keep things: an option each, the same for all."""

import argparse
from pathlib import Path
from typing import Final

DUMPS: Final = Path("data/bench")
RESULTS: Final = Path("runs/bench")
WORK: Final = RESULTS / "training"


def add_places(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--out", type=Path, default=RESULTS, help=f"Folder for the tables. [default: {RESULTS}]")
    parser.add_argument("--dumps", type=Path, default=DUMPS, help=f"Folder for simulated dumps. [default: {DUMPS}]")
    parser.add_argument("--work", type=Path, default=WORK, help=f"Folder for runs and stores. [default: {WORK}]")
