"""Writes a folder so that it is either whole or not there."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from models.bundle.writer import replace_folder, sync_path


@contextlib.contextmanager
def replaced_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder to write into, and put it in the place of another when the block ends well.

    What writers that were killed left behind is swept.

    Parameters
    ----------
    target : Path
        What the folder becomes. An earlier one is removed only after the new one is whole.

    Yields
    ------
    Path
        A folder beside the target; taken away if the block raises, Ctrl-C included.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    sweep_leftovers(target)
    area = Path(tempfile.mkdtemp(prefix=_prefix(target), dir=target.parent))
    try:
        with _locked(area):
            folder = area / "new"
            folder.mkdir()
            yield folder
            # Not everything that writes into it makes that durable.
            for path in (*folder.rglob("*"), folder):
                sync_path(path)
            replace_folder(folder, target, area / "earlier")
    finally:
        shutil.rmtree(area, ignore_errors=True)


def sweep_leftovers(target: Path) -> None:
    """Remove what writers that were killed left behind.

    Parameters
    ----------
    target : Path
        What they were to write.
    """
    for leftover in target.parent.glob(f"{_prefix(target)}*"):
        with contextlib.suppress(OSError), _locked(leftover):
            shutil.rmtree(leftover, ignore_errors=True)


def _prefix(target: Path) -> str:
    return f".{target.name}-"


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, which goes with the process that holds it: a folder without one is a dead writer's."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
