"""``python -m benchmarks --store DIR``: the routes of the service beside a bare route."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks import http
from models.errors import BundleError


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--store", type=Path, default=Path("models/store"), help="folder of published bundles")
    parser.add_argument("--out", type=Path, help="write the figures there as JSON too")
    parser.add_argument("--rounds", type=int, default=12, help="turns that the service and the bare route take")
    parser.add_argument("--seconds", type=float, default=0.5, help="length of a turn")
    parser.add_argument("--only", default="", help="measure the cases whose name holds this")
    options = parser.parse_args()
    plan = http.Plan(options.rounds, options.seconds)
    try:
        title = http.describe(options.store)
        results = http.run(options.store, plan, options.only)
    except BundleError as error:
        sys.exit(f"error: {error}")
    print(f"{title}. One worker on one core, {plan.n_connections} connections from another, in turns.\n")
    print("\n".join(as_markdown(results)))
    if options.out:
        content = {"data": title, "plan": asdict(plan), "routes": [asdict(result) for result in results]}
        options.out.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def as_markdown(results: list[http.RouteResult]) -> list[str]:
    """Write a table.

    Parameters
    ----------
    results : list of RouteResult

    Returns
    -------
    list of str
        Its lines.
    """
    columns = ("kB", "requests/s", "p50 ms", "p99 ms", "CPU us", "bare requests/s", "p99 ms", "CPU us")
    lines = [f"| route | {' | '.join(columns)} | ratio | CPU ratio |", f"|---|{'--:|' * (len(columns) + 2)}"]
    for result in results:
        service, bare = result.service, result.bare
        lines.append(
            f"| {result.name} | {result.answer_bytes / 1000:.1f} "
            f"| {service.requests_per_s:,.0f} | {service.p50_ms:.1f} | {service.p99_ms:.1f} | {service.cpu_us:,.0f} "
            f"| {bare.requests_per_s:,.0f} | {bare.p99_ms:.1f} | {bare.cpu_us:,.0f} "
            f"| {result.ratio:.2f} | {result.cpu_ratio:.2f} |"
        )
    return lines


if __name__ == "__main__":
    main()
