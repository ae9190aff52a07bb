"""Genres and synopses of the catalogue as vectors, whose products are similarities of content."""

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.embeddings.trained import unit_rows

Rows = NDArray[np.float32]

_MIN_DOCUMENTS: Final = 3
_N_TOPICS: Final = 96
_SEED: Final = 0


@dataclass(frozen=True)
class Content:
    """Vectors per anime: unit rows, or zeros for an anime without genres or synopsis."""

    genres: Rows  # shape (n_anime, n_genres)
    synopses: Rows  # shape (n_anime, n_topics)
    # From other synopses to rows like these, by the words of these.
    read_synopses: Callable[[list[str]], Rows]

    def weighted(self, genre_weight: float, synopsis_weight: float) -> Rows:
        """Join both so that the product of two rows is the weighted sum of the two cosines."""
        parts = [self.genres * np.sqrt(genre_weight), self.synopses * np.sqrt(synopsis_weight)]
        joined: Rows = np.concatenate(parts, axis=1).astype(np.float32)
        return joined


def read_content(catalogue: Mapping[str, NDArray[Any]]) -> Content:
    """Make vectors of the catalogue's arrays of the bundle.

    References
    ----------
    Deerwester et al., "Indexing by Latent Semantic Analysis", JASIS 1990, for the synopses.
    """
    return Content(genre_vectors(catalogue), *_topics(synopses_of(catalogue)))


def synopses_of(catalogue: Mapping[str, NDArray[Any]]) -> list[str]:
    """Read the synopses of the catalogue's cards; empty where there is none."""
    offsets, cards = catalogue["card_offsets"], catalogue["cards"]
    return [json.loads(cards[start:end].tobytes())["synopsis"] or "" for start, end in itertools.pairwise(offsets)]


def genre_vectors(catalogue: Mapping[str, NDArray[Any]]) -> Rows:
    """Make unit rows of genres, shape (n_anime, n_genres)."""
    return _unit_or_zero(catalogue["anime_genres"].astype(np.float32))


def _topics(texts: list[str]) -> tuple[Rows, Callable[[list[str]], Rows]]:
    # scikit-learn takes a second to import.
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415
    from sklearn.utils.extmath import randomized_svd  # noqa: PLC0415

    def nothing(others: list[str]) -> Rows:
        return np.zeros((len(others), 0), dtype=np.float32)

    vectoriser = TfidfVectorizer(stop_words="english", min_df=_MIN_DOCUMENTS, sublinear_tf=True)
    try:
        words = vectoriser.fit_transform(texts)
    except ValueError:  # No word stands in three synopses.
        return nothing(texts), nothing
    n_topics = min(_N_TOPICS, *(length - 1 for length in words.shape))
    if n_topics < 1:
        return nothing(texts), nothing
    left, strengths, right = randomized_svd(words, n_topics, n_iter=5, random_state=_SEED)

    def read(others: list[str]) -> Rows:
        return _unit_or_zero((vectoriser.transform(others) @ right.T).astype(np.float32))

    return _unit_or_zero((left * strengths).astype(np.float32)), read


def _unit_or_zero(rows: Rows) -> Rows:
    return np.where(rows.any(axis=1, keepdims=True), unit_rows(rows), np.float32(0.0)) if rows.size else rows
