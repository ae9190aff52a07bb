"""Writes a folder so that it is either whole or absent."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from models.bundle.writer import replace_folder, sync_path
from models.folder_lock import locked_folder


@contextlib.contextmanager
def replaced_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder to write into, which replaces the target when the block ends well.

    An earlier target is removed only after the new one is whole; if the block raises, the new one is. What killed
    writers left behind is removed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    sweep_leftovers(target)
    area = Path(tempfile.mkdtemp(prefix=_prefix(target), dir=target.parent))
    try:
        with locked_folder(area):
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
    """Remove what killed writers of a target left behind."""
    for leftover in target.parent.glob(f"{_prefix(target)}*"):
        with contextlib.suppress(OSError), locked_folder(leftover):
            shutil.rmtree(leftover, ignore_errors=True)


def _prefix(target: Path) -> str:
    return f".{target.name}-"
