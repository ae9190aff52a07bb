"""Catalogue features of pairs of anime: genres, source, studio, time, length, fame."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.similar_anime.blocks import Rows

Values = NDArray[np.float32]

_DAYS_PER_YEAR: Final = 365.25
# Genres of at least one anime in a hundred, as MyAnimeList names them; another catalogue may lack some.
GENRES: Final = (
    "Action", "Adventure", "Comedy", "Dementia", "Demons", "Drama", "Ecchi", "Fantasy", "Game", "Harem", "Hentai",
    "Historical", "Horror", "Kids", "Magic", "Martial Arts", "Mecha", "Military", "Music", "Mystery", "Parody",
    "Police", "Psychological", "Romance", "Samurai", "School", "Sci-Fi", "Seinen", "Shoujo", "Shounen",
    "Slice of Life", "Space", "Sports", "Super Power", "Supernatural", "Thriller", "Vampire",
)  # fmt: skip
_CODES: Final = ("type", "source", "studio", "age_rating")


@dataclass(frozen=True)
class CatalogueEvidence:
    """One row or number per anime."""

    # Shape: (n_anime, n_genres). 0 or 1.
    genres: Values
    # Shape: (n_anime, len(GENRES)). 0 or 1.
    known_genres: Values
    # Shape: (n_anime, n_genres). Unit rows, rare genres counting for more; zeros where there is no genre.
    genre_directions: Values
    # Type, source, studio and age rating; 0 where unknown.
    codes: dict[str, NDArray[Any]]
    # Year of the first airing, mean score, logarithms of counts, place by members and marks; NaN where unknown.
    facts: dict[str, Values]

    def pair_features(self, queries: Rows, others: Rows) -> dict[str, Values]:
        """Describe pairs of anime rows: one number each per feature."""
        query_genres, other_genres = self.genres[queries], self.genres[others]
        shared = np.einsum("ij,ij->i", query_genres, other_genres)
        n_query, n_other = query_genres.sum(axis=1), other_genres.sum(axis=1)
        theirs = {name: values[others] for name, values in self.facts.items()}
        more = {name: values - self.facts[name][queries] for name, values in theirs.items()}
        features = {
            "genre_cosine": np.einsum("ij,ij->i", self.genre_directions[queries], self.genre_directions[others]),
            "genres_shared": shared,
            "genres_jaccard": shared / np.maximum(n_query + n_other - shared, 1.0),
            "genres_new": n_other - shared,
            "years_later": more["year"],
            "years_apart": np.abs(more["year"]),
            "year": theirs["year"],
            "score": theirs["score"],
            "score_higher": more["score"],
            "score_apart": np.abs(more["score"]),
            "episodes": theirs["episodes"],
            "episodes_more": more["episodes"],
            "minutes": theirs["minutes"],
            "minutes_more": more["minutes"],
            "fame": theirs["fame"],
            "query_fame": self.facts["fame"][queries],
            "members_more": more["members"],
            "fans": theirs["fans"],
            "fans_more": more["fans"],
            "is_tv": theirs["is_tv"],
            "adult_more": more["adult"],
        }
        for name, codes in self.codes.items():
            features[f"same_{name}"] = (codes[queries] == codes[others]) & (codes[queries] > 0)
        for column, genre in enumerate(GENRES):
            marks = self.known_genres[:, column]
            features |= {f"query_{genre}": marks[queries], f"other_{genre}": marks[others]}
        return {name: np.asarray(values, dtype=np.float32) for name, values in features.items()}


def read_catalogue_evidence(catalogue: Mapping[str, NDArray[Any]]) -> CatalogueEvidence:
    """Read what pairs are compared by from the catalogue's arrays of the bundle."""
    genres = catalogue["anime_genres"].astype(np.float32)
    rarity = np.maximum(np.log(len(genres) / (1.0 + genres.sum(axis=0))), 0.1)
    directions = genres * rarity
    norms = np.linalg.norm(directions, axis=1, keepdims=True)
    members, favourites = _known(catalogue["members"]), catalogue["favorites"]
    # In a catalogue without favourites they are unknown; in one that has them, 0 is a fact.
    fans = np.log1p(favourites) - np.log1p(members) if favourites.any() else np.full(len(members), np.nan)
    facts = {
        "year": _known(catalogue["start_days"]) / np.float32(_DAYS_PER_YEAR),
        "score": _known(catalogue["mean_scores"]),
        "episodes": np.log1p(_known(catalogue["episodes"])),
        "minutes": np.log1p(_known(catalogue["minutes"])),
        "fame": places(catalogue["members"]),
        "members": np.log1p(members),
        # Of the share of members who call it a favourite.
        "fans": fans.astype(np.float32),
        "is_tv": (catalogue["type_names"] == "TV")[catalogue["type_codes"]].astype(np.float32),
        "adult": catalogue["adult"].astype(np.float32),
    }
    unit = np.asarray(directions / np.where(norms == 0.0, 1.0, norms), dtype=np.float32)
    known_genres = np.zeros((len(genres), len(GENRES)), dtype=np.float32)
    for column, name in enumerate(catalogue["genre_names"].tolist()):
        if name in GENRES:
            known_genres[:, GENRES.index(name)] = genres[:, column]
    return CatalogueEvidence(genres, known_genres, unit, {name: catalogue[f"{name}_codes"] for name in _CODES}, facts)


def places(values: NDArray[Any]) -> Values:
    """Give the share of values below each and half of the equal ones, in (0, 1)."""
    ascending = np.sort(values)
    below, through = np.searchsorted(ascending, values), np.searchsorted(ascending, values, side="right")
    middle: Values = ((below + through) / (2.0 * max(len(values), 1))).astype(np.float32)
    return middle


def _known(values: NDArray[Any]) -> Values:
    return np.where(values > 0, values, np.nan).astype(np.float32)
