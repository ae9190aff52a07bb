"""``python -m benchmarks.start --store DIR``: seconds until the service is ready, and the memory of every worker.

Ready is counted from the start of the process to the first 200 of /health/ready. A worker's private memory is what it
has written to (private dirty pages) after some hundred computed answers; the bundle is mapped and shared.
"""

import re
import statistics
import time
from pathlib import Path
from typing import Final
from urllib.parse import quote

from benchmarks.load import ask, get
from benchmarks.serving import Server, current_bundle, describe, serving_store, store_parser
from benchmarks.tables import Row, write_table

_N_QUESTIONS: Final = 300
_MEMORY_MB: Final = 16


def measure_start(store: Path, n_workers: int, rounds: int) -> Row:
    """Start the service some times; return a row of the table."""
    bundle = current_bundle(store)
    users = bundle.user_ids[:: max(bundle.n_users // _N_QUESTIONS, 1)].tolist()
    # A named method is computed, whatever was precomputed.
    method = bundle.manifest.default_methods.recommendations
    seconds, private = [], []
    for _ in range(rounds):
        started = time.perf_counter()
        with serving_store(store, answer_memory_mb=_MEMORY_MB, n_workers=n_workers, pinned=False) as server:
            seconds.append(time.perf_counter() - started)
            for user_id in users:
                ask(server.port, get(f"/users/{quote(str(user_id), safe='')}/recommendations?method={method}"))
            private += [private_mb(process_id) for process_id in _workers(server)]
    return {
        "workers": n_workers,
        "ready, s": round(statistics.median(seconds), 2),
        "fastest": round(min(seconds), 2),
        "slowest": round(max(seconds), 2),
        "private MB of a worker": round(statistics.median(private)),
        # The kernel chooses which worker answers.
        "of the largest": round(max(private)),
        "rounds": rounds,
    }


def _workers(server: Server) -> list[int]:
    """Find the processes that answer: the server itself, or its workers."""
    children = Path(f"/proc/{server.process_id}/task/{server.process_id}/children").read_text(encoding="utf-8")
    # Python's resource tracker is a child too.
    workers = [
        int(child) for child in children.split() if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
    return workers or [server.process_id]


def private_mb(process_id: int) -> float:
    """Return what a process has written to, in MB."""
    text = Path(f"/proc/{process_id}/smaps_rollup").read_text(encoding="utf-8")
    return sum(map(int, re.findall(r"Private_Dirty: +(\d+)", text))) * 1024 / 1e6


def main() -> None:
    """Measure and print."""
    parser = store_parser("start", __doc__)
    parser.add_argument("--rounds", type=int, default=7, help="Starts of each kind. [default: %(default)s]")
    options = parser.parse_args()
    rows = [measure_start(options.store, n_workers, options.rounds) for n_workers in (1, 3)]
    write_table("start", rows, describe(options.store), options.out)


if __name__ == "__main__":
    main()
