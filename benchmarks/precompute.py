"""``python -m benchmarks.precompute --store DIR``: what recommendations cost that are computed before anybody asks.

Leaves the answers in the store, in place of any that were there, and :mod:`benchmarks.routes` finds them.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.processes import run_measured
from benchmarks.results import Row, show
from benchmarks.serving import describe
from models.bundle.reader import read_bundle
from models.store import Store
from service.precompute.files import precomputed_file


def measure_precompute(store: Path, n_users: int) -> Row:
    """Precompute answers for some users.

    Parameters
    ----------
    store : Path
    n_users : int
        Drawn at random; all, where there are no more.

    Returns
    -------
    dict
        A row of the table.
    """
    bundle = read_bundle(Store(store).current_folder())
    chosen = np.random.default_rng(0).permutation(bundle.user_ids)[:n_users]
    with tempfile.TemporaryDirectory() as folder:
        users = Path(folder) / "users.txt"
        np.savetxt(users, chosen, fmt="%d")
        command = [sys.executable, "-m", "service.precompute", "--store", str(store), "--users", str(users)]
        done = run_measured(command, Path(folder) / "log")
    size = precomputed_file(store, bundle.manifest.model_version).stat().st_size
    return {
        "users": len(chosen),
        "seconds": round(done.wall_s, 1),
        "CPU seconds": round(done.cpu_s, 1),
        "answers/s": round(len(chosen) / done.wall_s),
        "kB per answer": round(size / len(chosen) / 1e3, 2),
        "own memory, GB": round(done.peak().own_bytes / 1e9, 2),
        "all users at this rate, min": round(bundle.n_users * done.wall_s / len(chosen) / 60.0, 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.precompute", description=__doc__)
    parser.add_argument("--store", type=Path, default=Path("models/store"), help="Folder of published bundles.")
    parser.add_argument("--out", type=Path, help="Write the table there too, as JSON.")
    parser.add_argument("--users", type=int, default=20_000, help="Answers for so many, drawn at random.")
    options = parser.parse_args()
    note = describe(options.store)
    row = measure_precompute(options.store, options.users)
    show("precompute", [row], note, options.out)


if __name__ == "__main__":
    main()
