"""Reading and writing bundles: what is written comes back, and nothing damaged is taken."""

import json
import shutil
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.bundle import read_bundle, read_manifest
from models.errors import (
    BundleContentError,
    BundleCorruptError,
    BundleError,
    BundleFormatError,
    BundleMissingError,
)
from models.layout import LAYOUT, MANIFEST_FILE, MANIFEST_SUM_FILE
from models.writer import write_bundle
from tests.models.small_bundle import (
    ALL_FILES,
    ARRAY_FILES,
    edit_manifest,
    flip_byte,
    make_arrays,
    make_manifest,
    replace_array,
    replace_file,
)

Edit = Callable[[NDArray[Any]], NDArray[Any]]


def test_a_written_bundle_reads_back_as_it_was(bundle_folder: Path) -> None:
    bundle = read_bundle(bundle_folder)
    for name, array in make_arrays().items():
        read = getattr(bundle, name)
        np.testing.assert_array_equal(read, array)
        assert read.dtype == array.dtype
    assert bundle.manifest.model_copy(update={"files": []}) == make_manifest()
    assert [entry.name for entry in bundle.manifest.files] == ARRAY_FILES
    assert (bundle.n_anime, bundle.n_users) == (12, 7)


def test_arrays_are_mapped_read_only_and_plain(bundle_folder: Path) -> None:
    bundle = read_bundle(bundle_folder)
    assert type(bundle.anime_embeddings) is np.ndarray
    with pytest.raises(ValueError, match="read-only"):
        bundle.anime_embeddings[0, 0] = 1.0


def test_npy_files_are_those_that_numpy_itself_would_write(bundle_folder: Path, tmp_path: Path) -> None:
    for name, array in make_arrays().items():
        np.save(tmp_path / "numpy.npy", array)
        assert (bundle_folder / f"{name}.npy").read_bytes() == (tmp_path / "numpy.npy").read_bytes()


def test_the_manifest_can_be_checked_with_sha256sum(bundle_folder: Path) -> None:
    if not shutil.which("sha256sum"):
        pytest.skip("no sha256sum here")
    subprocess.run(["sha256sum", "--check", "--strict", MANIFEST_SUM_FILE], cwd=bundle_folder, check=True)


def test_a_bundle_of_empty_lists_and_no_genres_reads_back(tmp_path: Path) -> None:
    arrays = make_arrays(n_anime=1, n_users=1)
    for name in ("list_anime_rows", "list_ratings", "list_statuses"):
        arrays[name] = arrays[name][:0]
    arrays["list_offsets"] = np.zeros(2, dtype=np.int64)
    arrays["genre_names"] = np.array([], dtype="U1")
    arrays["anime_genres"] = np.zeros((1, 0), dtype=bool)
    write_bundle(tmp_path, make_manifest(), arrays)
    bundle = read_bundle(tmp_path)
    assert bundle.anime_genres.shape == (1, 0)
    assert len(bundle.list_ratings) == 0


