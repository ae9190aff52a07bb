"""Writes a folder so that it is either whole or not there."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replaced_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder to write into, and put it in the place of another when the block ends well.

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
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield folder
        folder.chmod(0o755)
        if target.exists():
            earlier = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
            target.rename(earlier / target.name)
            folder.rename(target)
            shutil.rmtree(earlier, ignore_errors=True)
        else:
            folder.rename(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
