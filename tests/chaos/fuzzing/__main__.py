"""``python -m tests.chaos.fuzzing TARGET --seconds 900`` fuzzes one target with atheris.

It ends with a line of figures and 0, or at the first finding with its traceback, and the input in a file.
"""

import argparse
import importlib
import logging
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import atheris

from tests.chaos.fuzzing import TARGETS

#: Seconds of processor time that one input may take: instrumented, a hundred times what the slowest should.
MOST_SECONDS: Final = 10.0
#: Megabytes of the whole process: model, libraries and the fuzzer's own tables included.
MOST_MEMORY: Final = 3_000
_PLAIN: Final = {
    # Comparing titles would take most of the time of an import, and is reached by query strings.
    "imports": [f"service.recommending.title_{name}" for name in ("search", "forms", "index")],
    # Numba compiles no function that was instrumented.
    "dumps": ["training.lists.split", "training.lists.thresholds"],
}


def main() -> None:
    """Fuzz until the time is up."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.fuzzing", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=float, help="of processor time; by default the target's share of an hour")
    parser.add_argument("--folder", type=Path, default=Path("runs/fuzzing"), help="keeps what was worth trying")
    parser.add_argument("--max-bytes", type=int, default=4096)
    options = parser.parse_args()
    folder: Path = options.folder / options.target
    for name in ("corpus", "seeds", "scratch"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    # Whoever is killed leaves nothing elsewhere.
    tempfile.tempdir = str(folder / "scratch")
    plain = _PLAIN.get(options.target, [])
    with atheris.instrument_imports(include=["models", "service", "training"], exclude=plain):
        target = importlib.import_module(f"tests.chaos.fuzzing.{options.target}")
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    for number, seed in enumerate(target.seeds()):
        (folder / "seeds" / str(number)).write_bytes(seed)
    words = folder / "words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.WORDS), encoding="ascii")
    arguments = [
        f"-dict={words}",
        f"-max_len={options.max_bytes}",
        "-timeout=600",
        f"-rss_limit_mb={MOST_MEMORY}",
        f"-artifact_prefix={folder}/",
        str(folder / "corpus"),
        str(folder / "seeds"),
    ]
    run = _Run(target, options.seconds or TARGETS[options.target], folder)
    atheris.Setup([sys.argv[0], *arguments], run.one_input)
    atheris.Fuzz()


class _Run:
    """Counts inputs and time, and ends the process once it is up."""

    def __init__(self, target: Any, seconds: float, folder: Path) -> None:
        self._target, self._seconds, self._folder = target, seconds, folder
        self._begun = time.process_time()
        self._n_inputs, self._slowest = 0, 0.0

    def one_input(self, data: bytes) -> None:
        before = time.process_time()
        self._target.run(data)
        taken = time.process_time() - before
        self._slowest, self._n_inputs = max(self._slowest, taken), self._n_inputs + 1
        assert taken < MOST_SECONDS, f"took {taken:.1f} s"
        if before - self._begun > self._seconds:
            self._end(before - self._begun)

    def _end(self, seconds: float) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        n_kept = len(list((self._folder / "corpus").iterdir()))
        name = self._target.__name__.rpartition(".")[2]
        sys.stderr.write(
            f"{name}: {self._n_inputs} inputs in {seconds:.0f} s, the slowest {self._slowest:.2f} s, "
            f"{n_kept} kept, {peak:.0f} MB\n"
        )
        sys.stderr.flush()
        shutil.rmtree(self._folder / "scratch")
        # libFuzzer goes by the clock, and knows no other end without a finding.
        os._exit(0)


def _escaped(word: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word.encode("utf-8", "surrogatepass"))


if __name__ == "__main__":
    main()
