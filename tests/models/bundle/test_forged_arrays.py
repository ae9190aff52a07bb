"""Files of a bundle that are not the arrays they should be, however they were forged."""

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.bundle.inverted_file import InvertedFile
from models.bundle.reader import read_bundle
from models.errors import BundleCorruptError, BundleError
from tests.models.small_bundle import inverted_file, replace_file, unit_rows


def test_a_pickled_array_is_refused_and_never_loaded(bundle_folder: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return Path.touch, (tmp_path / "sprung",)

    trap = np.array([Trap()] * 12, dtype=object)
    np.save(tmp_path / "trap.npy", trap, allow_pickle=True)
    replace_file(bundle_folder, "years.npy", (tmp_path / "trap.npy").read_bytes(), dtype="|O")
    with pytest.raises(BundleCorruptError, match=r"years\.npy: is no numpy array"):
        read_bundle(bundle_folder)
    assert not (tmp_path / "sprung").exists()


def test_something_else_than_an_array_is_refused(bundle_folder: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "archive.npz", years=np.arange(12))
    for content in ((tmp_path / "archive.npz").read_bytes(), b"", b"text", b"\x93NUMPY", b"\x80\x04."):
        replace_file(bundle_folder, "years.npy", content)
        with pytest.raises(BundleCorruptError, match=r"years\.npy: is no numpy array"):
            read_bundle(bundle_folder)


@pytest.mark.parametrize("shape", [[12], [0]])
@pytest.mark.parametrize(
    "head",
    [
        *(f"{{'descr': '<i2', 'fortran_order': False, 'shape': ({n},)}}" for n in (2**70, -12, True)),
        "{1: 2, 'shape': 3}",
        "{[]: 1}",
        f"{'-' * 9_000}1",
        "(" * 5_000,
    ],
)
def test_a_head_that_numpy_cannot_cope_with_is_refused(bundle_folder: Path, head: str, shape: list[int]) -> None:
    content = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + bytes(24)
    replace_file(bundle_folder, "years.npy", content, shape=shape)
    with pytest.raises(BundleCorruptError, match=r"years\.npy: (is no numpy array|holds)"):
        read_bundle(bundle_folder)


def test_a_shape_or_dtype_other_than_the_manifest_says_is_refused(bundle_folder: Path) -> None:
    replace_file(bundle_folder, "years.npy", (bundle_folder / "years.npy").read_bytes(), shape=[11])
    with pytest.raises(BundleCorruptError, match=r"years\.npy: holds <i2 \(12,\), the manifest says <i2 \(11,\)"):
        read_bundle(bundle_folder)


@settings(max_examples=80, deadline=None)
@given(edits=st.lists(st.tuples(st.integers(0, 140), st.integers(0, 255)), min_size=1, max_size=4))
def test_no_header_however_forged_ends_in_anything_but_a_bundle_error(
    written_bundle: Path, tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[int, int]]
) -> None:
    folder = Path(shutil.copytree(written_bundle, tmp_path_factory.mktemp("forged") / "bundle"))
    content = bytearray((folder / "years.npy").read_bytes())
    for position, value in edits:
        content[position] = value
    replace_file(folder, "years.npy", bytes(content))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy warns of headers written by Python 2
        try:
            read_bundle(folder)
        except BundleError as error:
            assert error.path.name == "years.npy"  # noqa: PT017 - it need not be refused: years may be forged well
    shutil.rmtree(folder.parent)


def test_an_index_that_claims_more_than_its_bytes_can_hold_is_refused_before_memory_is_taken() -> None:
    limits = faiss.get_deserialization_vector_byte_limit(), faiss.get_deserialization_loop_limit()
    users = unit_rows(40, 4, np.random.default_rng(0))
    content = inverted_file(users, users[:4], 2)
    n_groups = content.tobytes().index(b"ilar") + 4
    forged = content.copy()
    forged[n_groups + 3] = 1  # 16 million groups more
    with pytest.raises(ValueError, match=r"nlist=16777220 exceeds deserialization_loop_limit"):
        InvertedFile(forged)
    sizes = content.tobytes().index(b"full") + 4
    forged = content.copy()
    forged[sizes + 4] = 1  # a vector of 32 GiB
    with pytest.raises(ValueError, match="deserialization_vector_byte_limit"):
        InvertedFile(forged)
    # Whatever else reads an index in this process is not bounded by this one.
    assert (faiss.get_deserialization_vector_byte_limit(), faiss.get_deserialization_loop_limit()) == limits
