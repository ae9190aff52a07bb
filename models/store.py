"""The store: a folder of published bundles, one of them current.

::

    store/
      20261123T101500Z-autoencoder-1a2b3c4d/   a bundle; never changed once it has its name
      .incoming-x7k2m1/                        one being written; swept by the next publish if its writer died
      .lock                                    held by the one that publishes
      current                                  names the bundle that was published last, or the one rolled back to
      pinned                                   names the bundle that is served in its place, if there is one

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
from typing import IO, Any, Final, NoReturn

from numpy.typing import NDArray

from models.bundle.layout import MANIFEST_FILE
from models.bundle.manifest import VERSION_PATTERN, Manifest
from models.bundle.reader import read_bundle
from models.bundle.writer import save_bytes, sync_path, write_bundle
from models.errors import BundleMissingError, StoreError, StoreUnwritableError

CURRENT_FILE: Final = "current"
PINNED_FILE: Final = "pinned"
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
            If nothing was published yet, or ``pinned`` or ``current`` names a bundle that is not there.
        """
        pinned = self._find(PINNED_FILE)
        return pinned or self._find(CURRENT_FILE) or self._raise_missing()

    def pinned_version(self) -> str | None:
        """Name the bundle that is served whatever is published, if there is one."""
        pinned = self._find(PINNED_FILE)
        return pinned.name if pinned else None

    def _find(self, name: str) -> Path | None:
        pointer = self.root / name
        try:
            version = pointer.read_bytes().decode("utf-8", "replace").strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BundleMissingError(pointer, f"cannot be read: {error.strerror}") from error
        # Only names that publish gives: nothing outside the store, nothing half-written.
        if not re.fullmatch(VERSION_PATTERN, version) or not (self.root / version).is_dir():
            raise BundleMissingError(pointer, f"names {version[:200]!r}, and no such bundle is in the store")
        return self.root / version

    def _raise_missing(self) -> NoReturn:
        raise BundleMissingError(
            self.root / CURRENT_FILE, "no bundle is published here yet; `python -m training run --data DIR` makes one"
        )

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

    def roll_back(self) -> str:
        """Make the bundle current that was published before the current one; give its version.

        Raises
        ------
        StoreError
            If there is none, a version is pinned, or the store cannot be written.
        """
        with self._publishing():
            if pinned := self.pinned_version():
                raise StoreError(f"{self.root}: {pinned} is pinned; unpin it, or pin another version")
            current = self.current_version()
            earlier = [version for version in self.versions() if version < current]
            if not earlier:
                raise StoreError(f"{self.root}: no bundle is older than {current}")
            self._point(CURRENT_FILE, earlier[-1])
        return earlier[-1]

    def pin(self, version: str | None) -> None:
        """Have a version served whatever is published later; None: what is current is served again.

        Raises
        ------
        StoreError
            If there is no such version, or the store cannot be written.
        """
        with self._publishing():
            if version is None:
                (self.root / PINNED_FILE).unlink(missing_ok=True)
                sync_path(self.root)
            elif version not in self.versions():
                known = ", ".join(self.versions()) or "none"
                raise StoreError(f"{self.root}: no bundle is called {version[:200]!r}; published: {known}")
            else:
                self._point(PINNED_FILE, version)

    def keep(self, n_bundles: int) -> list[str]:
        """Delete all but the last `n_bundles`, and give the versions that went.

        What is current or pinned stays, and so does what a service on this machine answers from: it holds a lock on
        its bundle, see :func:`hold_bundle`.

        Raises
        ------
        StoreError
            If the store cannot be written.
        """
        deleted = []
        with self._publishing():
            spared = {folder.name for name in (CURRENT_FILE, PINNED_FILE) if (folder := self._find(name))}
            for version in self.versions()[: -n_bundles or None]:
                if version not in spared and _is_free(self.root / version):
                    # What is left of a deletion that was interrupted has no name of a version.
                    (self.root / version).rename(self.root / f"{INCOMING_PREFIX}{version}")
                    for beside in self.root.glob(f"{version}-*"):
                        beside.unlink()
                    deleted.append(version)
        return deleted

    def _point(self, name: str, version: str) -> None:
        pointer = self.root / f"{INCOMING_PREFIX}{name}"
        save_bytes(pointer, f"{version}\n".encode())
        pointer.replace(self.root / name)
        sync_path(self.root)

    @contextlib.contextmanager
    def _publishing(self) -> Iterator[None]:
        """Hold the store's lock: one writer at a time, so what lies half-written is of a dead writer, or this one.

        Raises
        ------
        StoreUnwritableError
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
            raise StoreUnwritableError(
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


def hold_bundle(folder: Path) -> IO[bytes]:
    """Keep a bundle from being deleted by :meth:`Store.keep` of any process on this machine, until this is closed."""
    file = (folder / MANIFEST_FILE).open("rb")
    # Where files cannot be locked, what is deleted can still be read by who has it open.
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_SH)
    return file


def _is_free(folder: Path) -> bool:
    with (folder / MANIFEST_FILE).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


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
