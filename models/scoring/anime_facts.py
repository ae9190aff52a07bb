"""What is known of every anime before any list is looked at: the fixed half of a re-ranker's features."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Vector = NDArray[np.float32]

DAYS_PER_YEAR: Final = 365.25
N_BANDS: Final = 200
TYPES: Final = ("TV", "Movie", "OVA", "ONA", "Special", "Music")
SOURCES: Final = ("Original", "Manga", "Light novel", "Visual novel", "Game")

FACTS: Final = (
    "log share of lists",
    "log members",
    "log favourites per member",
    "mean score",
    "log episodes",
    "log minutes",
    "years since 2000",
    "adult",
    "place in its franchise",
    "side story",
    "extra",
    "log size of its franchise",
    *(f"is {name}" for name in TYPES),
    *(f"source {name}" for name in SOURCES),
)


@dataclass(frozen=True)
class AnimeFacts:
    """Facts of all anime, scaled for a network. Arrays have shape (n_anime,) unless the comment names another."""

    table: Matrix  # (n_anime, len(FACTS))
    # (n_anime, 2 n_genres): unit rows in which rare genres weigh more, zeros without genres; then 1 for each genre
    genres: Matrix
    genre_shares: Vector  # (n_genres,), share of all list entries that have a genre
    codes: Mapping[str, NDArray[np.int64]]  # type, source, studio, age_rating and year; 0 is unknown
    code_shares: Mapping[str, Vector]  # (n_codes,), share of all list entries with each code
    popularity: Vector  # log share of lists
    scores: Vector  # mean score; the mean of all where unknown
    days: Vector  # first airing, in days from 1900; the mean of all where unknown
    franchises: NDArray[np.int64]
    positions: NDArray[np.int64]
    main: NDArray[np.bool_]  # of the main line of its franchise
    n_main_before: Vector  # main-line entries of its franchise that come before it
    franchise_sizes: Vector
    bands: NDArray[np.int64]  # which of some equally large bands of popularity it lies in
    n_users: int  # how many lists the popularity was counted on

    @cached_property
    def shares(self) -> Vector:
        """Share of lists that hold each anime, shape (n_anime,)."""
        shares: Vector = np.exp(self.popularity)
        return shares

    @cached_property
    def levels(self) -> Matrix:
        """First airing, popularity and mean score, shape (3, n_anime)."""
        return np.stack([self.days, self.popularity, self.scores])

    @cached_property
    def n_franchises(self) -> int:
        """Number of franchises."""
        return int(self.franchises.max()) + 1

    @cached_property
    def band_sizes(self) -> NDArray[np.int64]:
        """How many anime lie in each band of popularity, at least 1, shape (N_BANDS,)."""
        return np.maximum(np.bincount(self.bands, minlength=N_BANDS), 1)

    @cached_property
    def all_codes(self) -> tuple[NDArray[np.int64], Vector, dict[str, int]]:
        """The codes of all kinds in one numbering, so that one look counts them all.

        Returns
        -------
        codes : ndarray of shape (n_anime, n_kinds), dtype=int64
        shares : ndarray of shape (n_codes,), dtype=float32
        starts : dict of str to int
            The code by which each kind says that it is unknown, the first of its own.
        """
        sizes = [len(shares) for shares in self.code_shares.values()]
        starts = dict(zip(self.codes, np.cumsum([0, *sizes[:-1]]).tolist(), strict=True))
        codes = np.stack([code + starts[kind] for kind, code in self.codes.items()], axis=1)
        return codes, np.concatenate([self.code_shares[kind] for kind in self.codes]), starts


def read_facts(arrays: Mapping[str, NDArray[Any]], n_users: int) -> AnimeFacts:
    """Compute the facts from a bundle's arrays, of which ``n_users`` lists gave the popularity."""
    counts = arrays["popularity"].astype(np.float64)
    known_scores = arrays["mean_scores"] > 0
    scores = np.where(known_scores, arrays["mean_scores"], _mean(arrays["mean_scores"][known_scores], 6.5))
    known_days = arrays["start_days"] > 0
    days = np.where(known_days, arrays["start_days"], _mean(arrays["start_days"][known_days], 38_000.0))
    popularity = np.log((counts + 1.0) / (n_users + 1.0))
    codes = {name: arrays[f"{name}_codes"].astype(np.int64) for name in ("type", "source", "studio", "age_rating")}
    codes["year"] = arrays["years"].astype(np.int64)
    code_shares = {
        name: _shares(np.bincount(code, weights=counts).astype(np.float64)) for name, code in codes.items()
    }
    franchises, positions = arrays["franchise_codes"].astype(np.int64), arrays["franchise_positions"].astype(np.int64)
    sizes = np.bincount(franchises)[franchises].astype(np.float32)
    main = arrays["franchise_roles"] == 0
    genre_shares = _shares(np.asarray(counts @ arrays["anime_genres"], dtype=np.float64))
    columns = [
        popularity,
        np.log1p(arrays["members"]),
        np.log((arrays["favorites"] + 1.0) / (arrays["members"] + 100.0)),
        scores,
        np.log1p(arrays["episodes"]),
        np.log1p(arrays["minutes"]),
        (days - 36_525.0) / DAYS_PER_YEAR,
        arrays["adult"],
        np.minimum(positions, 10),
        arrays["franchise_roles"] == 1,
        arrays["franchise_roles"] == 2,
        np.log(sizes),
        *(_is_named(arrays, "type", name) for name in TYPES),
        *(_is_named(arrays, "source", name) for name in SOURCES),
    ]
    return AnimeFacts(
        table=np.stack(columns, axis=1).astype(np.float32),
        genres=_genre_rows(arrays["anime_genres"], genre_shares),
        genre_shares=genre_shares,
        codes=codes,
        code_shares=code_shares,
        popularity=popularity.astype(np.float32),
        scores=scores.astype(np.float32),
        days=days.astype(np.float32),
        franchises=franchises,
        positions=positions,
        main=main,
        n_main_before=_count_main_before(franchises, positions, main),
        franchise_sizes=sizes,
        n_users=n_users,
        bands=np.argsort(np.argsort(-counts, kind="stable"), kind="stable") * N_BANDS // max(len(counts), 1),
    )


