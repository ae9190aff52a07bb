"""Simulated dumps of Kaggle's shape in several sizes: users and rows scaled alike, the catalogue as it is."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FULL_ROWS: Final = 109_000_000
FULL_USERS: Final = 325_772
N_ANIME: Final = 17_562


@dataclass(frozen=True)
class Size:
    """A share of Kaggle's dump, which is ``divisor`` times as large."""

    name: str
    divisor: int

    @property
    def n_rows(self) -> int:
        """Rows of the lists."""
        return round(FULL_ROWS / self.divisor)

    @property
    def n_users(self) -> int:
        """Users."""
        return round(FULL_USERS / self.divisor)

    @property
    def share(self) -> str:
        """As a table shows it."""
        return f"1/{self.divisor}" if self.divisor > 1 else "full"


SIZES: Final = {
    name: Size(name, divisor)
    for name, divisor in {"hundredth": 100, "thirtieth": 30, "tenth": 10, "third": 3, "full": 1}.items()
}


def make_dump(folder: Path, size: Size) -> Path:
    """Give the dump of a size, made if it is not there yet, its lists read once so that nobody waits for the disk.

    Parameters
    ----------
    folder : Path
        Holds a dump per size, in a folder of its name.
    size : Size

    Returns
    -------
    Path
        The dump's folder.
    """
    out = folder / size.name
    # The last file that is written of a dump that appears complete or not at all.
    if not (out / "dataset.json").exists():
        shape = ("--rows", size.n_rows, "--users", size.n_users, "--anime", N_ANIME)
        command = [sys.executable, "-m", "training", "demo-data", "--out", out, *shape]
        subprocess.run([str(part) for part in command], check=True)
    with (out / "animelist.csv").open("rb") as lists:
        while lists.read(1 << 24):
            pass
    return out
