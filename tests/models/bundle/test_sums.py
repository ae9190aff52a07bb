"""The sums by which a bundle's files are known."""

import time
from pathlib import Path

import pytest

from models.bundle.manifest import FileEntry
from models.bundle.sums import Sums
from models.errors import BundleCorruptError


def test_a_file_truncated_while_it_is_read_is_named(tmp_path: Path) -> None:
    # A mapped file that loses its pages kills the process with SIGBUS.
    path = tmp_path / "anime_embeddings.npy"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    entry = FileEntry(name=path.name, n_bytes=1 << 30, sha256="0" * 64, dtype="<f4", shape=(1,))
    sums = Sums(tmp_path, [entry])
    time.sleep(0.1)
    path.write_bytes(b"")
    with pytest.raises(BundleCorruptError, match=r"has (sha256|0 bytes)"):
        sums.require()
