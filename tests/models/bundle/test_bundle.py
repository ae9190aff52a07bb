"""Reading and writing bundles: what is written comes back, and nothing damaged is taken."""

import itertools
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.bundle.layout import MANIFEST_FILE, MANIFEST_SUM_FILE
from models.bundle.reader import opened_bundle, read_bundle, read_manifest
from models.bundle.writer import save_array, write_bundle
from models.errors import (
    BundleContentError,
    BundleCorruptError,
    BundleError,
    BundleFormatError,
    BundleMissingError,
)
from tests.models.small_bundle import (
    ALL_FILES,
    ARRAY_FILES,
    edit_manifest,
    flip_byte,
    make_arrays,
    make_manifest,
    replace_array,
)


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
    subprocess.run(["sha256sum", "--check", "--strict", MANIFEST_SUM_FILE], cwd=bundle_folder, timeout=60, check=True)


def test_a_bundle_of_empty_lists_and_no_genres_reads_back(tmp_path: Path) -> None:
    arrays = make_arrays(n_anime=1, n_users=1)
    for name in ("list_anime_rows", "list_ratings", "list_statuses"):
        arrays[name] = arrays[name][:0]
    arrays["list_offsets"] = np.zeros(2, dtype=np.int64)
    arrays["genre_names"] = np.array([], dtype="U1")
    arrays["anime_genres"], arrays["new_anime_genres"] = np.zeros((1, 0), dtype=bool), np.zeros((0, 0), dtype=bool)
    write_bundle(tmp_path, make_manifest(), arrays)
    bundle = read_bundle(tmp_path)
    assert bundle.anime_genres.shape == (1, 0)
    assert len(bundle.list_ratings) == 0


def _refused(folder: Path) -> BundleError:
    with pytest.raises(BundleError) as error:
        read_bundle(folder)
    return error.value


