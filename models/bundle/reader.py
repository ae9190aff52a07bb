"""A bundle in memory: the manifest and its arrays, read memory-mapped."""

import contextlib
import hashlib
import json
import math
import tokenize
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from models.bundle import checks
from models.bundle.layout import FORMAT_VERSION, LAYOUT, MANIFEST_FILE, MANIFEST_SUM_FILE
from models.bundle.manifest import FileEntry, Manifest, SimilarAnimeMethod
from models.bundle.sums import Sums
from models.errors import BundleContentError, BundleCorruptError, BundleFormatError, BundleMissingError

Array = NDArray[Any]

# What numpy makes of the head of a file that is none, or claims a shape that no memory holds.
_DAMAGED: Final = (
    *(ValueError, TypeError, OverflowError, EOFError, MemoryError),
    *(SyntaxError, tokenize.TokenError, RecursionError),
)


@dataclass(frozen=True)
class Bundle:
    """A model, ready to answer. The arrays are those of :data:`models.bundle.layout.LAYOUT`."""

    manifest: Manifest
    anime_ids: NDArray[np.int64]
    user_ids: NDArray[Any]  # all of them int64 or all of them str
    anime_embeddings: NDArray[np.float32]
    list_embeddings: NDArray[np.float32]
    anime_gains: NDArray[np.float32]
    user_embeddings: NDArray[np.float32]
    user_index: NDArray[np.uint8]
    nearest_user_rows: NDArray[np.int32]
    nearest_similarities: NDArray[np.float32]
    nearest_in_common: NDArray[np.uint16]
    list_offsets: NDArray[np.int64]
    list_anime_rows: NDArray[np.int32]
    list_ratings: NDArray[np.uint8]
    list_statuses: NDArray[np.uint8]
    list_new_offsets: NDArray[np.int64]
    list_new_rows: NDArray[np.int32]
    card_offsets: NDArray[np.int64]
    cards: NDArray[np.uint8]
    type_names: NDArray[np.str_]
    type_codes: NDArray[np.uint8]
    genre_names: NDArray[np.str_]
    anime_genres: NDArray[np.bool_]
    years: NDArray[np.int16]
    mean_scores: NDArray[np.float32]
    members: NDArray[np.int32]
    adult: NDArray[np.bool_]
    start_days: NDArray[np.int32]
    episodes: NDArray[np.int16]
    minutes: NDArray[np.int16]
    favorites: NDArray[np.int32]
    source_names: NDArray[np.str_]
    source_codes: NDArray[np.int16]
    studio_names: NDArray[np.str_]
    studio_codes: NDArray[np.int16]
    age_rating_names: NDArray[np.str_]
    age_rating_codes: NDArray[np.int16]
    similar_rows: NDArray[np.int32]
    similar_scores: NDArray[np.float32]
    cosine_rows: NDArray[np.int32]
    cosine_scores: NDArray[np.float32]
    co_seen_rows: NDArray[np.int32]
    co_seen_values: NDArray[np.float32]
    item_weight_rows: NDArray[np.int32]
    item_weight_values: NDArray[np.float32]
    reranker_scales: NDArray[np.float32]
    reranker_first: NDArray[np.float32]
    reranker_second: NDArray[np.float32]
    reranker_last: NDArray[np.float32]
    popularity: NDArray[np.int32]
    franchise_codes: NDArray[np.int32]
    franchise_positions: NDArray[np.int16]
    franchise_roles: NDArray[np.uint8]
    map_positions: NDArray[np.float32]
    new_anime_ids: NDArray[np.int64]
    new_anime_embeddings: NDArray[np.float32]
    new_map_positions: NDArray[np.float32]
    new_first_rows: NDArray[np.int32]
    new_card_offsets: NDArray[np.int64]
    new_cards: NDArray[np.uint8]
    new_type_codes: NDArray[np.uint8]
    new_anime_genres: NDArray[np.bool_]
    new_years: NDArray[np.int16]
    new_mean_scores: NDArray[np.float32]
    new_members: NDArray[np.int32]
    new_adult: NDArray[np.bool_]
    synonym_ids: NDArray[np.int64]
    synonyms: NDArray[np.str_]
    id_map: NDArray[np.int64]

    @property
    def n_anime(self) -> int:
        """Number of anime the model learned from lists."""
        return len(self.anime_ids)

    @property
    def n_new(self) -> int:
        """Number of new anime: those of the catalogue that the model did not learn from lists."""
        return len(self.new_anime_ids)

    @cached_property
    def catalogue_ids(self) -> NDArray[np.int64]:
        """Ids of the whole catalogue by row: new anime behind those that the model learned."""
        return np.concatenate([self.anime_ids, self.new_anime_ids])

    def new_ids_on_list(self, user_row: int) -> list[int]:
        """Give the ids of the new anime that an update found on a user's list."""
        entries = slice(*self.list_new_offsets[user_row : user_row + 2].tolist())
        ids: list[int] = self.new_anime_ids[self.list_new_rows[entries]].tolist()
        return ids

    @property
    def similar_anime_neighbours(self) -> dict[SimilarAnimeMethod, tuple[NDArray[np.int32], NDArray[np.float32]]]:
        """Rows and scores of the methods for similar anime that this bundle holds neighbours for."""
        every: dict[SimilarAnimeMethod, tuple[NDArray[np.int32], NDArray[np.float32]]] = {
            "ranked": (self.similar_rows, self.similar_scores),
            "cosine": (self.cosine_rows, self.cosine_scores),
        }
        return {method: (rows, scores) for method, (rows, scores) in every.items() if rows.shape[1]}

    @property
    def n_users(self) -> int:
        """Number of users the model knows."""
        return len(self.user_ids)

    @property
    def has_text_user_ids(self) -> bool:
        """Whether user ids are texts: names or UUIDs, and among them whole numbers as well."""
        return self.user_ids.dtype.kind == "U"


