"""Seals: what was checked once need not be checked again, until anything about it changes."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.bundle import read_bundle
from models.errors import BundleContentError, BundleCorruptError, BundleError, BundleMissingError
from models.seal import seal_of
from models.writer import write_bundle
from tests.models.small_bundle import make_arrays, make_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written = tmp_path / "bundle"
    written.mkdir()
    write_bundle(written, make_manifest(), make_arrays())
    return written


def _spoil(folder: Path) -> None:
    path = folder / "anime_embeddings.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def _spoil_and_set_the_time_back(folder: Path) -> None:
    found = (folder / "anime_embeddings.npy").stat()
    _spoil(folder)
    os.utime(folder / "anime_embeddings.npy", ns=(found.st_atime_ns, found.st_mtime_ns))


def _replace(folder: Path) -> None:
    spoilt = folder.parent / "spoilt.npy"
    array = np.load(folder / "anime_embeddings.npy")
    array[0, 0] += 0.001
    np.save(spoilt, array)
    spoilt.replace(folder / "anime_embeddings.npy")


def test_a_seal_is_the_same_as_long_as_nothing_changes(folder: Path) -> None:
    assert seal_of(folder) == seal_of(folder)


def test_a_copy_has_another_seal(folder: Path) -> None:
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    assert seal_of(copy) != seal_of(folder)


@pytest.mark.parametrize("change", [_spoil, _spoil_and_set_the_time_back, _replace])
def test_whatever_changes_after_the_seal_was_taken_is_found(folder: Path, change: Callable[[Path], None]) -> None:
    seal = seal_of(folder)
    read_bundle(folder, seal=seal)
    change(folder)
    with pytest.raises(BundleCorruptError, match="anime_embeddings"):
        read_bundle(folder, seal=seal)


def test_a_wrong_seal_opens_nothing(folder: Path) -> None:
    _spoil(folder)
    with pytest.raises(BundleCorruptError):
        read_bundle(folder, seal="0" * 64)


def test_what_is_sealed_is_not_read_again(folder: Path) -> None:
    # A seal taken of something unsound: nobody does, but it shows that bytes and contents are not looked at.
    _spoil(folder)
    assert read_bundle(folder, seal=seal_of(folder)).n_anime > 0


@pytest.mark.parametrize("name", ["members.npy", "manifest.json", "manifest.json.sha256"])
def test_a_missing_file_is_found_whatever_the_seal(folder: Path, name: str) -> None:
    seal = seal_of(folder)
    (folder / name).unlink()
    with pytest.raises(BundleMissingError):
        read_bundle(folder, seal=seal)


def test_a_truncated_file_is_found_whatever_the_seal(folder: Path) -> None:
    path = folder / "user_embeddings.npy"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BundleError):
        read_bundle(folder, seal=seal_of(folder))


def test_a_folder_that_is_not_there_has_no_seal(tmp_path: Path) -> None:
    with pytest.raises(BundleMissingError):
        seal_of(tmp_path / "nothing")


@pytest.mark.parametrize("value", [-1, 60_000])
def test_a_row_outside_the_catalogue_is_refused(tmp_path: Path, value: int) -> None:
    arrays = make_arrays()
    arrays["list_anime_rows"] = arrays["list_anime_rows"].copy()
    arrays["list_anime_rows"][0] = value
    with pytest.raises(BundleContentError, match="holds values outside"):
        write_bundle(tmp_path, make_manifest(), arrays)
