"""A small synthetic model: 60 anime and 40 users in four clusters of taste, with every kind of gap in the cards."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.card import AnimeCard
from models.bundle.layout import FORMAT_VERSION
from models.bundle.manifest import DataCard, DefaultMethods, Manifest, UserEmbeddingRule
from models.bundle.reader import Bundle, assemble
from models.golden import make_golden_answers
from models.object_store import open_store
from models.scoring.candidate_features import FEATURES
from models.scoring.embedding import embed_list
from models.scoring.user_list import Status, UserList
from tests.models.small_bundle import nearest_counted, neighbours, user_index
from tests.service.small_recommender import make_recommender

N_ANIME: Final = 60
N_USERS: Final = 40
EMBEDDING_SIZE: Final = 16
N_SIMILAR: Final = 20
N_NEW: Final = 9
VERSION: Final = "20260101T000000Z-small-00000000"
TYPES: Final = ["", "TV", "Movie", "OVA"]
GENRES: Final = ["Action", "Comedy", "Drama", "Hentai", "Slice of Life"]
ADULT_ROWS: Final = (7, 21, 35)

# name, English, Japanese; the rows after these have made-up titles.
TITLES: Final[list[tuple[str, str | None, str | None]]] = [
    ("Cowboy Bebop", "Cowboy Bebop", "カウボーイビバップ"),
    ("Shingeki no Kyojin", "Attack on Titan", "進撃の巨人"),
    ("Fullmetal Alchemist: Brotherhood", "Fullmetal Alchemist:Brotherhood", "鋼の錬金術師"),
    ("Steins;Gate", None, "シュタインズ・ゲート"),
    ("Fullmetal Alchemist", "Fullmetal Alchemist", None),
    ("Pokémon", None, None),
    ("K", None, None),
    ("Himitsu no Heya", None, None),
    ("Shingeki no Bahamut", None, None),
    ('Say "I love you," score: 5', None, None),
]

Arrays = dict[str, NDArray[Any]]


def make_arrays(rule: UserEmbeddingRule = "normalised_sum", seed: int = 0, n_users: int = N_USERS) -> Arrays:
    """Make every array of a bundle."""
    rng = np.random.default_rng(seed)
    arrays = _catalogue(rng)
    clusters = rng.normal(size=(4, EMBEDDING_SIZE))
    anime = clusters[np.arange(N_ANIME) % 4] + 0.8 * rng.normal(size=(N_ANIME, EMBEDDING_SIZE))
    # Two anime that are exactly alike: a tie wherever one of them appears.
    anime[41] = anime[45]
    arrays["anime_embeddings"] = _unit(anime)
    arrays["list_embeddings"] = (anime + 0.3 * rng.normal(size=anime.shape)).astype(np.float32)
    gains = rng.uniform(0.6, 1.0, N_ANIME).astype(np.float32)
    gains[41] = gains[45]
    arrays["anime_gains"] = gains
    arrays |= _lists(rng, n_users)
    arrays["user_ids"] = np.arange(n_users, dtype=np.int64) * 5 + 2
    arrays["user_embeddings"] = (
        _unit(rng.normal(size=(n_users, EMBEDDING_SIZE))) if rule == "trained" else _embedded_lists(arrays)
    )
    arrays |= user_index(arrays["user_embeddings"])
    return arrays | nearest_counted(arrays, 15)


def make_manifest(arrays: Arrays, rule: UserEmbeddingRule = "normalised_sum", version: str = VERSION) -> Manifest:
    """Make the manifest, golden answers included. By default the last stage answers that the arrays hold."""
    has_items, has_reranker = bool(arrays["item_weight_rows"].shape[1]), bool(len(arrays["reranker_first"]))
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        model_version=version,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        network="synthetic",
        embedding_size=EMBEDDING_SIZE,
        user_embedding_rule=rule,
        data=DataCard(name="small", simulated=True, fingerprint="0" * 64, counts={"rows_kept": 600}),
        training={"seed": 0},
        metrics={"recall@20": {"embedding": 0.5, "popularity": 0.2}},
        default_methods=DefaultMethods(
            similar_anime="ranked" if arrays["similar_rows"].shape[1] else "embedding",
            recommendations="ranked" if has_reranker else "items" if has_items else "embedding",
        ),
        reranker_features=FEATURES if has_reranker else (),
        golden=[],
        files=[],
    )
    return manifest.model_copy(update={"golden": make_golden_answers(assemble(manifest, arrays))})


def make_bundle(rule: UserEmbeddingRule = "normalised_sum", seed: int = 0) -> Bundle:
    """Make the model in memory."""
    arrays = make_arrays(rule, seed)
    return assemble(make_manifest(arrays, rule), arrays)


def publish(store: Path | str, version: str = VERSION, user_ids: NDArray[Any] | None = None) -> Path | str:
    """Publish the model in a store, its users called otherwise if ids are given; give the bundle's folder or URL."""
    arrays = make_arrays()
    if user_ids is not None:
        arrays["user_ids"] = user_ids
    return open_store(store).publish(make_manifest(arrays, version=version), arrays)


