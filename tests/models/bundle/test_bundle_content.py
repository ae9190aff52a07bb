"""Bundles that are signed as if they were right, and are not: checksums alone do not make a bundle sound."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray

from models.bundle.layout import LAYOUT
from models.bundle.reader import assemble, read_bundle
from models.bundle.writer import write_bundle
from models.errors import BundleContentError
from tests.models.small_bundle import inverted_file, make_arrays, make_manifest, replace_array, unit_rows

Edit = Callable[[NDArray[Any]], NDArray[Any]]


def _set(position: Any, value: object) -> Edit:
    def change(array: NDArray[Any]) -> NDArray[Any]:
        changed = array.copy()
        changed[position] = value
        return changed

    return change


def _twice(anime_rows: NDArray[np.int32]) -> NDArray[np.int32]:
    """Put the first anime of the second list, which begins at entry 1, into it once more."""
    return anime_rows[[0, 1, 1, *range(3, len(anime_rows))]]


def _with_character(texts: NDArray[np.str_], number: int) -> NDArray[np.str_]:
    changed = np.array(["a"] * len(texts))
    changed.view(np.uint32)[:] = number
    return changed


def _indexed(n_users: int, size: int) -> NDArray[np.uint8]:
    users = unit_rows(n_users, size, np.random.default_rng(1))
    return inverted_file(users, users[:2], 2)


def _serialized(index: Any) -> NDArray[np.uint8]:
    content: NDArray[np.uint8] = faiss.serialize_index(index)
    return content


def _by_distance() -> Any:
    index = faiss.index_factory(4, "IVF2,Flat")
    index.quantizer.add(np.eye(4, dtype=np.float32)[:2])
    index.train(np.eye(4, dtype=np.float32))
    index.add(np.eye(7, 4, dtype=np.float32))
    return index


def _naming(rows: list[int]) -> NDArray[np.uint8]:
    """Index users under other rows than theirs."""
    index = faiss.deserialize_index(_indexed(7, 4))
    index.reset()
    index.add_with_ids(unit_rows(7, 4, np.random.default_rng(1)), np.array(rows))
    return _serialized(index)


@pytest.mark.parametrize(
    ("array_name", "change", "fault"),
    [
        ("anime_embeddings", _set((3, 1), np.nan), "row 3 holds NaN"),
        ("anime_embeddings", _set((3, 1), np.inf), "row 3 holds NaN or infinity"),
        ("list_embeddings", _set((3, 1), np.inf), "holds NaN or infinity"),
        ("type_names", lambda array: _with_character(array, 0x110000), "holds what is no character"),
        ("synonyms", lambda array: _with_character(array, 0xD800), "holds what is no character"),
        ("years", _set(2, -1), "holds values outside 0..32767"),
        ("new_members", _set(0, -1), "holds values outside 0..2147483647"),
        ("anime_gains", _set(2, np.nan), "holds values outside (0, 1]"),
        ("anime_gains", _set(2, 0.0), "holds values outside (0, 1]"),
        ("anime_gains", _set(2, 1.5), "holds values outside (0, 1]"),
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
        ("list_new_offsets", _set(-1, 0), "offsets do not rise from 0 to 1"),
        ("list_new_offsets", lambda array: array[:-1], "n_users = 6"),
        ("list_new_rows", _set(0, 3), "values outside 0..2"),
        ("list_new_rows", _set(0, -1), "values outside 0..2"),
        ("user_index", lambda content: content[:-40], "is no index of faiss"),
        ("user_index", _set(0, 0), "is no index of faiss"),
        ("user_index", lambda content: content.astype(np.int8), "dtype int8"),
        ("user_index", lambda content: _indexed(6, 4), "does not hold every user row once"),
        ("user_index", lambda content: _indexed(8, 4), "does not hold every user row once"),
        ("user_index", lambda content: _indexed(7, 16), "has embedding_size = 16, the bundle has 4"),
        ("user_index", lambda content: _serialized(faiss.IndexFlatIP(4)), "holds IndexFlat"),
        ("user_index", lambda content: _serialized(_by_distance()), "not an IndexIVF for inner products"),
        ("user_index", lambda content: _naming([0, 1, 2, 3, 4, 5, 5]), "does not hold every user row once"),
        ("user_index", lambda content: _naming([1, 2, 3, 4, 5, 6, 7]), "does not hold every user row once"),
        ("user_index", lambda content: _naming([-1, 0, 1, 2, 3, 4, 5]), "does not hold every user row once"),
        ("nearest_user_rows", _set((2, 0), 7), "values outside 0..6"),
        ("nearest_user_rows", _set((2, 0), -1), "values outside 0..6"),
        ("nearest_user_rows", _set((2, 1), 2), "row 2 is among its own neighbours"),
        ("nearest_user_rows", lambda array: array[1:], "n_users = 6"),
        ("nearest_in_common", lambda array: array[1:], "n_users = 6"),
        ("nearest_in_common", lambda array: array[:, [0, 0, 0, 0]], "has n_counted = 4"),
        ("nearest_user_rows", lambda array: array[:, :1], "holds 1 neighbours of each, but 2 are counted"),
        ("nearest_similarities", _set((2, 0), np.nan), "values outside -1..1"),
        ("nearest_similarities", _set((2, 0), 1.1), "values outside -1..1"),
        ("nearest_similarities", _set((2, 1), -1.1), "values outside -1..1"),
        ("nearest_similarities", _set(2, [0.1, 0.2]), "similarities do not descend"),
        ("similar_rows", _set((2, 0), 12), "values outside 0..11"),
        ("similar_rows", _set((2, 4), 2), "row 2 is among its own neighbours"),
        ("similar_rows", _set((2, slice(None)), 3), "row 2 holds a neighbour twice"),
        ("similar_scores", lambda array: array[:, 1:], "n_similar"),
        ("similar_scores", _set((2, 0), np.nan), "values outside 0..1"),
        ("similar_scores", _set((2, 0), 1.5), "values outside 0..1"),
        ("similar_scores", lambda array: array[:, ::-1], "do not descend"),
        ("cosine_rows", _set((2, 0), 12), "values outside 0..11"),
        ("cosine_scores", _set((2, 0), 1.5), "cosine_scores.npy: holds values outside 0..1"),
        ("id_map", lambda array: array[:, :3], "has 3 columns, not 4"),
        ("synonyms", lambda array: array[:1], "n_synonyms = 1, but synonym_ids.npy says 2"),
        ("new_anime_ids", lambda array: array[::-1], "not strictly ascending"),
        ("new_anime_embeddings", lambda array: array[:-1], "n_new = 2, but new_anime_ids.npy says 3"),
        ("new_anime_embeddings", _set(1, 0.0), "row 1 has norm 0.0000, not 1"),
        ("new_card_offsets", _set(-1, 0), "offsets do not rise from 0"),
        ("new_type_codes", _set(0, 3), "values outside 0..2"),
        ("new_mean_scores", _set(0, np.nan), "holds NaN"),
        ("map_positions", _set((2, 0), np.nan), "map_positions.npy: holds values outside 0..1"),
        ("new_map_positions", lambda array: array[:, :0], "n_map_axes"),
        ("new_map_positions", _set((1, 1), 1.5), "new_map_positions.npy: holds values outside 0..1"),
        ("new_first_rows", _set(0, 1), "neither the first of a franchise nor the anime's own"),
        ("new_first_rows", _set(0, 13), "neither the first of a franchise nor the anime's own"),
        ("new_first_rows", _set(0, 15), "neither the first of a franchise nor the anime's own"),
        ("new_first_rows", _set(0, -1), "neither the first of a franchise nor the anime's own"),
        ("item_weight_rows", _set((2, 0), 12), "values outside 0..11"),
        ("item_weight_rows", _set((2, 0), -1), "values outside 0..11"),
        ("item_weight_rows", lambda array: array[:-1], "n_anime = 11"),
        ("item_weight_rows", lambda array: array.astype(np.int64), "dtype int64"),
        ("item_weight_values", lambda array: array[:, 1:], "n_weights = 4, but item_weight_rows.npy says 5"),
        ("item_weight_values", _set((2, 0), np.nan), "holds NaN or infinity"),
        ("reranker_scales", _set((0, 1), np.nan), "holds NaN or infinity"),
        ("reranker_scales", _set((1, 1), 0.0), "holds no mean and deviation (above 0) per feature"),
        ("reranker_scales", _set((1, 1), -1.0), "holds no mean and deviation (above 0) per feature"),
        ("reranker_scales", lambda array: array[:1], "holds no mean and deviation"),
        ("reranker_scales", lambda array: array[[0, 1, 1]], "holds no mean and deviation"),
        ("reranker_first", _set((0, 0, 0), np.nan), "holds NaN or infinity"),
        ("reranker_first", lambda array: array[:, 1:], "n_features = 2, but reranker_scales.npy says 3"),
        ("reranker_second", _set((0, 0, 0), -np.inf), "holds NaN or infinity"),
        ("reranker_second", lambda array: array[:1], "n_networks = 1, but reranker_first.npy says 2"),
        ("reranker_second", lambda array: array[:, 1:], "n_first = 2, but reranker_first.npy says 3"),
        ("reranker_last", _set((0, 0), np.nan), "holds NaN or infinity"),
        ("reranker_last", _set((0, 0), -3.4e38), "holds numbers beyond 1,000,000"),
        ("reranker_last", lambda array: array[:, 1:], "n_second = 1, but reranker_second.npy says 2"),
        ("reranker_last", lambda array: array.ravel(), "has 1 dimensions"),
        ("list_ratings", _set(-1, 11), "values outside 0..10"),
        ("list_ratings", lambda array: array[1:], "n_entries"),
        ("list_statuses", _set(0, 7), "values outside 0..6"),
        ("list_anime_rows", _twice, "entry 2: anime rows do not ascend within a list"),
        ("list_ratings", _set(0, 255), "values outside 0..10"),
        ("type_codes", _set(0, 3), "values outside 0..2"),
        ("source_codes", _set(11, 3), "values outside 0..2"),
        ("source_codes", _set(11, -1), "values outside 0..2"),
        ("studio_codes", _set(11, 3), "values outside 0..2"),
        ("studio_codes", _set(11, -1), "values outside 0..2"),
        ("age_rating_codes", _set(11, 2), "values outside 0..1"),
        ("age_rating_codes", _set(11, -1), "values outside 0..1"),
        ("anime_embeddings", lambda array: array * np.float32(1.0011), "row 0 has norm 1.0011, not 1"),
        ("user_embeddings", lambda array: array * np.float32(0.9989), "row 0 has norm 0.9989, not 1"),
        ("anime_gains", _set(11, 1.0001), "holds values outside (0, 1]"),
        ("anime_gains", _set(11, -1e-6), "holds values outside (0, 1]"),
        ("card_offsets", _set(0, 1), "offsets do not rise from 0"),
        ("mean_scores", _set(11, np.inf), "holds NaN or infinity"),
        ("similar_rows", _set((11, 4), 11), "row 11 is among its own neighbours"),
        ("similar_rows", lambda array: _set((11, 4), array[11, 0])(array), "row 11 holds a neighbour twice"),
        ("similar_scores", _set((11, 4), -1e-6), "values outside 0..1"),
        ("similar_scores", _set((0, 0), 1.0001), "values outside 0..1"),
        ("similar_scores", lambda array: _set((11, 4), array[11, 3] + 1e-3)(array), "do not descend"),
        ("nearest_user_rows", _set((6, 2), 6), "row 6 is among its own neighbours"),
        ("franchise_codes", _set([0, 1, 2, 3], [1, 1, 0, 0]), "not numbered from 0 by their first row"),
        ("franchise_roles", _set(0, 3), "values outside 0..2"),
        ("mean_scores", _set(5, np.nan), "holds NaN"),
        ("years", lambda array: array[:-1], "n_anime = 11"),
        ("franchise_codes", lambda array: array[::-1], "not numbered from 0 by their first row"),
        ("franchise_codes", _set(slice(10, None), 6), "not numbered from 0"),
        ("franchise_codes", _set(0, -1), "not numbered from 0"),
        ("franchise_positions", _set(1, 0), "places do not run from 0"),
        ("franchise_positions", _set(1, 2), "places do not run from 0"),
        ("franchise_roles", _set(1, 3), "values outside 0..2"),
        ("franchise_roles", _set(0, 1), "does not begin with its main line"),
        ("anime_genres", lambda array: array[:, :1], "n_genres = 1"),
    ],
)
def test_content_that_breaks_a_promise_is_refused(array_name: str, change: Edit, fault: str) -> None:
    arrays = make_arrays()
    arrays[array_name] = change(arrays[array_name])
    with pytest.raises(BundleContentError) as error:
        assemble(make_manifest(), arrays, Path("here"))
    assert error.value.path == Path("here") / f"{array_name}.npy"
    assert fault in str(error.value)


@pytest.mark.parametrize("n_axes", [0, 1])
def test_a_map_has_two_axes_or_none(n_axes: int) -> None:
    arrays = make_arrays()
    arrays |= {name: arrays[name][:, :n_axes] for name in ("map_positions", "new_map_positions")}
    if n_axes:
        with pytest.raises(BundleContentError, match="has 1 axes; a map has two, or none"):
            assemble(make_manifest(), arrays)
    else:
        assert assemble(make_manifest(), arrays).map_positions.shape[1] == 0


@pytest.mark.parametrize(
    ("array_name", "change", "fault"),
    [
        ("years", lambda array: array[:-1], "n_anime = 11"),
        ("age_rating_codes", _set(11, 2), "values outside 0..1"),
        ("user_embeddings", _set((6, 0), np.nan), "row 6 holds NaN"),
        ("list_anime_rows", lambda array: array[::-1], "do not ascend within a list"),
        ("nearest_user_rows", _set((2, 1), 2), "row 2 is among its own neighbours"),
    ],
)
def test_it_is_refused_when_read_even_with_the_right_checksum(
    bundle_folder: Path, array_name: str, change: Edit, fault: str
) -> None:
    replace_array(bundle_folder, array_name, change)
    with pytest.raises(BundleContentError) as error:
        read_bundle(bundle_folder)
    assert error.value.path.name == f"{array_name}.npy"
    assert fault in str(error.value)


@pytest.mark.parametrize(
    ("array_name", "change"),
    [
        ("anime_ids", lambda array: np.arange(-6, 6)),
        ("user_ids", _set([0, -1], [-(2**63), 2**63 - 1])),
        ("anime_gains", _set([0, 11], [1.0, 1e-30])),
        ("anime_embeddings", lambda array: array * np.float32(1.0009)),
        ("user_embeddings", lambda array: array * np.float32(0.9991)),
        ("list_ratings", _set([0, -1], [0, 10])),
        ("list_statuses", _set([0, -1], [0, 6])),
        ("type_codes", _set([0, -1], [0, 2])),
        ("source_codes", _set([0, -1], [0, 2])),
        ("studio_codes", _set([0, -1], [0, 2])),
        ("age_rating_codes", _set([0, -1], [0, 1])),
        ("card_offsets", lambda array: np.where(np.arange(13) < 6, 0, array[-1])),
        ("user_index", lambda content: content[:0]),
        ("user_index", lambda content: _naming([6, 5, 4, 3, 2, 1, 0])),
        ("nearest_similarities", _set(2, [1.0, 1.0])),
        ("nearest_similarities", _set(2, [-1.0, -1.0])),
        ("similar_scores", np.zeros_like),
        ("similar_scores", np.ones_like),
        ("similar_rows", lambda array: array[:, ::-1]),
        ("reranker_scales", _set((1, 0), 1e-30)),
        ("reranker_scales", _set((0, 0), -5.0)),
        ("franchise_roles", _set([1, 3], 2)),
        ("mean_scores", _set(0, 0.0)),
    ],
)
def test_what_just_keeps_the_promises_is_accepted(array_name: str, change: Edit) -> None:
    arrays = make_arrays()
    arrays[array_name] = change(arrays[array_name])
    np.testing.assert_array_equal(getattr(assemble(make_manifest(), arrays), array_name), arrays[array_name])


@pytest.mark.parametrize("array_name", ["anime_ids", "user_ids"])
def test_a_model_without_users_or_anime_is_refused(tmp_path: Path, array_name: str) -> None:
    n_users, n_anime = (0, 3) if array_name == "user_ids" else (3, 0)
    arrays = make_arrays(n_anime=max(n_anime, 1), n_users=max(n_users, 1))
    for spec in LAYOUT:
        if spec.dims[0] == ("n_users" if n_users == 0 else "n_anime"):
            arrays[spec.name] = arrays[spec.name][:0]
    for offsets in ("list_offsets", "list_new_offsets") if n_users == 0 else ("card_offsets",):
        arrays[offsets] = arrays[offsets][:1]
    with pytest.raises(BundleContentError, match=f"{array_name}.npy: is empty"):
        write_bundle(tmp_path, make_manifest(), arrays)


def test_a_new_anime_with_the_id_of_another_is_refused() -> None:
    arrays = make_arrays()
    arrays["new_anime_ids"][0] = arrays["anime_ids"][3]
    with pytest.raises(BundleContentError, match="holds ids that"):
        assemble(make_manifest(), arrays)
