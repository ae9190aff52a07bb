"""``python -m benchmarks.start --store DIR``: how long until the service is ready, and what each worker needs.

Ready is counted from the start of the process to the first yes of /health/ready. A worker's own memory is what it has
written to (private dirty pages): the bundle is mapped and shared, and not in it. Each worker has answered before.
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import Final

from benchmarks.results import Row, show
from benchmarks.serving import Server, describe, fetch, serving_store
from models.bundle.reader import read_bundle
from models.store import Store

_N_QUESTIONS: Final = 300
_MEMORY_MB: Final = 16


def measure_start(store: Path, n_workers: int, rounds: int) -> Row:
    """Start the service some times.

    Returns
    -------
    dict
        A row of the table.
    """
    bundle = read_bundle(Store(store).current_folder())
    users = bundle.user_ids[:: max(bundle.n_users // _N_QUESTIONS, 1)].tolist()
    method = bundle.manifest.default_methods.recommendations
    seconds, private = [], []
    for _ in range(rounds):
        started = time.perf_counter()
        with serving_store(store, answer_memory_mb=_MEMORY_MB, n_workers=n_workers, pinned=False) as server:
            seconds.append(time.perf_counter() - started)
            for user_id in users:
                # Named, the method is computed whatever was precomputed.
                fetch(server.port, f"/users/{user_id}/recommendations?method={method}")
            private.append([_private_mb(process) for process in _workers(server)])
    # Who watches over several workers answers nothing itself; which of them answers is for the kernel to say.
    largest = max(max(of_round) for of_round in private)
    return {
        "workers": n_workers,
        "ready, s": round(statistics.median(seconds), 2),
        "fastest": round(min(seconds), 2),
        "slowest": round(max(seconds), 2),
        "private MB of a worker": round(statistics.median(mb for of_round in private for mb in of_round)),
        "of the largest": round(largest),
        "rounds": rounds,
    }


def _workers(server: Server) -> list[int]:
    """Find the processes that answer: the server itself, or those it has started."""
    listed = Path(f"/proc/{server.process_id}/task/{server.process_id}/children").read_text(encoding="utf-8")
    started = [int(child) for child in listed.split()]
    # Python's own keeper of shared resources is a child too.
    return [child for child in started if "spawn_main" in _command(child)] or [server.process_id]


def _command(process_id: int) -> str:
    return Path(f"/proc/{process_id}/cmdline").read_text(encoding="utf-8")


def _private_mb(process_id: int) -> float:
    lines = Path(f"/proc/{process_id}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty:")) * 1024 / 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start", description=__doc__)
    parser.add_argument("--store", type=Path, default=Path("models/store"), help="Folder of published bundles.")
    parser.add_argument("--out", type=Path, help="Write the table there too, as JSON.")
    parser.add_argument("--rounds", type=int, default=7, help="Starts of each kind.")
    options = parser.parse_args()
    note = describe(options.store)
    rows = [measure_start(options.store, n_workers, options.rounds) for n_workers in (1, 3)]
    show("start", rows, note, options.out)


if __name__ == "__main__":
    main()
