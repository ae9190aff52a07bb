"""The promises of the format that checksums cannot see."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.inverted_file import InvertedFile
from models.bundle.layout import LAYOUT, MAX_USER_ID_LENGTH, RERANKER_ARRAYS, SITES
from models.bundle.manifest import Manifest
from models.errors import BundleContentError

Array = NDArray[Any]

UNIT_TOLERANCE: Final = 1e-3
# Of weights and what they are summed with: far more than any that was ever learned, and sums of products stay finite.
_LARGEST: Final = 1e6
_COUNTS: Final = (
    *("years", "members", "start_days", "episodes", "minutes", "favorites", "popularity", "new_years", "new_members"),
)


def check_contents(arrays: Mapping[str, Array], manifest: Manifest, folder: Path) -> None:
    """Check shapes, dtypes, ids, unit rows and offsets of a bundle's arrays.

    Raises
    ------
    BundleContentError
        At the first promise that is broken; names the file.
    """
    check_what_models_are_made_of(arrays, manifest, folder)
    check_the_rest(arrays, folder)


def check_what_models_are_made_of(arrays: Mapping[str, Array], manifest: Manifest, folder: Path) -> None:
    """Check shapes, and what is read before anything is answered: it takes a few milliseconds.

    Raises
    ------
    BundleContentError
        As for :func:`check_contents`.
    """
    _check_shapes(arrays, manifest, folder)
    for name in ("anime_ids", "user_ids", "new_anime_ids"):
        _check_ids(arrays[name], folder / f"{name}.npy")
    _check_texts(arrays, folder)
    for entries, name in (("list_anime_rows", "list_offsets"), ("list_new_rows", "list_new_offsets")):
        _check_offsets(arrays[name], len(arrays[entries]), folder / f"{name}.npy")
    for prefix in ("", "new_"):
        offsets, cards = arrays[f"{prefix}card_offsets"], arrays[f"{prefix}cards"]
        _check_offsets(offsets, len(cards), folder / f"{prefix}card_offsets.npy")
    _check_new_anime(arrays, folder)
    n_columns = 1 + len(SITES)
    if arrays["id_map"].shape[1] != n_columns:
        raise BundleContentError(folder / "id_map.npy", f"has {arrays['id_map'].shape[1]} columns, not {n_columns}")
    for name in ("type", "source", "studio", "age_rating"):
        _check_range(arrays[f"{name}_codes"], len(arrays[f"{name}_names"]), folder / f"{name}_codes.npy")
    for name in _COUNTS:
        _check_range(arrays[name], int(np.iinfo(arrays[name].dtype).max) + 1, folder / f"{name}.npy")
    _check_franchises(arrays, folder)
    _check_recommender(arrays, folder)
    for name in ("list_embeddings", "mean_scores", "new_mean_scores"):
        _check_finite(arrays[name], folder / f"{name}.npy")
    _check_map(arrays, folder)
    gains = arrays["anime_gains"]
    # NaN compares false with everything, so this catches it too.
    if not ((gains > 0.0) & (gains <= 1.0)).all():
        raise BundleContentError(folder / "anime_gains.npy", "holds values outside (0, 1]")


def check_the_rest(arrays: Mapping[str, Array], folder: Path) -> None:
    """Check what only answers read: embeddings, lists and neighbours. With many users it takes a while.

    Raises
    ------
    BundleContentError
        As for :func:`check_contents`.
    """
    for name in ("anime_embeddings", "user_embeddings", "new_anime_embeddings"):
        _check_unit_rows(arrays[name], folder / f"{name}.npy")
    _check_range(arrays["list_anime_rows"], len(arrays["anime_ids"]), folder / "list_anime_rows.npy")
    _check_lists_ascend(arrays["list_anime_rows"], arrays["list_offsets"], folder / "list_anime_rows.npy")
    _check_range(arrays["list_new_rows"], len(arrays["new_anime_ids"]), folder / "list_new_rows.npy")
    _check_range(arrays["list_ratings"], 11, folder / "list_ratings.npy")
    _check_range(arrays["list_statuses"], 7, folder / "list_statuses.npy")
    for name in ("similar", "cosine"):
        _check_similar_anime(arrays, name, folder)
    _check_user_index(arrays, folder)


def _check_recommender(arrays: Mapping[str, Array], folder: Path) -> None:
    for name in ("item_weight_rows", "co_seen_rows"):
        _check_range(arrays[name].ravel(), len(arrays["anime_ids"]), folder / f"{name}.npy")
    for name in ("item_weight_values", "co_seen_values", *RERANKER_ARRAYS):
        _check_finite(arrays[name], folder / f"{name}.npy")
    scales = arrays["reranker_scales"]
    if len(scales) != 2 or (scales[1] <= 0.0).any():
        raise BundleContentError(folder / "reranker_scales.npy", "holds no mean and deviation (above 0) per feature")


def _check_shapes(arrays: Mapping[str, Array], manifest: Manifest, folder: Path) -> None:
    sizes: dict[str, tuple[int, str]] = {"embedding_size": (manifest.embedding_size, "manifest.json")}
    for spec in LAYOUT:
        array = arrays[spec.name]
        path = folder / f"{spec.name}.npy"
        if array.ndim != len(spec.dims):
            raise BundleContentError(path, f"has {array.ndim} dimensions, the format says {len(spec.dims)}")
        if not any(_is_dtype(array.dtype, name) for name in spec.dtype.split(" or ")):
            raise BundleContentError(path, f"has dtype {array.dtype}, the format says {spec.dtype}")
        for dim, length in zip(spec.dims, array.shape, strict=True):
            base, _, plus = dim.partition("+")
            size = length - int(plus or 0)
            known, source = sizes.setdefault(base, (size, path.name))
            if known != size:
                raise BundleContentError(path, f"has {base} = {size}, but {source} says {known}")
    for name in ("n_anime", "n_users"):
        if sizes[name][0] < 1:
            raise BundleContentError(folder / sizes[name][1], "is empty: a model needs a user and an anime at least")


def _is_dtype(dtype: np.dtype[Any], name: str) -> bool:
    return dtype.kind == "U" and dtype.isnative if name == "str" else dtype == np.dtype(name)


def _check_finite(values: Array, path: Path) -> None:
    if not np.isfinite(values).all():
        raise BundleContentError(path, "holds NaN or infinity")
    if values.size and np.abs(values).max() > _LARGEST:
        raise BundleContentError(path, f"holds numbers beyond {_LARGEST:,.0f}; sums of such overflow")


def _check_ids(ids: Array, path: Path) -> None:
    # Compared, not subtracted: a difference of two int64 may overflow.
    if (ids[1:] <= ids[:-1]).any():
        raise BundleContentError(path, "ids are not strictly ascending")


def _check_texts(arrays: Mapping[str, Array], folder: Path) -> None:
    if arrays["user_ids"].dtype.kind == "U":
        _check_lengths(arrays["user_ids"], folder / "user_ids.npy")
    for name in (spec.name for spec in LAYOUT if arrays[spec.name].dtype.kind == "U"):
        _check_characters(arrays[name], folder / f"{name}.npy")


def _check_lengths(ids: Array, path: Path) -> None:
    length = ids.dtype.itemsize // 4
    if length > MAX_USER_ID_LENGTH or not _characters(ids)[:, 0].all():
        raise BundleContentError(path, f"holds texts that have not 1 to {MAX_USER_ID_LENGTH} characters")


def _characters(texts: Array) -> Array:
    """Give the numbers of characters, padded with zeros, of shape (n_texts, length)."""
    length = texts.dtype.itemsize // 4
    return np.ascontiguousarray(texts).view(np.uint32).reshape(-1, length) if length else np.zeros((1, 1))


def _check_characters(texts: Array, path: Path) -> None:
    characters = _characters(texts)
    # There is no UTF-8 for these, so neither paths nor answers could hold them.
    if ((characters > sys.maxunicode) | ((characters >= 0xD800) & (characters < 0xE000))).any():
        raise BundleContentError(path, "holds what is no character")


def _check_unit_rows(embeddings: Array, path: Path, block: int = 65_536) -> None:
    for start in range(0, len(embeddings), block):
        rows = embeddings[start : start + block]
        norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        # NaN compares false with everything, so this catches it too; the message names which it is.
        bad = np.flatnonzero(~(np.abs(norms - 1.0) <= UNIT_TOLERANCE))
        if len(bad):
            row = start + int(bad[0])
            norm = float(norms[bad[0]])
            fault = f"has norm {norm:.4f}, not 1" if np.isfinite(norm) else "holds NaN or infinity"
            raise BundleContentError(path, f"row {row} {fault}")


def _check_offsets(offsets: Array, end: int, path: Path) -> None:
    if offsets[0] != 0 or offsets[-1] != end or (offsets[1:] < offsets[:-1]).any():
        raise BundleContentError(path, f"offsets do not rise from 0 to {end}")


def _check_lists_ascend(anime_rows: Array, offsets: Array, path: Path, block: int = 1 << 22) -> None:
    for start in range(0, len(anime_rows) - 1, block):
        stop = min(start + block, len(anime_rows) - 1)
        falls = start + 1 + np.flatnonzero(anime_rows[start + 1 : stop + 1] <= anime_rows[start:stop])
        # Rows may fall only where the next list begins.
        inside = falls[offsets[np.searchsorted(offsets, falls)] != falls]
        if len(inside):
            raise BundleContentError(path, f"entry {inside[0]}: anime rows do not ascend within a list")


def _check_franchises(arrays: Mapping[str, Array], folder: Path) -> None:
    codes, positions, roles = (arrays[f"franchise_{name}"] for name in ("codes", "positions", "roles"))
    path = folder / "franchise_codes.npy"
    names, firsts, sizes = np.unique(codes, return_index=True, return_counts=True)
    if (names != np.arange(len(names))).any() or (firsts[1:] < firsts[:-1]).any():
        raise BundleContentError(path, "franchises are not numbered from 0 by their first row")
    order = np.lexsort((positions, codes))
    starts = np.cumsum(sizes) - sizes
    if (positions[order] != np.arange(len(codes)) - np.repeat(starts, sizes)).any():
        raise BundleContentError(folder / "franchise_positions.npy", "a franchise's places do not run from 0")
    _check_range(roles, 3, folder / "franchise_roles.npy")
    if roles[order[starts]].any():
        raise BundleContentError(folder / "franchise_roles.npy", "a franchise does not begin with its main line")


def _check_range(values: Array, stop: int, path: Path) -> None:
    # Read without its sign a negative number is a huge one: one pass over the largest arrays instead of two.
    if len(values) and int(values.view(f"u{values.dtype.itemsize}").max()) >= stop:
        raise BundleContentError(path, f"holds values outside 0..{stop - 1}")


def _check_new_anime(arrays: Mapping[str, Array], folder: Path) -> None:
    new_ids, first_rows = arrays["new_anime_ids"], arrays["new_first_rows"]
    if np.isin(new_ids, arrays["anime_ids"]).any():
        raise BundleContentError(folder / "new_anime_ids.npy", "holds ids that anime_ids.npy holds")
    _check_range(arrays["new_type_codes"], len(arrays["type_names"]), folder / "new_type_codes.npy")
    own_rows = len(arrays["anime_ids"]) + np.arange(len(new_ids))
    if not np.isin(first_rows, np.flatnonzero(arrays["franchise_positions"] == 0))[first_rows != own_rows].all():
        fault = "holds rows that are neither the first of a franchise nor the anime's own"
        raise BundleContentError(folder / "new_first_rows.npy", fault)


def _check_map(arrays: Mapping[str, Array], folder: Path) -> None:
    for name in ("map_positions", "new_map_positions"):
        positions = arrays[name]
        if positions.shape[1] not in {0, 2}:
            raise BundleContentError(folder / f"{name}.npy", f"has {positions.shape[1]} axes; a map has two, or none")
        # NaN compares false with everything, so this catches it too.
        if not ((positions >= 0.0) & (positions <= 1.0)).all():
            raise BundleContentError(folder / f"{name}.npy", "holds values outside 0..1")


def _check_similar_anime(arrays: Mapping[str, Array], name: str, folder: Path) -> None:
    rows, scores = arrays[f"{name}_rows"], arrays[f"{name}_scores"]
    path = folder / f"{name}_rows.npy"
    _check_neighbour_rows(rows, path)
    twice = np.flatnonzero((np.diff(np.sort(rows, axis=1), axis=1) == 0).any(axis=1))
    if len(twice):
        raise BundleContentError(path, f"row {twice[0]} holds a neighbour twice")
    # NaN compares false with everything, so this catches it too.
    if not ((scores >= 0.0) & (scores <= 1.0)).all():
        raise BundleContentError(folder / f"{name}_scores.npy", "holds values outside 0..1")
    if (scores[:, 1:] > scores[:, :-1]).any():
        raise BundleContentError(folder / f"{name}_scores.npy", "similarities do not descend")


def _check_user_index(arrays: Mapping[str, Array], folder: Path) -> None:
    nearest = arrays["nearest_user_rows"]
    if len(arrays["user_index"]):
        _check_inverted_file(arrays, folder / "user_index.npy")
    n_counted, n_nearest = arrays["nearest_in_common"].shape[1], nearest.shape[1]
    if n_counted > n_nearest:
        fault = f"holds {n_nearest} neighbours of each, but {n_counted} are counted"
        raise BundleContentError(folder / "nearest_user_rows.npy", fault)
    _check_neighbour_rows(nearest, folder / "nearest_user_rows.npy")
    similarities, path = arrays["nearest_similarities"], folder / "nearest_similarities.npy"
    # NaN compares false with everything, so this catches it too.
    if not ((similarities >= -1.0) & (similarities <= 1.0)).all():
        raise BundleContentError(path, "holds values outside -1..1")
    if (similarities[:, 1:] > similarities[:, :-1]).any():
        raise BundleContentError(path, "similarities do not descend")


def _check_inverted_file(arrays: Mapping[str, Array], path: Path) -> None:
    try:
        index = InvertedFile(arrays["user_index"])
    except ValueError as error:
        raise BundleContentError(path, str(error)) from error
    n_users, size = arrays["user_embeddings"].shape
    if index.embedding_size != size:
        raise BundleContentError(path, f"has embedding_size = {index.embedding_size}, the bundle has {size}")
    if not np.array_equal(np.sort(index.rows()), np.arange(n_users)):
        raise BundleContentError(path, "does not hold every user row once")


def _check_neighbour_rows(nearest: Array, path: Path, block: int = 8_192) -> None:
    _check_range(nearest.ravel(), len(nearest), path)
    for start in range(0, len(nearest), block):
        rows = nearest[start : start + block]
        own = np.flatnonzero((rows == np.arange(start, start + len(rows))[:, None]).any(axis=1))
        if len(own):
            raise BundleContentError(path, f"row {start + own[0]} is among its own neighbours")
