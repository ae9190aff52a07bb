"""``python -m benchmarks.precompute --store DIR``: the cost of precomputing recommendations.

Replaces the precomputed answers of the store; :mod:`benchmarks.routes` then measures with these.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.processes import run_measured
from benchmarks.serving import current_bundle, describe, store_parser
from benchmarks.tables import Row, write_table
from service.precompute.files import precomputed_file


def measure_precompute(store: Path, n_users: int) -> Row:
    """Precompute answers for ``n_users`` drawn at random, or for all where there are no more; return a row."""
    bundle = current_bundle(store)
    chosen = np.random.default_rng(0).permutation(bundle.user_ids)[:n_users]
    # What lies there already would be taken over.
    for earlier in store.glob(precomputed_file(Path(), "*").name):
        earlier.unlink()
    with tempfile.TemporaryDirectory() as folder:
        users = Path(folder) / "users.txt"
        users.write_text("\n".join(map(str, chosen.tolist())), encoding="utf-8")
        command = [sys.executable, "-m", "service.precompute", "--store", str(store), "--users", str(users)]
        done = run_measured(command, Path(folder) / "log")
    size = precomputed_file(store, bundle.manifest.model_version).stat().st_size
    return {
        "users": len(chosen),
        "seconds": round(done.wall_s, 1),
        "CPU seconds": round(done.cpu_s, 1),
        "answers/s": round(len(chosen) / done.wall_s),
        "kB per answer": round(size / len(chosen) / 1e3, 2),
        "own memory, GB": round(done.own_gb(), 2),
        "all users at this rate, min": round(bundle.n_users * done.wall_s / len(chosen) / 60.0, 1),
    }


def main() -> None:
    """Measure and print."""
    parser = store_parser("precompute", __doc__)
    parser.add_argument("--users", type=int, default=20_000, help="Answers to precompute. [default: %(default)s]")
    options = parser.parse_args()
    write_table(
        "precompute", [measure_precompute(options.store, options.users)], describe(options.store), options.out
    )


if __name__ == "__main__":
    main()
