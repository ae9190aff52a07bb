"""The store: a folder of published bundles, one of them current.

::

    store/
      20261123T101500Z-autoencoder-1a2b3c4d/   a bundle; never changed once it has its name
      .incoming-x7k2m1/                        one being written; swept by the next publish if its writer died
      .lock                                    held by the one that publishes
      current                                  names the bundle that is served

A bundle is written under ``.incoming-*``, synced, read back with every check, renamed, and only then does
``current`` move, by an atomic replace. A crash at any point leaves the previous bundle serving; one between the last
two steps leaves a sound version that is not current.
"""

import contextlib
import fcntl
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from models.bundle.layout import MANIFEST_FILE
from models.bundle.manifest import VERSION_PATTERN, Manifest
from models.bundle.reader import read_bundle
from models.bundle.writer import save_bytes, sync_path, write_bundle
from models.errors import BundleMissingError, StoreError

CURRENT_FILE: Final = "current"
INCOMING_PREFIX: Final = ".incoming-"
LOCK_FILE: Final = ".lock"


class Store:
    """A folder of published bundles, made at the first publish."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def versions(self) -> list[str]:
        """List the published versions by name, which for names that begin with their time is by age."""
        if not self.root.is_dir():
            return []
        return sorted(
            path.name for path in self.root.iterdir() if path.name[0] != "." and (path / MANIFEST_FILE).is_file()
        )

    def current_version(self) -> str:
        """Name the bundle that is served; raises as :meth:`current_folder` does."""
        return self.current_folder().name

    def current_folder(self) -> Path:
        """Find the bundle that is served.

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
        """Write, check and publish a bundle under the manifest's version, then make it current.

        If that fails, the bundle that was current still is, and the new version is not in the store. There are two
        exceptions, which the error names: the version could not be taken away again, or ``current`` has moved but
        the disk did not confirm it.

        Raises
        ------
        StoreError
            If the store cannot be written or has this version already.
        BundleError
            If the arrays break the format or do not read back as written.
        """
        return self.add(manifest.model_version, lambda folder: write_bundle(folder, manifest, arrays))

    def add(self, version: str, write: Callable[[Path], object]) -> Path:
        """Publish, as :meth:`publish` does, the bundle that `write` makes in the folder it is given.

        Raises
        ------
        StoreError
            As for :meth:`publish`.
        """
        target = self.root / version
        with self._publishing():
            if target.exists():
                raise StoreError(f"{target} is published already: versions are never overwritten")
            folder = Path(tempfile.mkdtemp(prefix=INCOMING_PREFIX, dir=self.root))
            # mkdtemp gives 0700; the service may run as another user.
            folder.chmod(0o755)
            write(folder)
            read_bundle(folder)
            self._make_current(folder, target)
        return target

    def _make_current(self, folder: Path, target: Path) -> None:
        """Give a bundle its name and point at it.

        Raises
        ------
        StoreError
            If the bundle stays under its name without being current, or is current but perhaps not durably.
        """
        pointer = self.root / f"{INCOMING_PREFIX}{CURRENT_FILE}"
        save_bytes(pointer, f"{target.name}\n".encode())
        try:
            folder.rename(target)
            sync_path(self.root)
            pointer.replace(self.root / CURRENT_FILE)
        except BaseException:
            # As long as the pointer lies here, current has not moved.
            if pointer.exists() and target.exists():
                _take_away(target, folder)
            raise
        try:
            sync_path(self.root)
        except OSError as error:
            raise StoreError(
                f"{target} is published and current, but a power cut may undo that: {self.root} could not be "
                f"synced: {error.strerror}"
            ) from error

    @contextlib.contextmanager
    def _publishing(self) -> Iterator[None]:
        """Hold the store's lock: one writer at a time, so what lies half-written is of a dead writer, or this one.

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
        # What cannot be removed now is left to the next publish.
        with contextlib.suppress(OSError):
            for leftover in self.root.glob(f"{INCOMING_PREFIX}*"):
                if leftover.is_dir():
                    shutil.rmtree(leftover, ignore_errors=True)
                else:
                    leftover.unlink(missing_ok=True)


def _take_away(target: Path, folder: Path) -> None:
    """Take the name from a bundle that did not become current.

    Raises
    ------
    StoreError
        If it keeps it.
    """
    try:
        target.rename(folder)
    except OSError as error:
        raise StoreError(
            f"{target} could not be made current, nor be removed: {error.strerror}; "
            "the bundle that was current still is"
        ) from error
