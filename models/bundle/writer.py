"""Writes a bundle into a folder: every file synced, the manifest last."""

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from models.bundle.layout import LAYOUT, MANIFEST_FILE, MANIFEST_SUM_FILE
from models.bundle.manifest import FileEntry, Manifest
from models.bundle.reader import assemble, manifest_sum_line


def write_bundle(folder: Path, manifest: Manifest, arrays: Mapping[str, NDArray[Any]]) -> Manifest:
    """Write a bundle.

    Parameters
    ----------
    folder : Path
        An existing, empty folder.
    manifest : Manifest
        Its ``files`` are replaced by what was written.
    arrays : mapping of str to ndarray
        One per entry of :data:`models.bundle.layout.LAYOUT`.

    Returns
    -------
    Manifest
        As written.

    Raises
    ------
    BundleContentError
        If the arrays break the format; nothing is written then.
    OSError
        If the disk is full or the folder cannot be written.
    """
    assemble(manifest, arrays, folder)
    entries = [_write_array(folder / f"{spec.name}.npy", arrays[spec.name]) for spec in LAYOUT]
    manifest = manifest.model_copy(update={"files": entries})
    content = (manifest.model_dump_json(indent=2) + "\n").encode()
    save_bytes(folder / MANIFEST_FILE, content)
    save_bytes(folder / MANIFEST_SUM_FILE, manifest_sum_line(content))
    sync_path(folder)
    return manifest


def sync_path(path: Path) -> None:
    """Make the content of a file, or the names in a folder, durable.

    Raises
    ------
    OSError
        If the disk fails; names the path.
    """
    with _naming(path):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def replace_folder(folder: Path, target: Path, earlier: Path) -> None:
    """Put a folder, whose content is durable, in the place of another one.

    A folder that is not empty cannot be replaced at once, so a process killed in the midst leaves no target.

    Parameters
    ----------
    folder : Path
    target : Path
        What the folder becomes. If that fails, it is what it was before.
    earlier : Path
        What the earlier target becomes, if there was one.

    Raises
    ------
    OSError
        If the disk fails. At the last step, when the target is the new folder already, a power cut may undo it.
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
    """Open a file to write that everybody may read and that is durable when the block ends.

    Raises
    ------
    OSError
        If the disk is full or the file cannot be written; names the file.
    """
    with _naming(path), path.open("wb") as file:
        # Whoever serves may be another user than the one who writes, whatever the umask.
        os.fchmod(file.fileno(), 0o644)
        yield file
        file.flush()
        os.fsync(file.fileno())


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array as a .npy file and make it durable.

    Like ``np.save``, which on a full disk says "1024 requested and 0 written", and not that the disk is full.

    Parameters
    ----------
    path : Path
    array : ndarray
        Without Python objects.

    Raises
    ------
    ValueError
        If the array holds Python objects.
    OSError
        If the disk is full or the file cannot be written; names the file.
    """
    if array.dtype.hasobject:
        raise ValueError(f"{path}: an array of Python objects would have to be pickled")
    plain = np.ascontiguousarray(array)
    with durable_file(path) as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(plain))
        file.write(plain.reshape(-1).view(np.uint8).data)


def save_bytes(path: Path, content: bytes) -> None:
    """Write a file and make it durable.

    Raises
    ------
    OSError
        If the disk is full or the file cannot be written; names the file.
    """
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
    """Let an error of the operating system name the file, which failed writes do not do by themselves.

    Raises
    ------
    OSError
        The same, with its file name.
    """
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
