"""Processes that are killed at random moments, and what is left of them."""

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.service.running import PATIENCE_S, children, has_ended, wait_until

# Forked from one that has imported all: a thousand starts cost no imports.
_CONTEXT: Final = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.chaos.victims"])
# Inherited by all processes of what is started with it.
MARK: Final = "OSUSUME_TEST_MARK"


def kill_after(seconds: float, target: Callable[..., object], *arguments: object) -> None:
    """Run a function in a process of its own, and kill it; what it had begun ends by itself."""
    process = _CONTEXT.Process(target=target, args=arguments)
    process.start()
    process.join(seconds)
    begun = children(process.pid) if process.pid and process.is_alive() else []
    process.kill()
    process.join()
    wait_until(lambda: all(map(has_ended, begun)))


def run(target: Callable[..., object], *arguments: object) -> int | None:
    """Run a function in a process of its own; give its exit code, None if it takes too long."""
    process = _CONTEXT.Process(target=target, args=arguments)
    process.start()
    process.join(900)
    process.kill()
    return process.exitcode


def marked_processes(mark: str) -> list[int]:
    """Find the living processes that were started with this mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if f"{MARK}={mark}".encode() in environment and not has_ended(int(folder.name)):
            found.append(int(folder.name))
    return found


def wait_until_all_ended(mark: str, seconds: float = PATIENCE_S) -> None:
    """Wait until nothing of it is left; nobody ends it."""
    wait_until(lambda: not marked_processes(mark), seconds)


def new_mark() -> str:
    return os.urandom(8).hex()
