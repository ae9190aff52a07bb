"""Runs a command in a process of its own and measures it: wall-clock time, processor time, memory of its tree.

*own* memory is anonymous and shared memory (RssAnon + RssShmem) summed over the tree: it decides whether a machine is
large enough. *resident* memory adds the pages of mapped files (RssFile), which the kernel drops when memory is short.
Both are sampled from /proc, so this needs Linux.
"""

import contextlib
import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SAMPLE_EVERY_S: Final = 0.05


@dataclass(frozen=True)
class Sample:
    """Memory of the process tree at a moment of ``time.monotonic``."""

    moment: float
    own_bytes: int
    resident_bytes: int


@dataclass(frozen=True)
class Measured:
    """What a command took, and what it wrote to standard output."""

    wall_s: float
    # Of the process and of the children it waited for.
    cpu_s: float
    largest_process_bytes: int
    samples: list[Sample]
    output: str

    def own_gb(self, start: float = 0.0, end: float = float("inf")) -> float:
        """Return the largest own memory between two moments, in GB."""
        return max((sample.own_bytes for sample in self.samples if start <= sample.moment <= end), default=0) / 1e9

    def resident_gb(self) -> float:
        """Return the largest resident memory in GB."""
        return max((sample.resident_bytes for sample in self.samples), default=0) / 1e9


def run_measured(command: list[str], log: Path) -> Measured:
    """Run a command to its end; ``log`` takes its standard error.

    Raises
    ------
    RuntimeError
        If it fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    ended = threading.Event()
    samples: list[Sample] = []
    started = time.monotonic()
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        sampler = threading.Thread(target=_sample_until, args=(ended, process.pid, samples))
        sampler.start()
        try:
            output = process.stdout.read() if process.stdout else ""
            _, process.returncode, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        finally:
            ended.set()
            sampler.join()
    if process.returncode:
        end = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
        raise RuntimeError(f"{' '.join(command)} failed; the end of {log}:\n{end}")
    wall_s, cpu_s = time.monotonic() - started, usage.ru_utime + usage.ru_stime
    return Measured(wall_s, cpu_s, usage.ru_maxrss * 1024, samples, output)


def _sample_until(ended: threading.Event, root: int, samples: list[Sample]) -> None:
    while not ended.wait(_SAMPLE_EVERY_S):
        sizes = [_memory(process_id) for process_id in _tree(root)]
        samples.append(Sample(time.monotonic(), sum(own for own, _ in sizes), sum(map(sum, sizes))))


def _tree(root: int) -> list[int]:
    """List a process and its descendants."""
    tree = [root]
    for process_id in tree:
        for children in Path(f"/proc/{process_id}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                tree.extend(map(int, children.read_text(encoding="ascii").split()))
    return tree


def _memory(process_id: int) -> tuple[int, int]:
    """Return own memory and the pages of mapped files, in bytes; 0 for a process that has ended."""
    try:
        lines = Path(f"/proc/{process_id}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0, 0
    kib = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if "Rss" in name}
    return 1024 * (kib.get("RssAnon", 0) + kib.get("RssShmem", 0)), 1024 * kib.get("RssFile", 0)
