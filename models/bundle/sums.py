"""The sums by which a bundle's files are known."""

import hashlib
import mmap
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from models.bundle.manifest import FileEntry
from models.cores import usable_cores
from models.errors import BundleCorruptError, BundleMissingError


class Sums:
    """The sums of a bundle's files, being worked out by threads of their own.

    Parameters
    ----------
    folder : Path
        The bundle.
    entries : sequence of FileEntry
        What the manifest says of its files.
    """

    def __init__(self, folder: Path, entries: Sequence[FileEntry]) -> None:
        self.folder = folder
        self.entries = entries
        # One core is left to whoever imports the service and makes the model meanwhile.
        pool = ThreadPoolExecutor(max(1, usable_cores() - 1))
        # The largest file first keeps all threads busy.
        largest_first = sorted(entries, key=lambda entry: -entry.n_bytes)
        self._checks = [pool.submit(_check_file, folder, entry) for entry in largest_first]
        pool.shutdown(wait=False)

    def require(self) -> None:
        """Wait until every file was read.

        Raises
        ------
        BundleMissingError
            If a file cannot be read.
        BundleCorruptError
            If a file was truncated or changed.
        """
        for check in self._checks:
            check.result()


def _check_file(folder: Path, entry: FileEntry) -> None:
    path = folder / entry.name
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size != entry.n_bytes:
                raise BundleCorruptError(path, f"has {size} bytes, the manifest says {entry.n_bytes}")
            digest = _sha256(file, size)
    except OSError as error:
        raise BundleMissingError(path, f"cannot be read: {error.strerror}") from error
    if digest != entry.sha256:
        raise BundleCorruptError(path, f"has sha256 {digest[:12]}..., the manifest says {entry.sha256[:12]}...")


def _sha256(file: BinaryIO, size: int) -> str:
    """Work out the sum of a file in one go.

    Block by block, as hashlib.file_digest does, every block would wait for the interpreter's lock while others
    compute.
    """
    if not size:
        # Nothing cannot be mapped.
        return hashlib.sha256().hexdigest()
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        content.madvise(mmap.MADV_SEQUENTIAL)
        return hashlib.sha256(content).hexdigest()
