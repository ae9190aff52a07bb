"""``python -m benchmarks [STORE]``: the routes of the service beside a bare route."""

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import http
from models.errors import BundleError


def main() -> None:
    """Measure and print."""
    store = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("models/store")
    table = Table(
        "route", "requests/s", "p50 ms", "p99 ms", "bare requests/s", "ratio", title="16 connections, one worker"
    )
    try:
        results = http.run(store)
    except BundleError as error:
        sys.exit(f"error: {error}")
    for result in results:
        service = result.service
        table.add_row(
            result.name,
            f"{service.requests_per_s:,.0f}",
            f"{service.p50_ms:.1f}",
            f"{service.p99_ms:.1f}",
            f"{result.bare.requests_per_s:,.0f}",
            f"{result.ratio:.2f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
