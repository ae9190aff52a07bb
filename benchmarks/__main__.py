"""``python -m benchmarks all`` measures everything; ``python -m benchmarks report`` puts it into a page.

A single benchmark has a command of its own, which stands beside its table.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.cost_curve import store_of
from benchmarks.dumps import SIZES
from benchmarks.places import DUMPS, RESULTS, WORK, add_places
from benchmarks.report import fill_page
from benchmarks.results import read_results

PAGE: Final = Path("docs/performance.md")
PLOT: Final = "cost_curve.png"


def commands(out: Path, dumps: Path, work: Path, *, full: bool) -> list[list[str]]:
    """List what there is to measure, in an order in which each finds what it needs.

    Parameters
    ----------
    out, dumps, work : Path
    full : bool
        At Kaggle's size.

    Returns
    -------
    list of list of str
        Modules with their arguments.
    """
    places = [("--out", out, RESULTS), ("--dumps", dumps, DUMPS), ("--work", work, WORK)]
    # What is as it would be anyway has no place in a command that a page shows.
    given = [part for name, place, default in places if place != default for part in (name, place)]
    size = SIZES["full" if full else "tenth"]
    # The largest run of the cost curve ends with a published model, which is then served.
    store = store_of(work)
    plan: list[list[str | Path]] = [
        ["benchmarks.training_runs", *given, "--repeat", "3", *(["--full"] if full else [])],
        ["benchmarks.cost_curve", *given, "--up-to", size.name],
        ["benchmarks.training_parts", "--work", store.parent / "run", "--out", out / "training_parts.json"],
        ["benchmarks.start", "--store", store, "--out", out / "start.json"],
        # The routes are measured with what this leaves in the store.
        ["benchmarks.precompute", "--store", store, "--out", out / "precompute.json"],
        ["benchmarks.routes", "--store", store, "--out", out / "routes.json"],
        ["benchmarks.similar_users", "--store", store, "--out", out / "similar_users.json"],
    ]
    return [[str(part) for part in command] for command in plan]


def measure_all(options: argparse.Namespace) -> None:
    """Run every benchmark, each in a process of its own; the first that fails ends it."""
    for command in commands(options.out, options.dumps, options.work, full=options.full):
        print(f"python -m {' '.join(command)}", flush=True)
        if subprocess.run([sys.executable, "-m", *command], check=False).returncode:
            sys.exit(f"error: {command[0]} failed")


def report(options: argparse.Namespace) -> None:
    """Write the page."""
    try:
        page = fill_page(options.page.read_text(encoding="utf-8"), read_results(options.results))
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    to: Path = options.to or options.page
    to.write_text(page, encoding="utf-8")
    plot = options.results / PLOT
    if plot.exists():
        shutil.copyfile(plot, to.parent / f"{to.stem}_{PLOT}")
    print(f"wrote {to}")


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    verbs = parser.add_subparsers(required=True)
    everything = verbs.add_parser("all", help="Measure everything.")
    add_places(everything)
    everything.add_argument("--full", action="store_true", help="At Kaggle's size too; takes most of an hour.")
    everything.set_defaults(do=measure_all)
    page = verbs.add_parser("report", help="Put what was measured into the page.")
    page.add_argument("--results", type=Path, default=RESULTS, help=f"Folder of tables. [default: {RESULTS}]")
    page.add_argument("--page", type=Path, default=PAGE, help=f"Page with marks for tables. [default: {PAGE}]")
    page.add_argument("--to", type=Path, help="Write it there. [default: the page itself]")
    page.set_defaults(do=report)
    options = parser.parse_args()
    options.do(options)


if __name__ == "__main__":
    main()
