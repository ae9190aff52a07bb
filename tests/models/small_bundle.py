"""A small bundle for tests, and ways to damage it."""

import hashlib
import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from models.bundle.card import AnimeCard
from models.bundle.layout import FORMAT_VERSION, LAYOUT, MANIFEST_FILE, MANIFEST_SUM_FILE
from models.bundle.manifest import DataCard, DefaultMethods, Manifest
from models.bundle.reader import manifest_sum_line
from models.scoring.user_list import Status

Arrays = dict[str, NDArray[Any]]

ARRAY_FILES = [f"{spec.name}.npy" for spec in LAYOUT]
ALL_FILES = [*ARRAY_FILES, MANIFEST_FILE, MANIFEST_SUM_FILE]


def unit_rows(n_rows: int, size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    rows = rng.normal(size=(n_rows, size))
    unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def neighbours(n_anime: int, k: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Draw k others for each anime."""
    drawn = [np.roll(np.arange(n_anime), -row)[1 + rng.permutation(n_anime - 1)[:k]] for row in range(n_anime)]
    return np.array(drawn, dtype=np.int32).reshape(n_anime, k)


def user_index(
    user_embeddings: NDArray[np.float32], n_groups: int = 1, n_nearest: int = 100, n_probed: int = 1
) -> Arrays:
    """Find everybody's nearest by comparing all users; put users in groups around the first few of them."""
    n_users = len(user_embeddings)
    others = [np.delete(np.arange(n_users), row) for row in range(n_users)]
    nearest = [
        rows[np.argsort(-(user_embeddings @ user_embeddings[row])[rows], kind="stable")[:n_nearest]]
        for row, rows in enumerate(others)
    ]
    return {
        "user_index": inverted_file(user_embeddings, user_embeddings[:n_groups], n_probed),
        "nearest_user_rows": np.array(nearest, dtype=np.int32).reshape(n_users, -1),
    }


def inverted_file(users: NDArray[np.float32], centroids: NDArray[np.float32], n_probed: int) -> NDArray[np.uint8]:
    """Index users by the nearest of some centroids; there is no index of one group."""
    if len(centroids) == 1:
        return np.empty(0, dtype=np.uint8)
    quantizer = faiss.IndexFlatIP(users.shape[1])
    quantizer.add(centroids)
    index = faiss.IndexIVFFlat(quantizer, users.shape[1], len(centroids), faiss.METRIC_INNER_PRODUCT)
    index.train(users)
    index.add(users)
    index.nprobe = n_probed
    content: NDArray[np.uint8] = faiss.serialize_index(index)
    return content


def nearest_counted(arrays: Arrays, n_counted: int) -> Arrays:
    """Compare users with the first of their nearest: cosines, and what both have seen, pair by pair."""
    offsets, rows, statuses = (arrays[f"list_{name}"] for name in ("offsets", "anime_rows", "statuses"))
    lists = [
        set(rows[start:stop][statuses[start:stop] != Status.PLAN_TO_WATCH].tolist())
        for start, stop in itertools.pairwise(offsets.tolist())
    ]
    nearest = arrays["nearest_user_rows"][:, :n_counted]
    counts = [[len(lists[user] & lists[other]) for other in others] for user, others in enumerate(nearest.tolist())]
    cosines = [
        arrays["user_embeddings"][others] @ user
        for others, user in zip(nearest, arrays["user_embeddings"], strict=True)
    ]
    descending = np.minimum.accumulate(np.clip(cosines, -1.0, 1.0), axis=1).astype(np.float32)
    return {
        "nearest_in_common": np.array(counts, dtype=np.uint16).reshape(nearest.shape),
        "nearest_similarities": descending,
    }


def make_arrays(n_anime: int = 12, n_users: int = 7, embedding_size: int = 4, seed: int = 0) -> Arrays:
    rng = np.random.default_rng(seed)
    anime_ids = np.sort(rng.choice(1000, n_anime, replace=False)).astype(np.int64)
    lists = [np.sort(rng.choice(n_anime, rng.integers(1, n_anime + 1), replace=False)) for _ in range(n_users)]
    cards = [_card(int(anime_id)).to_json() for anime_id in anime_ids]
    n_entries = sum(map(len, lists))
    anime_embeddings = unit_rows(n_anime, embedding_size, rng)
    list_embeddings = rng.normal(size=(n_anime, embedding_size)).astype(np.float32)
    anime_gains = rng.uniform(0.1, 1.0, n_anime).astype(np.float32)
    user_embeddings = unit_rows(n_users, embedding_size, rng)
    arrays = {
        "anime_ids": anime_ids,
        "user_ids": np.arange(10, 10 + 3 * n_users, 3, dtype=np.int64),
        "anime_embeddings": anime_embeddings,
        "list_embeddings": list_embeddings,
        "anime_gains": anime_gains,
        "user_embeddings": user_embeddings,
        **user_index(user_embeddings, n_groups=min(2, n_users), n_nearest=3, n_probed=2),
        "list_offsets": np.cumsum([0, *map(len, lists)], dtype=np.int64),
        "list_anime_rows": np.concatenate(lists).astype(np.int32),
        "list_ratings": rng.integers(0, 11, n_entries).astype(np.uint8),
        "list_statuses": rng.choice([1, 2, 3, 4, 6], n_entries).astype(np.uint8),
        # The last user has a new anime.
        "list_new_offsets": np.array([0] * n_users + [min(1, n_anime - 1)], dtype=np.int64),
        "list_new_rows": np.zeros(min(1, n_anime - 1), dtype=np.int32),
        "card_offsets": np.cumsum([0, *map(len, cards)], dtype=np.int64),
        "cards": np.frombuffer(b"".join(cards), dtype=np.uint8),
        "type_names": np.array(["", "Movie", "TV"]),
        "type_codes": rng.integers(0, 3, n_anime).astype(np.uint8),
        "genre_names": np.array(["Action", "Drama"]),
        "anime_genres": rng.random((n_anime, 2)) < 0.5,
        "years": rng.integers(1990, 2020, n_anime).astype(np.int16),
        "mean_scores": rng.uniform(1, 10, n_anime).astype(np.float32),
        "members": rng.integers(0, 10**6, n_anime).astype(np.int32),
        "adult": np.zeros(n_anime, dtype=bool),
        "start_days": rng.integers(30_000, 44_000, n_anime).astype(np.int32),
        "episodes": rng.integers(0, 27, n_anime).astype(np.int16),
        "minutes": rng.integers(3, 120, n_anime).astype(np.int16),
        "favorites": rng.integers(0, 5_000, n_anime).astype(np.int32),
        "source_names": np.array(["", "Manga", "Original"]),
        "source_codes": rng.integers(0, 3, n_anime).astype(np.int16),
        "studio_names": np.array(["", "Bones", "Sunrise"]),
        "studio_codes": rng.integers(0, 3, n_anime).astype(np.int16),
        "age_rating_names": np.array(["", "PG-13"]),
        "age_rating_codes": rng.integers(0, 2, n_anime).astype(np.int16),
        "similar_rows": neighbours(n_anime, min(5, n_anime - 1), rng),
        "similar_scores": -np.sort(-rng.random((n_anime, min(5, n_anime - 1)), dtype=np.float32), axis=1),
        **_recommender(rng, n_anime),
        # A model of one anime has none.
        "map_positions": np.random.default_rng(4).random((n_anime, 2), dtype=np.float32),
        **new_anime(n_anime, min(3, n_anime - 1), embedding_size),
        "popularity": rng.integers(0, n_users, n_anime).astype(np.int32),
        # Pairs; the second of a pair is a side story in half of them.
        "franchise_codes": (np.arange(n_anime) // 2).astype(np.int32),
        "franchise_positions": (np.arange(n_anime) % 2).astype(np.int16),
        "franchise_roles": (np.arange(n_anime) % 4 == 1).astype(np.uint8),
    }
    arrays["cosine_rows"], arrays["cosine_scores"] = arrays["similar_rows"][:, ::-1], arrays["similar_scores"] ** 2
    return arrays | nearest_counted(arrays, 2)


def make_manifest(version: str = "20260101T000000Z-test-00000000", embedding_size: int = 4) -> Manifest:
    return Manifest(
        format_version=FORMAT_VERSION,
        model_version=version,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        network="test",
        embedding_size=embedding_size,
        user_embedding_rule="trained",
        data=DataCard(name="test", simulated=True, fingerprint="0" * 64, counts={"rows_kept": 1}),
        training={"seed": 0},
        metrics={},
        default_methods=DefaultMethods(),
        golden=[],
        files=[],
    )


def flip_byte(path: Path, position: int, mask: int = 0xFF) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= mask
    path.write_bytes(content)


def edit_manifest(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest, and sign it as if the change were meant."""
    manifest = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
    edit(manifest)
    content = json.dumps(manifest).encode()
    (folder / MANIFEST_FILE).write_bytes(content)
    (folder / MANIFEST_SUM_FILE).write_bytes(manifest_sum_line(content))


def replace_file(folder: Path, name: str, content: bytes, **entry: object) -> None:
    """Replace a file, and sign it as if it belonged there."""
    (folder / name).write_bytes(content)
    fields = {"n_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), **entry}

    def update(manifest: dict[str, Any]) -> None:
        next(e for e in manifest["files"] if e["name"] == name).update(fields)

    edit_manifest(folder, update)


def replace_array(folder: Path, array_name: str, change: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
    """Replace an array, and sign it as if it belonged there."""
    path = folder / f"{array_name}.npy"
    array = change(np.load(path))
    np.save(path, array)
    replace_file(folder, path.name, path.read_bytes(), shape=list(array.shape), dtype=array.dtype.str)


def _card(anime_id: int) -> AnimeCard:
    return AnimeCard(
        anime_id=anime_id,
        name=f"Anime {anime_id}",
        english_name=None,
        japanese_name="アニメ",
        type="TV",
        episodes=12,
        genres=["Action"],
        synopsis=None,
        year=2000,
        score=7.5,
        members=100,
        age_rating=None,
        url=f"https://myanimelist.net/anime/{anime_id}",
    )


def new_anime(n_anime: int, n_new: int, embedding_size: int = 4, n_genres: int = 2) -> Arrays:
    """Make new anime, the first of which belongs to the first franchise."""
    rng = np.random.default_rng(7)
    new_ids = 2000 + 7 * np.arange(n_new, dtype=np.int64)
    cards = [_card(int(anime_id)).model_copy(update={"new": True}).to_json() for anime_id in new_ids]
    return {
        "new_anime_ids": new_ids,
        "new_anime_embeddings": unit_rows(n_new, embedding_size, rng),
        "new_map_positions": np.linspace(0, 1, 2 * n_new, dtype=np.float32).reshape(n_new, 2),
        "new_first_rows": np.array([0, *range(n_anime + 1, n_anime + n_new)][:n_new], dtype=np.int32),
        "new_card_offsets": np.cumsum([0, *map(len, cards)], dtype=np.int64),
        "new_cards": np.frombuffer(b"".join(cards), dtype=np.uint8),
        "new_type_codes": rng.integers(0, 3, n_new).astype(np.uint8),
        "new_anime_genres": rng.random((n_new, n_genres)) < 0.5,
        "new_years": rng.integers(1990, 2020, n_new).astype(np.int16),
        "new_mean_scores": rng.uniform(1, 10, n_new).astype(np.float32),
        "new_members": rng.integers(0, 10**3, n_new).astype(np.int32),
        "new_adult": np.zeros(n_new, dtype=bool),
        "synonym_ids": np.array([1, 4], dtype=np.int64),
        "synonyms": np.array(["Space Jazz", "Titans Everywhere"]),
        "id_map": np.array([[1, 1001, 0, 23], [10, 1010, 2010, 0], [99999, 1099, 0, 0]], dtype=np.int64),
    }


def _recommender(rng: np.random.Generator, n_anime: int, n_weights: int = 5) -> Arrays:
    rows = neighbours(n_anime, min(n_weights, n_anime - 1), rng)
    shapes = {"first": (2, 4, 3), "second": (2, 4, 2), "last": (2, 3)}
    return {
        "item_weight_rows": np.sort(rows, axis=1),
        "item_weight_values": rng.normal(size=rows.shape).astype(np.float32),
        "co_seen_rows": np.sort(rows, axis=1),
        "co_seen_values": rng.normal(scale=0.2, size=rows.shape).astype(np.float32),
        "reranker_scales": np.array([[0.0, 1.0, 2.0], [1.0, 0.5, 2.0]], dtype=np.float32),
        **{f"reranker_{name}": rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()},
    }