def test_one_flipped_byte_in_any_file_is_refused(bundle_folder: Path) -> None:
    masks = itertools.cycle([0x01, 0x80, 0xFF])
    for number, name in enumerate(ALL_FILES):
        path = bundle_folder / name
        size = path.stat().st_size
        position, mask = (0, size // 2, size - 1)[number // 3 % 3], next(masks)
        flip_byte(path, position, mask)
        error = _refused(bundle_folder)
        # A manifest that still is one does not match its sum, whichever of the two was changed.
        assert error.path == path or (name == MANIFEST_FILE and error.path.name == MANIFEST_SUM_FILE), name
        flip_byte(path, position, mask)
    read_bundle(bundle_folder)


@pytest.mark.parametrize("name", ["list_ratings.npy", MANIFEST_FILE, MANIFEST_SUM_FILE])
def test_a_byte_flipped_anywhere_in_a_file_is_refused(bundle_folder: Path, name: str) -> None:
    path = bundle_folder / name
    size = path.stat().st_size
    for position in (0, 1, size // 4, size // 2, 3 * size // 4, size - 2, size - 1):
        for mask in (0x01, 0x80, 0xFF):
            flip_byte(path, position, mask)
            assert name in str(_refused(bundle_folder)), (position, mask)
            flip_byte(path, position, mask)


def test_bytes_all_over_the_manifest_count(bundle_folder: Path) -> None:
    path = bundle_folder / MANIFEST_FILE
    for position in range(0, path.stat().st_size, 97):
        flip_byte(path, position, 0x04)
        with pytest.raises(BundleError, match=r"manifest\.json"):
            read_manifest(bundle_folder)
        flip_byte(path, position, 0x04)
    read_manifest(bundle_folder)


def test_a_truncated_or_grown_file_is_refused(bundle_folder: Path) -> None:
    cuts: list[Callable[[bytes], bytes]] = [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: content + b"\0",
    ]
    for name, cut in [*zip(ALL_FILES, itertools.cycle(cuts)), *((MANIFEST_SUM_FILE, cut) for cut in cuts)]:
        path = bundle_folder / name
        content = path.read_bytes()
        path.write_bytes(cut(content))
        assert name in str(_refused(bundle_folder))
        path.write_bytes(content)
    read_bundle(bundle_folder)


def test_a_missing_file_is_named(bundle_folder: Path) -> None:
    for name in ALL_FILES:
        path = bundle_folder / name
        path.rename(bundle_folder / "away")
        error = _refused(bundle_folder)
        assert isinstance(error, BundleMissingError)
        assert error.path == path
        (bundle_folder / "away").rename(path)


@pytest.mark.parametrize("name", ["years.npy", MANIFEST_FILE, MANIFEST_SUM_FILE])
def test_a_folder_in_the_place_of_a_file_is_named(bundle_folder: Path, name: str) -> None:
    (bundle_folder / name).unlink()
    (bundle_folder / name).mkdir()
    error = _refused(bundle_folder)
    assert isinstance(error, BundleMissingError)
    assert error.path == bundle_folder / name


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleMissingError, match="nowhere"):
        read_bundle(tmp_path / "nowhere")


@pytest.mark.parametrize("version", [0, 1, 99, "1", None])
def test_another_format_version_is_refused(bundle_folder: Path, version: object) -> None:
    edit_manifest(bundle_folder, lambda manifest: manifest.update(format_version=version))
    with pytest.raises(
        BundleFormatError, match=f"manifest.json: has format version {version!r}.*train the bundle anew"
    ):
        read_bundle(bundle_folder)


def test_a_later_format_is_told_apart_from_damage_whatever_else_it_changed(bundle_folder: Path) -> None:
    (bundle_folder / MANIFEST_FILE).write_text('{"format_version": 99, "new": true}', encoding="utf-8")
    (bundle_folder / MANIFEST_SUM_FILE).unlink()
    with pytest.raises(BundleFormatError, match="format version 99"):
        read_bundle(bundle_folder)


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (lambda manifest: manifest.update(surprise=1), "field surprise"),
        (lambda manifest: manifest.pop("data"), "field data"),
        (lambda manifest: manifest.update(embedding_size=0), "field embedding_size"),
        (lambda manifest: manifest.update(model_version="../elsewhere"), "field model_version"),
        (
            lambda manifest: manifest["golden"].append(
                {"kind": "similar_users", "method": "embedding", "query_id": 1, "ids": [2, 3], "scores": [0.5]}
            ),
            "field golden.0: Value error, 2 ids, but 1 scores",
        ),
        (lambda manifest: manifest["files"].pop(), "id_map.npy"),
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


def test_a_changed_file_is_named_whatever_came_of_using_it(bundle_folder: Path) -> None:
    flip_byte(bundle_folder / "cards.npy", 200, 0x01)
    with pytest.raises(BundleCorruptError, match=r"cards\.npy"), opened_bundle(bundle_folder):
        raise KeyError("no such key in a damaged card")


def test_contents_that_break_a_promise_are_named_whatever_came_of_using_them(bundle_folder: Path) -> None:
    def point_outside(rows: NDArray[Any]) -> NDArray[Any]:
        rows[3] = 12
        return rows

    replace_array(bundle_folder, "list_anime_rows", point_outside)
    with (
        pytest.raises(BundleContentError, match=r"list_anime_rows\.npy: holds values outside 0\.\.11"),
        opened_bundle(bundle_folder),
    ):
        raise IndexError("index 12 is out of bounds")


def test_what_another_process_has_checked_is_not_checked_again(bundle_folder: Path) -> None:
    flip_byte(bundle_folder / "cards.npy", 200, 0x01)
    with opened_bundle(bundle_folder, is_checked=True) as bundle:
        assert bundle.n_anime == 12


@pytest.mark.parametrize("name", ["cards.npy", MANIFEST_FILE, MANIFEST_SUM_FILE])
def test_a_missing_file_is_named_even_in_a_bundle_that_was_checked(bundle_folder: Path, name: str) -> None:
    (bundle_folder / name).unlink()
    with (
        pytest.raises(BundleMissingError, match=f"{name}: cannot be read"),
        opened_bundle(bundle_folder, is_checked=True),
    ):
        pass


def test_a_truncated_file_is_named_even_in_a_bundle_that_was_checked(bundle_folder: Path) -> None:
    path = bundle_folder / "user_embeddings.npy"
    path.write_bytes(path.read_bytes()[:-100])
    with (
        pytest.raises(BundleCorruptError, match=r"user_embeddings\.npy"),
        opened_bundle(bundle_folder, is_checked=True),
    ):
        pass


def test_an_array_is_saved_as_it_is_whatever_its_order_in_memory(tmp_path: Path) -> None:
    rows = np.arange(24, dtype=np.int32).reshape(4, 6)
    for array in (rows, rows.T, rows[::2], rows[:, ::-1], np.asfortranarray(rows), rows[:0]):
        save_array(tmp_path / "array.npy", array)
        saved = np.load(tmp_path / "array.npy", allow_pickle=False)
        assert (saved.shape, saved.dtype, saved.tolist()) == (array.shape, array.dtype, array.tolist())


def test_every_list_may_begin_below_the_end_of_the_one_before(tmp_path: Path) -> None:
    arrays = make_arrays()
    arrays["list_offsets"] = np.array([0, 0, 2, 3, 3, 5, 7, 7])
    arrays["list_anime_rows"] = np.array([10, 11, 0, 4, 5, 4, 5], dtype=np.int32)
    for name in ("list_ratings", "list_statuses"):
        arrays[name] = np.ones(7, dtype=np.uint8)
    write_bundle(tmp_path, make_manifest(), arrays)
    assert read_bundle(tmp_path).list_anime_rows.tolist() == [10, 11, 0, 4, 5, 4, 5]