def read_manifest(folder: Path) -> Manifest:
    """Read and check a bundle's manifest.

    Raises
    ------
    BundleMissingError
        If the folder, the manifest or its checksum is not there.
    BundleFormatError
        If the manifest is of another format version or does not parse.
    BundleCorruptError
        If the manifest does not match its checksum.
    """
    path = folder / MANIFEST_FILE
    content = _read_bytes(path)
    # The version comes first: a bundle of a later format may keep its checksum elsewhere.
    try:
        version = json.loads(content).get("format_version")
    except (ValueError, AttributeError, RecursionError) as error:
        raise BundleCorruptError(path, f"is no JSON object: {error}") from error
    if version != FORMAT_VERSION:
        raise BundleFormatError(
            path,
            f"has format version {version!r}, this software reads {FORMAT_VERSION}; train the bundle anew "
            "(`python -m training run`), or serve it with the release that made it",
        )
    sum_path = folder / MANIFEST_SUM_FILE
    if _read_bytes(sum_path) != manifest_sum_line(content):
        raise BundleCorruptError(sum_path, f"does not match {MANIFEST_FILE}: one of the two was changed or truncated")
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BundleFormatError(path, f"field {where}: {first['msg']}") from error


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle after checking every byte and every promise of the format.

    Its arrays are read-only views of mapped files, so processes on one machine share them.

    Raises
    ------
    BundleMissingError
        If a file is not there.
    BundleFormatError
        If the manifest is of another format version, does not parse, or lists other files than the format has.
    BundleCorruptError
        If a file was truncated or changed.
    BundleContentError
        If lengths disagree, embeddings hold NaN or non-unit rows, ids are not ascending, or lists or cards
        point outside their arrays.
    """
    with opened_bundle(folder) as bundle:
        return bundle


@contextlib.contextmanager
def opened_bundle(folder: Path, *, is_checked: bool = False, sums: Sums | None = None) -> Iterator[Bundle]:
    """Read a bundle as :func:`read_bundle` does, and yield it while its bytes and contents are still being checked.

    It is not to be trusted before the context is left without an error.

    Parameters
    ----------
    folder : Path
    is_checked : bool
        Another process has read this very folder with every check: only the manifest, and sizes and shapes of the
        files, are looked at once more.
    sums : Sums, optional
        Of this bundle, where they were begun before. Those of another bundle are begun anew.

    Raises
    ------
    BundleFormatError
        If the manifest lists other files than the format has.
    BundleError
        All the others of :func:`read_bundle`, on entering or on leaving. An error of changed files takes the place of
        whatever came of using them.
    """
    manifest = read_manifest(folder)
    entries = {entry.name: entry for entry in manifest.files}
    expected = {f"{spec.name}.npy" for spec in LAYOUT}
    if set(entries) != expected:
        odd = ", ".join(sorted(set(entries) ^ expected))
        raise BundleFormatError(folder / MANIFEST_FILE, f"lists other files than format {FORMAT_VERSION} has: {odd}")
    if is_checked:
        sums = Sums(folder, [])
    elif sums is None or (sums.folder, sums.entries) != (folder, manifest.files):
        sums = Sums(folder, manifest.files)
    with ThreadPoolExecutor(1) as pool:
        checked: Future[None] | None = None
        try:
            arrays = {spec.name: _load(folder, entries[f"{spec.name}.npy"]) for spec in LAYOUT}
            if not is_checked:
                checks.check_what_models_are_made_of(arrays, manifest, folder)
                checked = pool.submit(checks.check_the_rest, arrays, folder)
            yield Bundle(manifest=manifest, **arrays)
        finally:
            # A file that was changed first: of that one the contents are no wonder.
            sums.require()
            if checked:
                checked.result()


def manifest_sum_line(content: bytes) -> bytes:
    """Give the line that ``sha256sum`` would print for a manifest."""
    return f"{hashlib.sha256(content).hexdigest()}  {MANIFEST_FILE}\n".encode()


def assemble(manifest: Manifest, arrays: Mapping[str, Array], folder: Path = Path()) -> Bundle:
    """Make a bundle of arrays in memory, one per entry of the layout, with the content checks of a read one.

    Of the manifest the ``files`` are not looked at; the folder names the bundle in errors.

    Raises
    ------
    BundleContentError
        If an array is missing or the content breaks the format.
    """
    for spec in LAYOUT:
        if spec.name not in arrays:
            raise BundleContentError(folder / f"{spec.name}.npy", "is missing from the arrays")
    checks.check_contents(arrays, manifest, folder)
    return Bundle(manifest=manifest, **{spec.name: arrays[spec.name] for spec in LAYOUT})


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleMissingError(path, f"cannot be read: {error.strerror}") from error


def _load(folder: Path, entry: FileEntry) -> Array:
    path = folder / entry.name
    try:
        # An empty array cannot be mapped.
        array: Any = np.load(path, mmap_mode="r" if math.prod(entry.shape) else None, allow_pickle=False)
    except OSError as error:
        raise BundleMissingError(path, f"cannot be read: {error.strerror}") from error
    except _DAMAGED as error:
        raise BundleCorruptError(path, f"is no numpy array: {error}") from error
    if not isinstance(array, np.ndarray):  # np.load opens zip archives too
        raise BundleCorruptError(path, "is no numpy array")
    if array.shape != entry.shape or array.dtype.str != entry.dtype:
        raise BundleCorruptError(
            path, f"holds {array.dtype.str} {array.shape}, the manifest says {entry.dtype} {entry.shape}"
        )
    # A plain ndarray view: np.memmap's own indexing is several times slower.
    plain: Array = array.view(np.ndarray)
    return plain
