"""The sums by which a bundle's files are known."""

import shutil
import time
from pathlib import Path

import pytest

from models.bundle.manifest import FileEntry
from models.bundle.reader import opened_bundle, read_manifest
from models.bundle.sums import Sums
from models.errors import BundleCorruptError
from tests.models.small_bundle import flip_byte


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


def test_sums_that_were_begun_early_count(bundle_folder: Path) -> None:
    sums = Sums(bundle_folder, read_manifest(bundle_folder).files)
    sums.require()
    # What is changed after its sum was known is not read again: these sums are the ones that count.
    flip_byte(bundle_folder / "cards.npy", 200, 0x01)
    with opened_bundle(bundle_folder, sums=sums) as bundle:
        assert bundle.n_anime == 12


def test_sums_of_another_bundle_do_not_count(bundle_folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(bundle_folder, other)
    sums = Sums(other, read_manifest(other).files)
    flip_byte(bundle_folder / "cards.npy", 200, 0x01)
    with pytest.raises(BundleCorruptError, match=r"cards\.npy"), opened_bundle(bundle_folder, sums=sums):
        pass
