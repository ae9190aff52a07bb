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
    """Turn what was measured of a route into a row.

    Parameters
    ----------
    result : RouteResult

    Returns
    -------
    dict
    """
    service = result.service
    return {
        "route": result.name,
        "requests/s": round(service.requests_per_s),
        "p50 ms": round(service.p50_ms, 1),
        "p99 ms": round(service.p99_ms, 1),
        "bare requests/s": round(result.bare.requests_per_s),
        "ratio": round(result.ratio, 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.routes", description=__doc__)
    parser.add_argument("--store", type=Path, default=Path("models/store"), help="Folder of published bundles.")
    parser.add_argument("--out", type=Path, help="Write the table there too, as JSON.")
    options = parser.parse_args()
    try:
        rows = [as_row(result) for result in http.run(options.store)]
    except BundleError as error:
        sys.exit(f"error: {error}")
    table = Table(*rows[0], title="16 connections, one worker")
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console().print(table)
    if options.out:
        write_result(options.out, "routes", rows)


if __name__ == "__main__":
    main()
