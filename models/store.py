"""The store: a folder of published bundles, one of them current.

::

    store/
      20261123T101500Z-autoencoder-1a2b3c4d/   a bundle; never changed once it has its name
      .incoming-x7k2m1/                        one being written; swept by the next publish if its writer died
      .lock                                    held by the one that publishes
      current                                  names the bundle that is served

A bundle is written under ``.incoming-*``, synced, read back with every check, renamed, and only then does
``current`` move, by an atomic replace. A crash at any point leaves the previous bundle serving.
"""

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from models.bundle import read_bundle
from models.errors import BundleMissingError, StoreError
from models.layout import MANIFEST_FILE
from models.manifest import VERSION_PATTERN, Manifest
from models.writer import sync_folder, write_bundle

CURRENT_FILE: Final = "current"
INCOMING_PREFIX: Final = ".incoming-"
LOCK_FILE: Final = ".lock"


class Store:
    """A folder of published bundles.

    Parameters
    ----------
    root : Path
        The folder; made at the first publish.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def versions(self) -> list[str]:
        """List the published versions.

        Returns
        -------
        list of str
            Sorted by name, which for names that begin with their time is by age.
        """
        if not self.root.is_dir():
            return []
        return sorted(
            path.name for path in self.root.iterdir() if path.name[0] != "." and (path / MANIFEST_FILE).is_file()
        )

    def current_folder(self) -> Path:
        """Find the bundle that is served.

        Returns
        -------
        Path

        Raises
        ------
        BundleMissingError
            If nothing was published yet, or ``current`` names a bundle that is not there.
        """
        pointer = self.root / CURRENT_FILE
        try:
            version = pointer.read_bytes().decode("utf-8", "replace").strip()
        except FileNotFoundError as error:
            raise BundleMissingError(
                pointer, "no bundle is published here yet; `python -m training run --data DIR` makes one"
            ) from error
        except OSError as error:
            raise BundleMissingError(pointer, f"cannot be read: {error.strerror}") from error
        # Only names that publish gives: nothing outside the store, nothing half-written.
        if not re.fullmatch(VERSION_PATTERN, version) or not (self.root / version).is_dir():
            raise BundleMissingError(pointer, f"names {version[:200]!r}, and no such bundle is in the store")
        return self.root / version

    def require_writable(self) -> None:
        """Find out now, and not after the training, whether a bundle could be published.

        Raises
        ------
        StoreError
            If the store cannot be written.
        """
        with self._publishing():
            pass

    def publish(self, manifest: Manifest, arrays: Mapping[str, NDArray[Any]]) -> Path:
        """Write, check and publish a bundle, then make it current.

        Parameters
        ----------
        manifest : Manifest
            Names the version.
        arrays : mapping of str to ndarray
            One per entry of :data:`models.layout.LAYOUT`.

        Returns
        -------
        Path
            The published bundle.

        Raises
        ------
        StoreError
            If the store cannot be written or has this version already.
        BundleError
            If the arrays break the format or do not read back as written.
        """
        target = self.root / manifest.model_version
        with self._publishing():
            if target.exists():
                raise StoreError(f"{target} is published already: versions are never overwritten")
            self._write(target, manifest, arrays)
            self._point_at(target)
        return target

    def _write(self, target: Path, manifest: Manifest, arrays: Mapping[str, NDArray[Any]]) -> None:
        folder = Path(tempfile.mkdtemp(prefix=INCOMING_PREFIX, dir=self.root))
        # mkdtemp gives 0700; the service may run as another user.
        folder.chmod(0o755)
        write_bundle(folder, manifest, arrays)
        read_bundle(folder)
        folder.rename(target)
        sync_folder(self.root)

    def _point_at(self, target: Path) -> None:
        descriptor, name = tempfile.mkstemp(prefix=INCOMING_PREFIX, dir=self.root)
        pointer = Path(name)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(target.name + "\n")
            file.flush()
            os.fsync(file.fileno())
        pointer.chmod(0o644)
        pointer.replace(self.root / CURRENT_FILE)
        sync_folder(self.root)

    @contextlib.contextmanager
    def _publishing(self) -> Iterator[None]:
        """Hold the store's lock: one writer at a time, so whatever lies half-written is a dead writer's, or mine.

        Raises
        ------
        StoreError
            If the store cannot be written.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with (self.root / LOCK_FILE).open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._sweep()
                try:
                    yield
                finally:
                    self._sweep()
        except OSError as error:
            raise StoreError(
                f"{self.root} cannot be written: {error.strerror or error}; the bundle that was current still is"
            ) from error

    def _sweep(self) -> None:
        for leftover in self.root.glob(f"{INCOMING_PREFIX}*"):
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)
