"""The sums by which a bundle's files are known."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from models.bundle.manifest import FileEntry
from models.cores import usable_cores
from models.errors import BundleCorruptError, BundleMissingError

# After each block a thread waits for the interpreter's lock: of small ones it would wait for seconds.
_BLOCK_BYTES: Final = 16 << 20


class Sums:
    """The sums of a bundle's files, computed by threads of their own and compared with the manifest's entries."""

    def __init__(self, folder: Path, entries: Sequence[FileEntry]) -> None:
        self.folder = folder
        self.entries = entries
        # One core is left to importing the service and making the model meanwhile.
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
            whole, block = hashlib.sha256(), memoryview(bytearray(min(size, _BLOCK_BYTES)))
            # Not mapped: a file cut short while it is read would end the process.
            while n_read := file.readinto(block):
                whole.update(block[:n_read])
    except OSError as error:
        raise BundleMissingError(path, f"cannot be read: {error.strerror}") from error
    digest = whole.hexdigest()
    if digest != entry.sha256:
        raise BundleCorruptError(path, f"has sha256 {digest[:12]}..., the manifest says {entry.sha256[:12]}...")
