"""``python -m tests.mutants``: break the code on purpose, one line at a time, and see whether the tests notice.

``mutants.toml`` lists the changes. Each is made in a copy of the checkout, where the tests named beside it then run.
A change that they pass is a behaviour that no test holds.
"""

import argparse
import contextlib
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
TABLE: Final = Path(__file__).with_name("mutants.toml")
LEAST_NOTICED: Final = 0.9
# A mutant that never ends is noticed too.
_TIMEOUT_S: Final = 600
_NOT_COPIED: Final = (
    ".git",
    ".*cache",
    ".hypothesis",
    ".venv*",
    "node_modules",
    "__pycache__",
    "store",
    "runs",
    "data",
)


@dataclass(frozen=True)
class Mutant:
    """A change of the code that some test should notice.

    Attributes
    ----------
    path : str
        The file, from the project's root.
    old, new : str
        ``old`` occurs once in the file.
    tests : tuple of str
        Files or folders of tests that should notice.
    """

    path: str
    old: str
    new: str
    tests: tuple[str, ...]

    def __str__(self) -> str:
        """Name it in one line."""
        old, new = (" ".join(text.split()) for text in (self.old, self.new))
        return f"{self.path}: {old} -> {new or '(nothing)'}"


def main() -> int:
    """Try every mutant.

    Returns
    -------
    int
        0 where enough of them are noticed.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("only", nargs="*", help="parts of the paths of files whose mutants are tried; all by default")
    parser.add_argument("--jobs", type=int, default=2, help="mutants tried at a time (2)")
    options = parser.parse_args()
    mutants = [
        one for one in read_mutants(TABLE) if not options.only or any(part in one.path for part in options.only)
    ]
    with _copies(options.jobs) as copies:
        tests = sorted({test for mutant in mutants for test in mutant.tests})
        if not _passes(copies.queue[0], tests):
            sys.stderr.write(f"mutants: the tests fail without any change: pytest {' '.join(tests)}\n")
            return 2
        with ThreadPoolExecutor(options.jobs) as pool:
            noticed = list(pool.map(lambda mutant: _is_noticed(mutant, copies), mutants))
    survivors = [mutant for mutant, was in zip(mutants, noticed, strict=True) if not was]
    sys.stdout.write(f"{sum(noticed)} of {len(mutants)} mutants were noticed\n")
    sys.stdout.writelines(f"  survived: {mutant}\n" for mutant in survivors)
    return 0 if sum(noticed) >= LEAST_NOTICED * len(mutants) else 1


def read_mutants(table: Path) -> list[Mutant]:
    """Read the mutants, and check that each can be made.

    Parameters
    ----------
    table : Path
        TOML: per file its path, the tests that should notice, and pairs of old and new text.

    Returns
    -------
    list of Mutant

    Raises
    ------
    ValueError
        If an old text does not occur exactly once in its file.
    """
    mutants = []
    for entry in tomllib.loads(table.read_text(encoding="utf-8"))["files"]:
        code = (ROOT / entry["path"]).read_text(encoding="utf-8")
        for old, new in entry["changes"]:
            if code.count(old) != 1:
                raise ValueError(f"{entry['path']}: expected {old!r} once, found it {code.count(old)} times")
            mutants.append(Mutant(entry["path"], old, new, tuple(entry["tests"])))
    return mutants


@contextlib.contextmanager
def _copies(n: int) -> Iterator["queue.Queue[Path]"]:
    with tempfile.TemporaryDirectory(prefix="osusume-mutants-") as folder:
        copies: queue.Queue[Path] = queue.Queue()
        for number in range(n):
            copy = Path(folder) / str(number)
            shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*_NOT_COPIED))
            copies.put(copy)
        yield copies


def _is_noticed(mutant: Mutant, copies: "queue.Queue[Path]") -> bool:
    copy = copies.get()
    started = time.monotonic()
    target = copy / mutant.path
    code = target.read_text(encoding="utf-8")
    try:
        target.write_text(code.replace(mutant.old, mutant.new), encoding="utf-8")
        noticed = not _passes(copy, mutant.tests)
    finally:
        target.write_text(code, encoding="utf-8")
        copies.put(copy)
    sys.stdout.write(f"{'noticed ' if noticed else 'SURVIVED'} {time.monotonic() - started:4.0f} s  {mutant}\n")
    sys.stdout.flush()
    return noticed


def _passes(copy: Path, tests: Sequence[str]) -> bool:
    environment = {**os.environ, "CI": "true", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
