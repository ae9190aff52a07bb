"""A model in which every feature of the re-ranker varies, with gaps in whatever may be unknown."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle, assemble
from models.scoring.neighbours import neighbourhood_shares
from models.scoring.reranker import RerankedList, Reranker, reranker_of
from models.scoring.user_list import UserList, seen_lists_of_users
from tests.models.feature_names import NAMES
from tests.models.small_bundle import Arrays, make_arrays, make_manifest, neighbours, new_anime

N_ANIME: Final = 430
N_USERS: Final = 110
# A power of two: dividing by it loses nothing, and no feature reaches five times as far.
WIDE: Final = 1024.0

Listed = tuple[list[int], list[int], list[int]]


def make_world(seed: int) -> Arrays:
    """Make the arrays of a bundle."""
    rng = np.random.default_rng(seed)
    arrays = make_arrays(N_ANIME, N_USERS, seed=seed)

    def unless_unknown(values: NDArray[Any]) -> NDArray[Any]:
        return np.where(rng.random(N_ANIME) < 0.1, 0, values).astype(values.dtype)

    for name in ("mean_scores", "start_days", "years", "episodes", "minutes", "members", "favorites"):
        arrays[name] = unless_unknown(arrays[name])
    names = {
        "type": ["", "Movie", "Music", "ONA", "OVA", "Special", "TV"],
        "source": ["", "Game", "Light novel", "Manga", "Novel", "Original", "Visual novel"],
        "studio": ["", *"ABCDEFGHIJ"],
        "age_rating": ["", "G", "PG-13", "R"],
        "genre": ["Action", "Comedy", "Drama", "Mecha", "Sports"],
    }
    for kind, words in names.items():
        arrays[f"{kind}_names"] = np.array(words)
        if kind != "genre":
            codes = rng.integers(0, len(words), N_ANIME)
            arrays[f"{kind}_codes"] = codes.astype(arrays[f"{kind}_codes"].dtype)
    arrays["anime_genres"] = rng.random((N_ANIME, 5)) < [0.6, 0.4, 0.3, 0.1, 0.05]
    arrays["adult"] = rng.random(N_ANIME) < 0.1
    arrays["popularity"] = (rng.pareto(1.0, N_ANIME) * 5).clip(0, N_USERS).astype(np.int32)
    arrays |= _franchises(rng) | _lists(rng) | _weights(rng) | new_anime(N_ANIME, 0, n_genres=5)
    wide = np.stack([np.zeros(len(NAMES)), np.full(len(NAMES), WIDE)]).astype(np.float32)
    shapes = {"first": (2, len(NAMES) + 1, 3), "second": (2, 4, 2), "last": (2, 3)}
    layers = {f"reranker_{name}": rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return arrays | {"reranker_scales": wide} | layers


def _franchises(rng: np.random.Generator) -> Arrays:
    """Put anime into franchises of 14, 5, 4, 3, 2 and 1, whose rows lie anywhere."""
    sizes = [14, *[5, 4, 3, 2] * 20]
    sizes += [1] * (N_ANIME - sum(sizes))
    shuffled = rng.permutation(N_ANIME)
    codes = np.repeat(np.arange(len(sizes)), sizes)[np.argsort(shuffled)]
    positions = np.concatenate([np.arange(size) for size in sizes])[np.argsort(shuffled)]
    _, first = np.unique(codes, return_index=True)
    renumbered = np.argsort(np.argsort(first))[codes]
    roles = np.where(positions == 0, 0, rng.choice(3, N_ANIME, p=[0.5, 0.3, 0.2]))
    return {
        "franchise_codes": renumbered.astype(np.int32),
        "franchise_positions": positions.astype(np.int16),
        "franchise_roles": roles.astype(np.uint8),
    }


def _lists(rng: np.random.Generator) -> Arrays:
    sizes = rng.integers(1, 60, N_USERS)
    rows = [np.sort(rng.choice(N_ANIME, size, replace=False)) for size in sizes]
    return {
        "list_offsets": np.cumsum([0, *sizes]).astype(np.int64),
        "list_new_offsets": np.zeros(N_USERS + 1, dtype=np.int64),
        "list_new_rows": np.empty(0, dtype=np.int32),
        "list_anime_rows": np.concatenate(rows).astype(np.int32),
        "list_ratings": rng.integers(0, 11, sizes.sum()).astype(np.uint8),
        "list_statuses": rng.choice([0, 1, 2, 3, 4, 6], sizes.sum()).astype(np.uint8),
    }


def _weights(rng: np.random.Generator) -> Arrays:
    rows = neighbours(N_ANIME, 40, rng)
    return {
        "item_weight_rows": rows,
        "item_weight_values": rng.normal(0.05, 0.2, rows.shape).astype(np.float32),
        "co_seen_rows": rows[:, :20],
        "co_seen_values": rng.normal(0.0, 0.2, (N_ANIME, 20)).astype(np.float32),
    }


def draw_lists(arrays: Arrays, seed: int) -> dict[str, Listed]:
    """Draw lists of every kind: anime rows, ratings, statuses."""
    rng = np.random.default_rng(seed)
    codes = arrays["franchise_codes"]
    largest = np.flatnonzero(np.isin(codes, np.argsort(-np.bincount(codes))[:30]))
    everything = [0, 1, 2, 3, 4, 6]

    def draw(among: NDArray[Any], size: int, ratings: Sequence[int], statuses: Sequence[int]) -> Listed:
        rows = np.sort(rng.choice(among, size, replace=False))
        drawn = rng.choice(ratings, size), rng.choice(statuses, size)
        return rows.tolist(), drawn[0].tolist(), drawn[1].tolist()

    anything = np.arange(N_ANIME)
    return {
        "of everything": draw(anything, 70, range(11), everything),
        "most of some franchises": draw(largest, len(largest) // 2, range(11), everything),
        "three titles": draw(anything, 3, [6, 7, 9], [1, 2]),
        "one title": draw(anything, 1, [8], [2]),
        "nothing rated": draw(anything, 12, [0], [0, 1, 2]),
        "given up": draw(anything, 9, range(6), [3, 4]),
        "plans alone": draw(anything, 5, range(11), [6]),
        "nothing": draw(anything, 0, [1], [2]),
        "loved and hated": draw(anything, 9, [3, 9, 10], [2]),
    }


def as_user_list(listed: Listed) -> UserList:
    rows, ratings, statuses = listed
    return UserList(np.array(rows, np.int32), np.array(ratings, np.uint8), np.array(statuses, np.uint8))


def bundle_of(arrays: Arrays) -> Bundle:
    """Make a bundle whose networks were learned with the features of the slow way, in its order."""
    return assemble(make_manifest().model_copy(update={"reranker_features": NAMES}), arrays)


def reranker_from(bundle: Bundle) -> Reranker:
    reranker = reranker_of(bundle)
    assert reranker is not None
    return reranker


def rerank(
    bundle: Bundle, listed: Listed, user_rows: Sequence[int], similarities: Sequence[float], allowed: Sequence[int]
) -> RerankedList:
    """Score anime for a list as the service does, with these users as the nearest."""
    mine = as_user_list(listed)
    theirs = seen_lists_of_users(bundle, np.array(user_rows, dtype=np.int64))
    cosines = np.array(similarities, dtype=np.float32)
    shares = neighbourhood_shares(bundle.n_anime, cosines, theirs)
    return reranker_from(bundle).rerank(mine, shares, np.isin(np.arange(bundle.n_anime), allowed))


def features_of(
    bundle: Bundle, listed: Listed, user_rows: Sequence[int], similarities: Sequence[float], rows: Sequence[int]
) -> NDArray[np.float64]:
    """Give what the re-ranker looks at, shape (n_rows, n_features)."""
    reranked = rerank(bundle, listed, user_rows, similarities, rows)
    return reranked.features[reranked.places[list(rows)]].astype(np.float64) * WIDE