def _catalogue(rng: np.random.Generator) -> Arrays:
    rows = np.arange(N_ANIME)
    anime_ids = (rows * 3 + 1).astype(np.int64)
    adult = np.isin(rows, ADULT_ROWS)
    genres = rng.random((N_ANIME, len(GENRES))) < 0.4
    genres[:, GENRES.index("Hentai")] = adult
    # Every fifth, sixth and seventh lacks something.
    years = np.where(rows % 5 == 4, 0, 1990 + rows % 30).astype(np.int16)
    scores = np.where(rows % 6 == 5, 0.0, np.round(5.0 + rng.random(N_ANIME) * 4.5, 2)).astype(np.float32)
    members = np.where(rows % 7 == 6, 0, rng.integers(100, 100_000, N_ANIME)).astype(np.int32)
    type_codes = (rows % len(TYPES)).astype(np.uint8)
    popularity = rng.integers(0, 20, N_ANIME).astype(np.int32)
    popularity[:9] = [90, 100, 80, 70, 60, 50, 40, 30, 20]
    cards = [
        _card(int(anime_ids[row]), row, genres[row], int(years[row]), float(scores[row]), int(members[row]))
        for row in range(N_ANIME)
    ]
    return {
        "anime_ids": anime_ids,
        "cards": np.frombuffer(b"".join(cards), dtype=np.uint8),
        "card_offsets": np.cumsum([0, *map(len, cards)]).astype(np.int64),
        "type_names": np.array(TYPES),
        "type_codes": type_codes,
        "genre_names": np.array(GENRES),
        "anime_genres": genres,
        "years": years,
        "mean_scores": scores,
        "members": members,
        "adult": adult,
        "start_days": rng.integers(30_000, 44_000, N_ANIME).astype(np.int32),
        "episodes": rng.integers(0, 27, N_ANIME).astype(np.int16),
        "minutes": rng.integers(3, 120, N_ANIME).astype(np.int16),
        "favorites": rng.integers(0, 5_000, N_ANIME).astype(np.int32),
        "source_names": np.array(["", "Manga", "Original"]),
        "source_codes": rng.integers(0, 3, N_ANIME).astype(np.int16),
        "studio_names": np.array(["", "Bones", "Sunrise"]),
        "studio_codes": rng.integers(0, 3, N_ANIME).astype(np.int16),
        "age_rating_names": np.array(["", "PG-13"]),
        "age_rating_codes": rng.integers(0, 2, N_ANIME).astype(np.int16),
        **_similar(),
        "map_positions": np.random.default_rng(4).random((N_ANIME, 2), dtype=np.float32),
        **make_recommender(rng, N_ANIME),
        **_new_anime(),
        "popularity": popularity,
        # Franchises of three: a season, what comes after it, a side story; the 11 rows at the end stand alone.
        "franchise_codes": np.where(rows < 49, rows // 3, rows - 32).astype(np.int32),
        "franchise_positions": np.where(rows < 48, rows % 3, 0).astype(np.int16),
        "franchise_roles": ((rows < 48) & (rows % 3 == 2)).astype(np.uint8),
    }


def _similar() -> Arrays:
    rng = np.random.default_rng(1)
    rows = neighbours(N_ANIME, N_SIMILAR, rng)
    # Rounded, so that there are ties; those go to the lower row.
    scores = np.round(rng.uniform(0.1, 0.9, rows.shape), 1).astype(np.float32)
    order = np.lexsort((rows, -scores))
    rows, scores = np.take_along_axis(rows, order, axis=1), np.take_along_axis(scores, order, axis=1)
    # Every fourth anime was rated together with half as many others.
    cosines = np.where((np.arange(N_ANIME)[:, None] % 4 == 3) & (np.arange(N_SIMILAR) >= N_SIMILAR // 2), 0.0, scores)
    order = np.lexsort((rows[:, ::-1], -cosines))
    return {
        "similar_rows": rows,
        "similar_scores": scores,
        "cosine_rows": np.take_along_axis(rows[:, ::-1], order, axis=1),
        "cosine_scores": np.take_along_axis(cosines, order, axis=1).astype(np.float32),
    }


def _new_anime() -> Arrays:
    """Make new anime: nothing is known of the first, the second is of the first franchise, the third is adult."""
    rng = np.random.default_rng(3)
    rows = np.arange(N_NEW)
    anime_ids = (rows * 3 + 3).astype(np.int64)
    genres = (rng.random((N_NEW, len(GENRES))) < 0.4) & (rows[:, None] > 0)
    genres[:, GENRES.index("Hentai")] = adult = rows == 2
    years, members = np.where(rows, 1980 + rows, 0), np.where(rows, rng.integers(1, 90, N_NEW), 0)
    scores = np.where(rows % 2, np.round(4.0 + rng.random(N_NEW) * 3, 2), 0.0)
    type_codes = (rows % len(TYPES)).astype(np.uint8)
    cards = [
        _card(int(anime_ids[row]), row, genres[row], int(years[row]), float(scores[row]), int(members[row]), new=True)
        for row in range(N_NEW)
    ]
    return {
        "new_anime_ids": anime_ids,
        "new_anime_embeddings": _unit(rng.normal(size=(N_NEW, EMBEDDING_SIZE))),
        "new_map_positions": rng.random((N_NEW, 2), dtype=np.float32),
        "new_first_rows": np.where(rows == 1, 0, N_ANIME + rows).astype(np.int32),
        "new_cards": np.frombuffer(b"".join(cards), dtype=np.uint8),
        "new_card_offsets": np.cumsum([0, *map(len, cards)]).astype(np.int64),
        "new_type_codes": type_codes,
        "new_anime_genres": genres,
        "new_years": years.astype(np.int16),
        "new_mean_scores": scores.astype(np.float32),
        "new_members": members.astype(np.int32),
        "new_adult": adult,
        "synonym_ids": np.array([1, 4], dtype=np.int64),
        "synonyms": np.array(["Space Jazz", "Titans Everywhere"]),
        "id_map": np.array([[1, 1001, 0, 23], [10, 1010, 2010, 0], [99999, 1099, 0, 0]], dtype=np.int64),
    }


def without_new_anime(arrays: Arrays) -> Arrays:
    """Leave new anime out: every anime of the catalogue is on enough lists."""
    none = {name: array[:0] for name, array in arrays.items() if name.startswith("new_")}
    return arrays | none | {"new_card_offsets": arrays["new_card_offsets"][:1]}


def _card(
    anime_id: int,
    row: int,
    genres: NDArray[np.bool_],
    year: int,
    score: float,
    members: int,
    *,
    new: bool = False,
) -> bytes:
    made_up = (f"Made Up Title {row}", None, f"作り話{row}" if row % 2 else None)
    if new:
        made_up = (f"Hardly Known {row}", None, None)
    name, english, japanese = TITLES[row] if row < len(TITLES) and not new else made_up
    return AnimeCard(
        anime_id=anime_id,
        name=name,
        english_name=english,
        japanese_name=japanese,
        type=TYPES[row % len(TYPES)] or None,
        episodes=row % 26 or None,
        genres=[GENRES[column] for column in np.flatnonzero(genres)],
        synopsis=None if row % 8 == 7 else f'Somebody says: "row {row}", and \\ leaves.\nThe end.',
        year=year or None,
        score=round(score, 2) or None,
        members=members or None,
        age_rating="Rx - Hentai" if row in ADULT_ROWS else None,
        url=f"https://myanimelist.net/anime/{anime_id}",
        new=new,
    ).to_json()


def _lists(rng: np.random.Generator, n_users: int) -> Arrays:
    rows, ratings, statuses = [], [], []
    for user in range(n_users):
        # Likelier from the user's own cluster. The first user has a single title, the second nothing but plans.
        weights = np.where(np.arange(N_ANIME) % 4 == user % 4, 4.0, 1.0)
        n = 1 if user == 0 else int(rng.integers(8, 30))
        listed = np.sort(rng.choice(N_ANIME, size=n, replace=False, p=weights / weights.sum()))
        status = rng.choice(np.array([s.value for s in Status]), size=n, p=[0.05, 0.1, 0.55, 0.05, 0.05, 0.2])
        status[0] = Status.PLAN_TO_WATCH if user == 1 else Status.COMPLETED
        if user == 1:
            status[:] = Status.PLAN_TO_WATCH
        rows.append(listed)
        ratings.append(np.where(status == Status.PLAN_TO_WATCH, 0, rng.integers(0, 11, n)))
        statuses.append(status)
    return {
        "list_offsets": np.cumsum([0, *map(len, rows)]).astype(np.int64),
        "list_new_offsets": np.zeros(len(rows) + 1, dtype=np.int64),
        "list_new_rows": np.empty(0, dtype=np.int32),
        "list_anime_rows": np.concatenate(rows).astype(np.int32),
        "list_ratings": np.concatenate(ratings).astype(np.uint8),
        "list_statuses": np.concatenate(statuses).astype(np.uint8),
    }


def _embedded_lists(arrays: Arrays) -> NDArray[np.float32]:
    embeddings = []
    for user in range(len(arrays["user_ids"])):
        entries = slice(arrays["list_offsets"][user], arrays["list_offsets"][user + 1])
        names = ("list_anime_rows", "list_ratings", "list_statuses")
        embedding = embed_list(
            arrays["list_embeddings"], UserList(*(arrays[name][entries] for name in names)).support
        )
        # Whoever has seen nothing has no direction; the format asks for unit rows all the same.
        embeddings.append(embedding if embedding.any() else np.eye(EMBEDDING_SIZE, dtype=np.float32)[0])
    return np.array(embeddings)


def _unit(rows: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit
