"""Runs a command in a fresh process and measures it: wall-clock time, processor time, memory of the whole tree.

Two figures of memory, since they answer different questions:

- *own*: anonymous and shared memory (RssAnon + RssShmem), summed over the tree. Nobody can take it back, so it
  decides whether a machine is large enough. Pages that a forked child shares with its parent count twice.
- *resident*: with the pages of mapped files (RssFile), which the kernel drops when memory is short. The largest of a
  single process is what ``/usr/bin/time`` calls maximum resident set size.

Read from /proc, so Linux only; elsewhere the sampled figures are 0 and the largest resident set remains, which is
never below that of the process that started the measured one: import nothing heavy there.
"""

import contextlib
import os
import resource
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SAMPLE_EVERY_S: Final = 0.05
_PROC: Final = Path("/proc")


@dataclass(frozen=True)
class Sample:
    """Memory of the tree at a moment of ``time.monotonic``, which all processes of a machine share."""

    moment: float
    own_bytes: int
    resident_bytes: int


@dataclass(frozen=True)
class Measured:
    """What a process took, and what it wrote to standard output."""

    wall_s: float
    # Of the process and of the children it waited for.
    cpu_s: float
    # The largest resident set of a single process of the tree.
    largest_process_bytes: int
    samples: list[Sample]
    output: str

    def peak(self, start: float = 0.0, end: float = float("inf")) -> Sample:
        """Give the largest own and the largest resident memory between two moments; 0 where nothing was sampled."""
        within = [sample for sample in self.samples if start <= sample.moment <= end]
        own = max((sample.own_bytes for sample in within), default=0)
        return Sample(end, own, max((sample.resident_bytes for sample in within), default=0))


def run_measured(command: list[str], log: Path) -> Measured:
    """Run a command to its end.

    Parameters
    ----------
    command : list of str
    log : Path
        Takes what it writes to standard error.

    Raises
    ------
    RuntimeError
        If it fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    ended = threading.Event()
    samples: list[Sample] = []
    with log.open("w", encoding="utf-8") as errors:
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
        sampler = threading.Thread(target=_sample_until, args=(ended, process.pid, samples))
        sampler.start()
        try:
            output, status, usage = _wait_for(process)
        finally:
            ended.set()
            sampler.join()
        wall_s = time.monotonic() - started
    if status:
        raise RuntimeError(f"{' '.join(command)} ended with {status}; the end of {log}:\n{_tail(log)}")
    # Of a tree, the kernel keeps the largest resident set of any one process. In KiB on Linux.
    return Measured(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, samples, output)


def _wait_for(process: "subprocess.Popen[bytes]") -> tuple[str, int, resource.struct_rusage]:
    try:
        output = ""
        if process.stdout:
            with process.stdout:
                output = process.stdout.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        process.kill()
        process.wait()
        raise
    # Popen must not wait for a process that is gone.
    process.returncode = os.waitstatus_to_exitcode(status)
    return output, process.returncode, usage


def _sample_until(ended: threading.Event, root: int, samples: list[Sample]) -> None:
    while not ended.wait(_SAMPLE_EVERY_S):
        own = resident = 0
        for pid in _tree(root):
            anonymous, shared, mapped = _memory(pid)
            own += anonymous + shared
            resident += anonymous + shared + mapped
        samples.append(Sample(time.monotonic(), own, resident))


def _tree(root: int) -> list[int]:
    """List a process and everything it has started, as far as it still runs."""
    tree = [root]
    for pid in tree:
        for children in _PROC.glob(f"{pid}/task/*/children"):
            with contextlib.suppress(OSError):
                tree.extend(map(int, children.read_text(encoding="ascii").split()))
    return tree


def _memory(pid: int) -> tuple[int, int, int]:
    values = {"RssAnon": 0, "RssShmem": 0, "RssFile": 0}
    with contextlib.suppress(OSError):
        for line in (_PROC / str(pid) / "status").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name in values:
                values[name] = int(value.split()[0]) * 1024
    return values["RssAnon"], values["RssShmem"], values["RssFile"]


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
