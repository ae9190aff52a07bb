"""``python -m benchmarks.routes [--store DIR] [--out FILE]``: the routes of the service beside a bare route."""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import http
from benchmarks.results import Row, write_result
from models.errors import BundleError


def as_row(result: http.RouteResult) -> Row:
    """Turn what was measured of a route into a row."""
    service, bare = result.service, result.bare
    return {
        "route": result.name,
        "kB": round(result.answer_bytes / 1000, 1),
        "requests/s": round(service.requests_per_s),
        "p50 ms": round(service.p50_ms, 1),
        "p99 ms": round(service.p99_ms, 1),
        "CPU us": round(service.cpu_us),
        "bare requests/s": round(bare.requests_per_s),
        "bare p99 ms": round(bare.p99_ms, 1),
        "bare CPU us": round(bare.cpu_us),
        "ratio": round(result.ratio, 2),
        "CPU ratio": round(result.cpu_ratio, 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.routes", description=__doc__)
    parser.add_argument("--store", type=Path, default=Path("models/store"), help="Folder of published bundles.")
    parser.add_argument("--out", type=Path, help="Write the table there too, as JSON.")
    parser.add_argument("--rounds", type=int, default=12, help="Turns that the service and the bare route take.")
    parser.add_argument("--seconds", type=float, default=0.5, help="Length of a turn.")
    parser.add_argument("--only", default="", help="Measure the cases whose name holds this.")
    options = parser.parse_args()
    plan = http.Plan(options.rounds, options.seconds)
    try:
        title = http.describe(options.store)
        rows = [as_row(result) for result in http.run(options.store, plan, options.only)]
    except BundleError as error:
        sys.exit(f"error: {error}")
    note = f"{title}. One worker on one core, {plan.n_connections} connections from another, in turns."
    table = Table(*rows[0], title=note)
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console(width=160).print(table)
    if options.out:
        write_result(options.out, "routes", rows, note)


if __name__ == "__main__":
    main()
