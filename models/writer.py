"""Writes a bundle into a folder: every file synced, the manifest last."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle import assemble, manifest_sum_line
from models.layout import LAYOUT, MANIFEST_FILE, MANIFEST_SUM_FILE
from models.manifest import FileEntry, Manifest


def write_bundle(folder: Path, manifest: Manifest, arrays: Mapping[str, NDArray[Any]]) -> Manifest:
    """Write a bundle.

    Parameters
    ----------
    folder : Path
        An existing, empty folder.
    manifest : Manifest
        Its ``files`` are replaced by what was written.
    arrays : mapping of str to ndarray
        One per entry of :data:`models.layout.LAYOUT`.

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
    _write_bytes(folder / MANIFEST_FILE, content)
    _write_bytes(folder / MANIFEST_SUM_FILE, manifest_sum_line(content))
    sync_folder(folder)
    return manifest


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable.

    Parameters
    ----------
    folder : Path
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_array(path: Path, array: NDArray[Any]) -> FileEntry:
    with path.open("wb") as file:
        np.save(file, np.ascontiguousarray(array), allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileEntry(
        name=path.name, shape=array.shape, dtype=array.dtype.str, sha256=digest, n_bytes=path.stat().st_size
    )


def _write_bytes(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
