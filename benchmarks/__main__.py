"""``python -m benchmarks all [--full]`` measures speed and memory; ``python -m benchmarks report`` fills the page."""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.cost_curve import WORK
from benchmarks.tables import fill_page
from benchmarks.training_command import RESULTS

PAGE: Final = Path("docs/performance.md")


def commands(*, full: bool) -> list[list[str]]:
    """List modules with their arguments, in an order in which each finds what it needs; ``full`` is Kaggle's size."""
    # The largest run of the cost curve leaves a published model, which is then served.
    store = str(WORK / "store")
    of_store = [
        [f"benchmarks.{name}", "--store", store, "--out", str(RESULTS / f"{name}.json")]
        # The routes are measured with the answers that precompute leaves in the store.
        for name in ("start", "precompute", "routes", "similar_users")
    ]
    return [
        ["benchmarks.training_runs", "--repeat", "3", *(["--full"] if full else [])],
        ["benchmarks.cost_curve", "--up-to", "full" if full else "tenth"],
        *of_store,
    ]


def main() -> None:
    """Measure, or write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    everything = verbs.add_parser("all", help="Measure everything.")
    everything.add_argument("--full", action="store_true", help="At Kaggle's size too; takes most of an hour.")
    report = verbs.add_parser("report", help=f"Put what was measured into {PAGE}.")
    report.add_argument("--to", type=Path, default=PAGE, help="Write the page there. [default: %(default)s]")
    options = parser.parse_args()
    if options.verb == "report":
        try:
            options.to.write_text(fill_page(PAGE.read_text(encoding="utf-8"), RESULTS), encoding="utf-8")
        except (OSError, ValueError) as error:
            sys.exit(f"error: {error}")
        print(f"wrote {options.to}")
        return
    for command in commands(full=options.full):
        print(f"python -m {' '.join(command)}", flush=True)
        if subprocess.run([sys.executable, "-m", *command], check=False).returncode:
            sys.exit(f"error: {command[0]} failed")


if __name__ == "__main__":
    main()