@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
@pytest.mark.parametrize("position", ["first", "second", "third of four", "last"])
@pytest.mark.parametrize("name", ALL_FILES)
def test_one_flipped_byte_in_any_file_is_refused(bundle_folder: Path, name: str, position: str, mask: int) -> None:
    path = bundle_folder / name
    size = path.stat().st_size
    flip_byte(path, {"first": 0, "second": 1, "third of four": 3 * size // 4, "last": size - 1}[position], mask)
    with pytest.raises(BundleError) as error:
        read_bundle(bundle_folder)
    assert name in str(error.value)
    if name != MANIFEST_FILE:
        assert error.value.path == path


def test_every_single_byte_of_the_manifest_counts(bundle_folder: Path) -> None:
    path = bundle_folder / MANIFEST_FILE
    for position in range(path.stat().st_size):
        flip_byte(path, position, 0x04)
        with pytest.raises(BundleError, match=r"manifest\.json"):
            read_manifest(bundle_folder)
        flip_byte(path, position, 0x04)
    read_manifest(bundle_folder)


@pytest.mark.parametrize("keep", ["nothing", "half", "all but one byte", "one byte more"])
@pytest.mark.parametrize("name", ALL_FILES)
def test_a_truncated_or_grown_file_is_refused(bundle_folder: Path, name: str, keep: str) -> None:
    path = bundle_folder / name
    content = path.read_bytes()
    sizes = {"nothing": 0, "half": len(content) // 2, "all but one byte": len(content) - 1}
    path.write_bytes(content[: sizes[keep]] if keep in sizes else content + b"\0")
    with pytest.raises(BundleError) as error:
        read_bundle(bundle_folder)
    assert name in str(error.value)


@pytest.mark.parametrize("name", ALL_FILES)
def test_a_missing_file_is_named(bundle_folder: Path, name: str) -> None:
    (bundle_folder / name).unlink()
    with pytest.raises(BundleMissingError) as error:
        read_bundle(bundle_folder)
    assert error.value.path == bundle_folder / name


@pytest.mark.parametrize("name", ALL_FILES)
def test_a_folder_in_the_place_of_a_file_is_named(bundle_folder: Path, name: str) -> None:
    (bundle_folder / name).unlink()
    (bundle_folder / name).mkdir()
    with pytest.raises(BundleMissingError) as error:
        read_bundle(bundle_folder)
    assert error.value.path == bundle_folder / name


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleMissingError, match="nowhere"):
        read_bundle(tmp_path / "nowhere")


@pytest.mark.parametrize("version", [0, 2, 99, "1", None])
def test_another_format_version_is_refused(bundle_folder: Path, version: object) -> None:
    edit_manifest(bundle_folder, lambda manifest: manifest.update(format_version=version))
    with pytest.raises(
        BundleFormatError, match=f"manifest.json: has format version {version!r}.*train the bundle anew"
    ):
        read_bundle(bundle_folder)


def test_a_later_format_is_told_apart_from_damage_whatever_else_it_changed(bundle_folder: Path) -> None:
    (bundle_folder / MANIFEST_FILE).write_text('{"format_version": 2, "new": true}', encoding="utf-8")
    (bundle_folder / MANIFEST_SUM_FILE).unlink()
    with pytest.raises(BundleFormatError, match="format version 2"):
        read_bundle(bundle_folder)


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (lambda manifest: manifest.update(surprise=1), "field surprise"),
        (lambda manifest: manifest.pop("data"), "field data"),
        (lambda manifest: manifest.update(embedding_size=0), "field embedding_size"),
        (lambda manifest: manifest.update(model_version="../elsewhere"), "field model_version"),
        (lambda manifest: manifest["files"].pop(), "popularity.npy"),
        (lambda manifest: manifest["files"][0].update(name="../x.npy"), "field files.0.name"),
        (lambda manifest: manifest["files"].append({**manifest["files"][0], "name": "more.npy"}), "more.npy"),
    ],
)
def test_a_manifest_that_breaks_the_format_is_refused(
    bundle_folder: Path, edit: Callable[[dict[str, Any]], object], fault: str
) -> None:
    edit_manifest(bundle_folder, edit)
    with pytest.raises(BundleFormatError, match=r"manifest\.json") as error:
        read_bundle(bundle_folder)
    assert fault in str(error.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"not json", b"\xff\xfe", b"[" * 100_000])
def test_a_manifest_that_is_no_json_object_is_refused(bundle_folder: Path, content: bytes) -> None:
    (bundle_folder / MANIFEST_FILE).write_bytes(content)
    with pytest.raises(BundleCorruptError, match=r"manifest\.json: is no JSON object"):
        read_manifest(bundle_folder)


def _set(position: Any, value: object) -> Edit:
    def change(array: NDArray[Any]) -> NDArray[Any]:
        changed = array.copy()
        changed[position] = value
        return changed

    return change


