"""Writes a bundle into a folder: every file synced, the manifest last."""

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from models.bundle.layout import LAYOUT, MANIFEST_FILE, MANIFEST_SUM_FILE
from models.bundle.manifest import FileEntry, Manifest
from models.bundle.reader import assemble, manifest_sum_line
from models.cores import usable_cores


def write_bundle(folder: Path, manifest: Manifest, arrays: Mapping[str, NDArray[Any]]) -> Manifest:
    """Write a bundle, an array per entry of :data:`models.bundle.layout.LAYOUT`, into an existing, empty folder.

    Gives the manifest as written, with its ``files``.

    Raises
    ------
    BundleContentError
        If the arrays break the format; nothing is written then.
    """
    assemble(manifest, arrays, folder)
    with ThreadPoolExecutor(usable_cores()) as pool:
        entries = list(pool.map(lambda spec: _write_array(folder / f"{spec.name}.npy", arrays[spec.name]), LAYOUT))
    manifest = manifest.model_copy(update={"files": entries})
    content = (manifest.model_dump_json(indent=2) + "\n").encode()
    save_bytes(folder / MANIFEST_FILE, content)
    save_bytes(folder / MANIFEST_SUM_FILE, manifest_sum_line(content))
    sync_path(folder)
    return manifest


def sync_path(path: Path) -> None:
    """Make the content of a file, or the names in a folder, durable. An error names the path."""
    with _naming(path):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def replace_folder(folder: Path, target: Path, earlier: Path) -> None:
    """Put a folder, whose content is durable, in the place of a target, which becomes ``earlier``.

    A folder that is not empty cannot be replaced at once, so a process killed in the midst leaves no target. After an
    error the target is what it was before, apart from the last step: then it is the new folder, which a power cut may
    undo.
    """
    try:
        if target.exists():
            target.rename(earlier)
        folder.rename(target)
    except BaseException:
        if earlier.exists() and not target.exists():
            earlier.rename(target)
        raise
    sync_path(target.parent)


@contextlib.contextmanager
def durable_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write that all users may read and that is durable when the block ends. An error names it."""
    with _naming(path), path.open("wb") as file:
        # The service may run as another user, whatever the umask.
        os.fchmod(file.fileno(), 0o644)
        yield file
        file.flush()
        os.fsync(file.fileno())


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array as a .npy file and make it durable. Unlike ``np.save``, it reports a full disk as one.

    Raises
    ------
    ValueError
        If the array holds Python objects.
    """
    if array.dtype.hasobject:
        raise ValueError(f"{path}: an array of Python objects would have to be pickled")
    plain = np.ascontiguousarray(array)
    with durable_file(path) as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(plain))
        file.write(plain.reshape(-1).view(np.uint8).data)


def save_bytes(path: Path, content: bytes) -> None:
    """Write a file and make it durable."""
    with durable_file(path) as file:
        file.write(content)


def _write_array(path: Path, array: NDArray[Any]) -> FileEntry:
    save_array(path, array)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileEntry(
        name=path.name, shape=array.shape, dtype=array.dtype.str, sha256=digest, n_bytes=path.stat().st_size
    )


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    # Errors of failed writes do not name the file by themselves.
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
