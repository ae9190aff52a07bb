"""What the catalogue says of two anime: genres, source, studio, time, length, fame."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.integer[Any]]
Values = NDArray[np.float32]

_DAYS_PER_YEAR: Final = 365.25
_CODES: Final = ("type", "source", "studio", "age_rating")


@dataclass(frozen=True)
class CatalogueEvidence:
    """One row or number per anime, NaN where it is not known.

    Attributes
    ----------
    genres : ndarray of shape (n_anime, n_genres), dtype=float32
        0 or 1.
    genre_directions : ndarray of shape (n_anime, n_genres), dtype=float32
        Unit rows, rare genres counting for more; zeros where there is no genre.
    codes : dict of str to ndarray of shape (n_anime,), dtype=integer
        Type, source, studio and age rating; 0 where unknown.
    is_tv, adult : ndarray of shape (n_anime,), dtype=float32
        0 or 1.
    years, scores, episodes, minutes, members, fans : ndarray of shape (n_anime,), dtype=float32
        Year of the first airing; mean score; logarithms of the number of episodes, of the length of an episode, of
        the number of members, and of the share of members who call it a favourite.
    fame : ndarray of shape (n_anime,), dtype=float32
        Place among all anime by members, 0 to 1.
    """

    genres: Values
    genre_directions: Values
    codes: dict[str, NDArray[Any]]
    is_tv: Values
    adult: Values
    years: Values
    scores: Values
    episodes: Values
    minutes: Values
    members: Values
    fans: Values
    fame: Values

    def pair_features(self, queries: Rows, others: Rows) -> dict[str, Values]:
        """Describe pairs.

        Parameters
        ----------
        queries, others : ndarray of shape (n_pairs,), dtype=integer
            Anime rows.

        Returns
        -------
        dict of str to ndarray of shape (n_pairs,), dtype=float32
        """
        query_genres, other_genres = self.genres[queries], self.genres[others]
        shared = np.einsum("ij,ij->i", query_genres, other_genres)
        n_query, n_other = query_genres.sum(axis=1), other_genres.sum(axis=1)
        features = {
            "genre_cosine": np.einsum("ij,ij->i", self.genre_directions[queries], self.genre_directions[others]),
            "genres_shared": shared,
            "genres_jaccard": shared / np.maximum(n_query + n_other - shared, 1.0),
            "genres_new": n_other - shared,
            "years_later": self.years[others] - self.years[queries],
            "years_apart": np.abs(self.years[others] - self.years[queries]),
            "year": self.years[others],
            "score": self.scores[others],
            "score_higher": self.scores[others] - self.scores[queries],
            "score_apart": np.abs(self.scores[others] - self.scores[queries]),
            "episodes": self.episodes[others],
            "episodes_more": self.episodes[others] - self.episodes[queries],
            "minutes": self.minutes[others],
            "minutes_more": self.minutes[others] - self.minutes[queries],
            "fame": self.fame[others],
            "query_fame": self.fame[queries],
            "members_more": self.members[others] - self.members[queries],
            "fans": self.fans[others],
            "fans_more": self.fans[others] - self.fans[queries],
            "is_tv": self.is_tv[others],
            "adult_more": self.adult[others] - self.adult[queries],
        }
        for name in _CODES:
            codes = self.codes[name]
            features[f"same_{name}"] = (codes[queries] == codes[others]) & (codes[queries] > 0)
        return {name: np.asarray(values, dtype=np.float32) for name, values in features.items()}


def read_catalogue_evidence(catalogue: Mapping[str, NDArray[Any]]) -> CatalogueEvidence:
    """Read what pairs are compared by.

    Parameters
    ----------
    catalogue : mapping of str to ndarray
        The catalogue's arrays of the bundle.
    """
    genres = catalogue["anime_genres"].astype(np.float32)
    rarity = np.maximum(np.log(len(genres) / (1.0 + genres.sum(axis=0))), 0.1)
    directions = genres * rarity
    norms = np.linalg.norm(directions, axis=1, keepdims=True)
    members = _known(catalogue["members"])
    fans = np.log1p(catalogue["favorites"]) - np.log1p(members)
    tv = np.flatnonzero(catalogue["type_names"] == "TV")
    return CatalogueEvidence(
        genres=genres,
        genre_directions=np.asarray(directions / np.where(norms == 0.0, 1.0, norms), dtype=np.float32),
        codes={name: np.asarray(catalogue[f"{name}_codes"]) for name in _CODES},
        is_tv=np.isin(catalogue["type_codes"], tv).astype(np.float32),
        adult=catalogue["adult"].astype(np.float32),
        years=_known(catalogue["start_days"]) / np.float32(_DAYS_PER_YEAR),
        scores=_known(catalogue["mean_scores"]),
        episodes=np.log1p(_known(catalogue["episodes"])),
        minutes=np.log1p(_known(catalogue["minutes"])),
        members=np.log1p(members),
        # A catalogue without favourites says nothing; in one that has them, none is a fact.
        fans=(fans if catalogue["favorites"].any() else np.full(len(fans), np.nan)).astype(np.float32),
        fame=places(catalogue["members"]),
    )


def places(values: NDArray[Any]) -> Values:
    """Give every value's place among all, ties sharing the middle of theirs.

    Parameters
    ----------
    values : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n,), dtype=float32
        In (0, 1): the share of values below, and half of the equal ones.
    """
    ascending = np.sort(values)
    below, through = np.searchsorted(ascending, values), np.searchsorted(ascending, values, side="right")
    middle: Values = ((below + through) / (2.0 * max(len(values), 1))).astype(np.float32)
    return middle


def _known(values: NDArray[Any]) -> Values:
    return np.where(values > 0, values, np.nan).astype(np.float32)