def _mean(values: NDArray[Any], otherwise: float) -> float:
    return float(values.mean()) if len(values) else otherwise


def _shares(counts: NDArray[np.float64]) -> Vector:
    # One more of each: what is on no list is rare, not impossible.
    shares: Vector = ((counts + 1.0) / (counts.sum() + len(counts))).astype(np.float32)
    return shares


def _is_named(arrays: Mapping[str, NDArray[Any]], kind: str, name: str) -> NDArray[np.bool_]:
    marks: NDArray[np.bool_] = arrays[f"{kind}_names"][arrays[f"{kind}_codes"]] == name
    return marks


def _genre_rows(anime_genres: NDArray[np.bool_], shares: Vector) -> Matrix:
    weighted = anime_genres * -np.log(shares)
    norms = np.linalg.norm(weighted, axis=1, keepdims=True)
    rows = weighted / np.where(norms == 0.0, 1.0, norms)
    return np.concatenate([rows, anime_genres], axis=1, dtype=np.float32)


def _count_main_before(
    franchises: NDArray[np.int64], positions: NDArray[np.int64], main: NDArray[np.bool_]
) -> Vector:
    order = np.lexsort((positions, franchises))
    before: NDArray[np.int64] = np.cumsum(main[order]) - main[order]
    starts = np.flatnonzero(np.diff(franchises[order], prepend=-1))
    # Shape: (n_anime,), in the order of franchises
    before_franchise: NDArray[np.int64] = np.repeat(before[starts], np.diff(np.append(starts, len(order))))
    counted = np.empty(len(order), dtype=np.float32)
    counted[order] = before - before_franchise
    return counted
