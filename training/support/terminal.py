"""Progress of training: a bar in a terminal, plain lines elsewhere."""

import contextlib
import time
from collections.abc import Iterator
from typing import Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

SECONDS_BETWEEN_LINES: Final = 5.0

# Progress goes to standard error, so that standard output holds results only.
_console = Console(stderr=True, highlight=False)


class ProgressUpdate(Protocol):
    """Called with the progress of the work."""

    def __call__(self, done: int, note: str = "") -> None:
        """Report how much of the total is done, with a note such as the loss."""


@contextlib.contextmanager
def progress(description: str, total: int, unit: str, scale: float = 1.0) -> Iterator[ProgressUpdate]:
    """Show the progress of a piece of work, with rate and time left; amounts are divided by `scale` (1e6 for MB)."""
    shown = _bar if _console.is_terminal else _lines
    with shown(description, total, unit, scale) as update:
        yield update


@contextlib.contextmanager
def _bar(description: str, total: int, unit: str, scale: float) -> Iterator[ProgressUpdate]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    started = time.monotonic()
    with Progress(*columns, console=_console) as bar:
        task = bar.add_task(description, total=total, rate="", note="")

        def update(done: int, note: str = "") -> None:
            rate = done / max(time.monotonic() - started, 1e-9) / scale
            bar.update(task, completed=done, rate=f"{rate:,.1f} {unit}/s", note=note)

        yield update


@contextlib.contextmanager
def _lines(description: str, total: int, unit: str, scale: float) -> Iterator[ProgressUpdate]:
    started = last = time.monotonic()

    def update(done: int, note: str = "") -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < SECONDS_BETWEEN_LINES or not done:
            return
        last = now
        rate = done / (now - started)
        left = max(0, total - done) / rate
        share = done / max(total, 1)
        say(f"{description}: {share:.0%}, {rate / scale:,.1f} {unit}/s, {left:.0f} s left {note}".rstrip())

    yield update
    say(f"{description}: done in {time.monotonic() - started:.1f} s")


def say(line: str) -> None:
    """Print a line about the work, above the progress."""
    _console.print(line, soft_wrap=True)