@pytest.mark.parametrize(
    ("array_name", "change", "fault"),
    [
        ("anime_embeddings", _set((3, 1), np.nan), "row 3 holds NaN"),
        ("anime_embeddings", _set((3, 1), np.inf), "row 3 holds NaN or infinity"),
        ("user_embeddings", _set((6, 0), np.nan), "row 6 holds NaN"),
        ("user_embeddings", _set(2, 0.0), "row 2 has norm 0.0000, not 1"),
        ("anime_embeddings", lambda array: array * np.float32(1.01), "row 0 has norm 1.0100, not 1"),
        ("anime_embeddings", lambda array: array * np.float32(1e30), "row 0"),
        ("user_embeddings", lambda array: array[:-1], "n_users = 6, but user_ids.npy says 7"),
        ("anime_embeddings", lambda array: array[:-1], "n_anime = 11, but anime_ids.npy says 12"),
        ("anime_embeddings", lambda array: array[:, :-1], "embedding_size = 3, but manifest.json says 4"),
        ("user_embeddings", lambda array: array.astype(np.float64), "dtype float64"),
        ("user_embeddings", lambda array: array.ravel(), "has 1 dimensions"),
        ("anime_ids", lambda array: array[::-1], "not strictly ascending"),
        ("user_ids", _set(1, 10), "not strictly ascending"),
        ("user_ids", _set([0, 1], [2**63 - 1, -(2**63)]), "not strictly ascending"),
        ("list_offsets", _set(0, 1), "offsets do not rise from 0"),
        ("list_offsets", _set(-1, 10**6), "offsets do not rise from 0"),
        ("list_offsets", _set(3, 10**6), "offsets do not rise from 0"),
        ("list_offsets", _set([1, 2], [2**63 - 1, -(2**63)]), "offsets do not rise from 0"),
        ("list_offsets", lambda array: array[:-1], "n_users = 6"),
        ("card_offsets", _set(-1, 0), "offsets do not rise from 0"),
        ("list_anime_rows", _set(0, 12), "values outside 0..11"),
        ("list_anime_rows", _set(0, -1), "values outside 0..11"),
        ("list_anime_rows", lambda array: array[::-1], "do not ascend within a list"),
        ("list_ratings", _set(-1, 11), "values outside 0..10"),
        ("list_ratings", lambda array: array[1:], "n_entries"),
        ("list_statuses", _set(0, 7), "values outside 0..6"),
        ("type_codes", _set(0, 3), "values outside 0..2"),
        ("mean_scores", _set(5, np.nan), "holds NaN"),
        ("years", lambda array: array[:-1], "n_anime = 11"),
        ("anime_genres", lambda array: array[:, :1], "n_genres = 1"),
    ],
)
def test_content_that_breaks_a_promise_is_refused_even_with_the_right_checksum(
    bundle_folder: Path, array_name: str, change: Edit, fault: str
) -> None:
    replace_array(bundle_folder, array_name, change)
    with pytest.raises(BundleContentError) as error:
        read_bundle(bundle_folder)
    assert error.value.path.name == f"{array_name}.npy"
    assert fault in str(error.value)


@pytest.mark.parametrize("array_name", ["anime_ids", "user_ids"])
def test_a_model_without_users_or_anime_is_refused(tmp_path: Path, array_name: str) -> None:
    n_users, n_anime = (0, 3) if array_name == "user_ids" else (3, 0)
    arrays = make_arrays(n_anime=max(n_anime, 1), n_users=max(n_users, 1))
    for spec in LAYOUT:
        if spec.dims[0] == ("n_users" if n_users == 0 else "n_anime"):
            arrays[spec.name] = arrays[spec.name][:0]
    offsets = "list_offsets" if n_users == 0 else "card_offsets"
    arrays[offsets] = arrays[offsets][:1]
    with pytest.raises(BundleContentError, match=f"{array_name}.npy: is empty"):
        write_bundle(tmp_path, make_manifest(), arrays)


def test_every_list_may_begin_below_the_end_of_the_one_before(tmp_path: Path) -> None:
    arrays = make_arrays()
    arrays["list_offsets"] = np.array([0, 0, 2, 3, 3, 5, 7, 7])
    arrays["list_anime_rows"] = np.array([10, 11, 0, 4, 5, 4, 5], dtype=np.int32)
    for name in ("list_ratings", "list_statuses"):
        arrays[name] = np.ones(7, dtype=np.uint8)
    write_bundle(tmp_path, make_manifest(), arrays)
    assert read_bundle(tmp_path).list_anime_rows.tolist() == [10, 11, 0, 4, 5, 4, 5]


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


def test_a_shape_or_dtype_other_than_the_manifest_says_is_refused(bundle_folder: Path) -> None:
    replace_file(bundle_folder, "years.npy", (bundle_folder / "years.npy").read_bytes(), shape=[11])
    with pytest.raises(BundleCorruptError, match=r"years\.npy: holds <i2 \(12,\), the manifest says <i2 \(11,\)"):
        read_bundle(bundle_folder)


@settings(max_examples=150, deadline=None)
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


def test_arrays_that_break_the_format_are_not_written_at_all(tmp_path: Path) -> None:
    arrays = make_arrays()
    arrays["anime_embeddings"][0] = 0.0
    with pytest.raises(BundleContentError, match="row 0 has norm 0"):
        write_bundle(tmp_path, make_manifest(), arrays)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_array_is_named_before_anything_is_written(tmp_path: Path) -> None:
    arrays = make_arrays()
    del arrays["members"]
    with pytest.raises(BundleContentError, match=r"members\.npy: is missing from the arrays"):
        write_bundle(tmp_path, make_manifest(), arrays)
    assert list(tmp_path.iterdir()) == []


def test_the_manifest_holds_no_nan(bundle_folder: Path) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    json.loads((bundle_folder / MANIFEST_FILE).read_text(encoding="utf-8"), parse_constant=refuse)
