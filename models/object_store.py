"""A store in a bucket: the same bundles as in :mod:`models.store`, of which services keep a checked copy.

::

    s3://bucket/prefix/
      20261123T101500Z-autoencoder-1a2b3c4d/   a bundle; there once it has its manifest, which is uploaded last
      20261123T101500Z-autoencoder-1a2b3c4d-precomputed.sqlite
      current                                  names the bundle that is served

There is no lock. The manifest's sum is created first, which succeeds for one publisher of a version only, and
``current`` moves only if it still is what it was before the upload.
"""

import contextlib
import fcntl
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from numpy.typing import NDArray

from models.bundle.layout import LAYOUT, MANIFEST_FILE, MANIFEST_SUM_FILE
from models.bundle.manifest import VERSION_PATTERN, Manifest
from models.bundle.reader import read_bundle, read_manifest
from models.bundle.sums import Sums
from models.bundle.writer import write_bundle
from models.errors import BundleError, StoreError
from models.objects import Objects, is_url
from models.store import CURRENT_FILE, Store

if TYPE_CHECKING:
    from obstore import UpdateVersion

_N_AT_ONCE: Final = 8
_N_COPIES: Final = 2
_PROBE: Final = ".writable"
_LOCK_FILE: Final = ".fetching"
_ARRAY_FILES: Final = [f"{spec.name}.npy" for spec in LAYOUT]


class ObjectStore:
    """Published bundles below the URL of a bucket."""

    def __init__(self, url: str) -> None:
        self.objects = Objects(url)
        self.url = self.objects.url

    def require_writable(self) -> None:
        """Find out now, and not after the training, whether a bundle could be published."""
        self.objects.write(_PROBE, b"")
        self.objects.delete([_PROBE])

    def current_version(self) -> str:
        """Read which bundle is served.

        Raises
        ------
        StoreError
            If nothing was published yet, the bucket cannot be read, or ``current`` names no version.
        """
        found = self.objects.read(CURRENT_FILE)
        if found is None:
            raise StoreError(f"{self.url}: no bundle is published here yet; `python -m training run` makes one")
        version = found[0].decode("utf-8", "replace").strip()
        if not re.fullmatch(VERSION_PATTERN, version):
            raise StoreError(f"{self.url}/{CURRENT_FILE}: names {version[:200]!r}, which is no version")
        return version

    def publish(self, manifest: Manifest, arrays: Mapping[str, NDArray[Any]]) -> str:
        """Write, check and upload a bundle under the manifest's version, then make it current; return its URL.

        If that fails, the bundle that was current still is, and the new version is taken away again. It fails too if
        something else became current meanwhile.
        """
        with tempfile.TemporaryDirectory(prefix="osusume-publish-") as name:
            folder = Path(name)
            write_bundle(folder, manifest, arrays)
            read_bundle(folder)
            return self._upload(folder, manifest.model_version)

    def _upload(self, folder: Path, version: str) -> str:
        before = self.objects.read(CURRENT_FILE)
        if not self.objects.write(f"{version}/{MANIFEST_SUM_FILE}", folder / MANIFEST_SUM_FILE, "create"):
            raise StoreError(f"{self.url}/{version} is published already: versions are never overwritten")
        try:
            _at_once(lambda name: self.objects.write(f"{version}/{name}", folder / name), _ARRAY_FILES)
            self._require_whole(folder, version)
            self.objects.write(f"{version}/{MANIFEST_FILE}", folder / MANIFEST_FILE, "create")
            self._move_current(version, before)
        except BaseException:
            self._take_away(version)
            raise
        return f"{self.url}/{version}"

    def _move_current(self, version: str, before: "tuple[bytes, UpdateVersion] | None") -> None:
        moved = self.objects.write(CURRENT_FILE, f"{version}\n".encode(), before[1] if before else "create")
        # The answer to a first attempt may have been lost, and a second one fails then.
        if not moved and (now := self.current_version()) != version:
            raise StoreError(
                f"{self.url}: {now} became current while {version} was uploaded; it still is, publish again"
            )

    def _require_whole(self, folder: Path, version: str) -> None:
        uploaded = {name: meta["size"] for name, meta in self.objects.list(version).items()}
        for path in folder.glob("*.npy"):
            if uploaded.get(f"{version}/{path.name}") != path.stat().st_size:
                raise StoreError(f"{self.url}/{version}/{path.name}: did not arrive whole")

    def _take_away(self, version: str) -> None:
        """Take away a bundle that did not become current: the manifest first, without which it is none.

        Where that cannot be done, what stays is not current, and not read without its manifest.
        """
        with contextlib.suppress(StoreError):
            found = self.objects.read(CURRENT_FILE)
            if found is None or found[0].decode("utf-8", "replace").strip() != version:
                names = (MANIFEST_FILE, *_ARRAY_FILES, MANIFEST_SUM_FILE)
                self.objects.delete([f"{version}/{name}" for name in names])

    def fetch(self, folder: Path) -> Path:
        """Bring the current bundle into a local store, unless a sound copy is there; return its folder.

        With it comes what lies beside it under its name: precomputed answers. Of earlier copies the last one stays.
        If what is published is damaged, what the local store had stays current in it.
        """
        version = self.current_version()
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / _LOCK_FILE).open("w") as lock:
            # Of services that start at the same time one downloads.
            fcntl.flock(lock, fcntl.LOCK_EX)
            target = folder / version
            if not _is_current_and_sound(Store(folder), target):
                shutil.rmtree(target, ignore_errors=True)
                Store(folder).add(version, lambda incoming: self._download(version, incoming))
            for name in self.objects.list():
                if name.startswith(f"{version}-") and "/" not in name:
                    self.objects.refresh(name, folder / name)
            Store(folder).keep(_N_COPIES)
        return target

    def unfinished(self) -> list[str]:
        """List the versions that have no manifest: of publishers that were killed, or are at work."""
        names = self.objects.list()
        versions = {name.partition("/")[0] for name in names if "/" in name}
        return sorted(version for version in versions if f"{version}/{MANIFEST_FILE}" not in names)

    def _download(self, version: str, folder: Path) -> None:
        for name in (MANIFEST_FILE, MANIFEST_SUM_FILE):
            self.objects.download(f"{version}/{name}", folder / name)
        names = [entry.name for entry in read_manifest(folder).files]
        _at_once(lambda name: self.objects.download(f"{version}/{name}", folder / name), names)


def open_store(location: str | Path) -> Store | ObjectStore:
    """Give the store at a URL, or in a folder."""
    return ObjectStore(str(location)) if is_url(location) else Store(Path(location))


def _is_current_and_sound(store: Store, folder: Path) -> bool:
    with contextlib.suppress(BundleError):
        if store.current_folder() == folder:
            Sums(folder, read_manifest(folder).files).require()
            return True
    return False


def _at_once(call: Callable[[str], object], names: Iterable[str]) -> None:
    with ThreadPoolExecutor(_N_AT_ONCE) as pool:
        list(pool.map(call, names))
