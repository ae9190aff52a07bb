"""Runs a function in a process of its own, so that its peak memory is its own."""

import multiprocessing
import resource
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from models.processes import end_with_parent

T = TypeVar("T")


class IsolatedError(Exception):
    """The process ended without a result."""


def run_isolated(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function, importable by name, in a new process, which inherits no memory.

    Raises
    ------
    IsolatedError
        If the process died or the function raised; its traceback is on standard error.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_call, args=(sender, function, arguments))
    process.start()
    # The child holds the only end that writes, so its death ends the wait.
    sender.close()
    try:
        result: T = receiver.recv()
    except EOFError as error:
        process.join()
        code = process.exitcode or 0
        killed = f"its process was killed by signal {-code} (9: perhaps out of memory)"
        raise IsolatedError(killed if code < 0 else "it failed; its traceback stands above") from error
    except BaseException:
        # Ctrl-C, most of all: the training stops too.
        process.kill()
        raise
    finally:
        receiver.close()
        process.join()
    return result


def peak_memory_mb() -> float:
    """Return the most resident memory (10^6 bytes) this process has held, memory-mapped files included."""
    try:
        # Linux hands a parent's ru_maxrss on to what it starts; the high-water mark of the address space is our own.
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    # Bytes on macOS, kilobytes elsewhere.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _call(sender: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    end_with_parent()
    sender.send(function(*arguments))
    sender.close()
