"""Pairs of anime in numbers: which candidates a query has, and what is known of each pair.

Values that depend on how many users a dump has are compared with the tenth best of the query and of the candidate, or
counted as places within the query's candidates, so that a ranker learned on one dump serves another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.similar_anime.catalogue_evidence import CatalogueEvidence, places, read_catalogue_evidence
from training.similar_anime.evidence import MIRROR, ListEvidence, Neighbourhoods, find_neighbourhoods
from training.similar_anime.pair_sums import Block, kth_largest
from training.similar_anime.texts import TextVectors
from training.support.compiled import compiled

Rows = NDArray[np.integer[Any]]
Values = NDArray[np.float32]

# How many of the best by each kind of evidence become candidates. The blend comes first and alone guarantees that
# every query has as many candidates as the bundle has neighbours.
N_BLENDED: Final = 200
POOLS: Final = {
    "weight_for": 60,
    "weight_from": 60,
    "liked_cosine": 60,
    "cosine": 40,
    "even_cosine": 40,
    "embedding": 40,
    "neighbours": 40,
}


@dataclass(frozen=True)
class Pairs:
    """Candidates of some queries and what is known of them.

    Attributes
    ----------
    queries, others : ndarray of shape (n_pairs,), dtype=int32
        Anime rows; sorted by query, then by candidate.
    features : ndarray of shape (n_pairs, n_features), dtype=float32
        Columns as in :attr:`names`. NaN where something is not known.
    names : tuple of str
    """

    queries: NDArray[np.int32]
    others: NDArray[np.int32]
    features: NDArray[np.float32]
    names: tuple[str, ...]


@dataclass(frozen=True)
class PairEvidence:
    """Everything that is known of pairs.

    Attributes
    ----------
    lists : ListEvidence
    neighbourhoods : Neighbourhoods
    catalogue : CatalogueEvidence
    texts : TextVectors
    popularity : ndarray of shape (n_anime,), dtype=float32
        Place among all anime by the number of lists, 0 to 1.
    """

    lists: ListEvidence
    neighbourhoods: Neighbourhoods
    catalogue: CatalogueEvidence
    texts: TextVectors
    popularity: Values

    def describe(self, rows: Rows) -> Pairs:
        """Choose the candidates of a block of queries and describe the pairs.

        Parameters
        ----------
        rows : ndarray of shape (b,), dtype=integer
            Anime rows, ascending.

        Returns
        -------
        Pairs
            At least min(200, n_anime - 1) candidates per query.
        """
        shared = self.lists.viewers.shared(rows)
        blocks = self.lists.similarities(rows, shared)
        blocks |= self._content(rows)
        blocks["blend"] = _blend(blocks)
        chosen = _choose(blocks, rows)
        block_rows, others = np.nonzero(chosen)
        features: dict[str, Values] = {}
        for kind, block in blocks.items():
            features |= self._compare(kind, block[block_rows, others], rows[block_rows], others)
        counts = shared.seen[block_rows, others], shared.liked[block_rows, others]
        features |= self._counted(*counts, rows[block_rows], others)
        features |= self.catalogue.pair_features(rows[block_rows], others)
        names = tuple(features)
        return Pairs(
            rows[block_rows].astype(np.int32),
            others.astype(np.int32),
            np.stack([features[name] for name in names], axis=1),
            names,
        )

    def _content(self, rows: Rows) -> dict[str, Block]:
        texts, near, genres = self.texts, self.neighbourhoods.neighbours, self.catalogue.genre_directions
        blocks: dict[str, Block] = {
            "genres": genres[rows] @ genres.T,
            "synopsis": texts.synopses.products(rows),
            "topics": texts.topics[rows] @ texts.topics.T,
            "title": texts.titles.products(rows),
            "neighbours": near.products(rows),
        }
        for block in blocks.values():
            block[np.arange(len(rows)), rows] = 0.0
        return blocks

    def _compare(self, kind: str, values: Values, queries: Rows, others: Rows) -> dict[str, Values]:
        features: dict[str, Values] = {}
        if kind not in MIRROR:
            features[kind] = values
        if kind != "title":
            features[f"{kind}_place"] = place_within(values, queries)
        tenth_best = self.neighbourhoods.tenth_best
        if kind in tenth_best:
            features[f"{kind}_of_query"] = values / tenth_best[kind][queries]
            features[f"{kind}_of_other"] = values / tenth_best[MIRROR.get(kind, kind)][others]
        return features

    def _counted(self, seen: Values, liked: Values, queries: Rows, others: Rows) -> dict[str, Values]:
        counts, liked_counts = self.lists.own.seen, self.lists.own.liked
        both = np.maximum(counts[queries] * counts[others], 1.0)
        expected_likes = liked_counts[queries] * liked_counts[others] / both * seen
        return {
            "lift": np.log((seen + 1.0) / (both / self.lists.viewers.n_users + 1.0)),
            "share_of_other": seen / np.maximum(counts[others], 1.0),
            "share_of_query": seen / np.maximum(counts[queries], 1.0),
            "liked_lift": np.log((liked + 0.5) / (expected_likes + 0.5)),
            "popularity": self.popularity[others],
            "query_popularity": self.popularity[queries],
            "popularity_more": np.log((counts[others] + 1.0) / (counts[queries] + 1.0)),
        }


def make_pair_evidence(
    lists: ListEvidence, catalogue: Mapping[str, NDArray[Any]], texts: TextVectors
) -> PairEvidence:
    """Put together everything that is known of pairs.

    Parameters
    ----------
    lists : ListEvidence
    catalogue : mapping of str to ndarray
        The catalogue's arrays of the bundle.
    texts : TextVectors
    """
    return PairEvidence(
        lists, find_neighbourhoods(lists), read_catalogue_evidence(catalogue), texts, places(lists.own.seen)
    )


def place_within(values: Values, queries: Rows) -> Values:
    """Give each candidate's place among the candidates of its query.

    Parameters
    ----------
    values : ndarray of shape (n_pairs,), dtype=float32
        Higher is better.
    queries : ndarray of shape (n_pairs,), dtype=integer
        Ascending.

    Returns
    -------
    ndarray of shape (n_pairs,), dtype=float32
        -log(place), places from 1; ties in the order they come.
    """
    placed = np.empty(len(values), dtype=np.float32)
    _place(values, queries, placed)
    return placed


@compiled
def _place(values: Any, queries: Any, placed: Any) -> None:  # pragma: no cover - compiled
    start = 0
    while start < len(values):
        end = start
        while end < len(values) and queries[end] == queries[start]:
            end += 1
        # Stable, so ties stay as they come.
        order = np.argsort(-values[start:end], kind="mergesort")
        for place in range(len(order)):
            placed[start + order[place]] = -np.log(np.float32(place + 1))
        start = end


def _blend(blocks: Mapping[str, Block]) -> Block:
    """Add up item weights, genres and synopses by hand: the best that needs no learning."""
    weights = blocks["weight_for"]
    strongest = np.maximum(weights.max(axis=1, keepdims=True), np.float32(1e-9))
    blend: Block = weights / strongest + 0.3 * blocks["genres"] + 0.6 * blocks["synopsis"]
    return blend


def _choose(blocks: Mapping[str, Block], rows: Rows) -> NDArray[np.bool_]:
    """Mark the best by each kind of evidence."""
    blend = blocks["blend"]
    # One more than wanted, here and below: the query itself may be among them.
    k = min(N_BLENDED + 1, blend.shape[1])
    chosen = np.zeros(blend.shape, dtype=bool)
    np.put_along_axis(chosen, np.argpartition(-blend, k - 1, axis=1)[:, :k], values=True, axis=1)
    for kind, size in POOLS.items():
        # Whatever is as good as the first one too many stays out: thousands may share a value of 0.
        if size + 2 <= blend.shape[1]:
            chosen |= blocks[kind] > kth_largest(blocks[kind], size + 2)[:, None]
        else:
            chosen[:] = True
    chosen[np.arange(len(rows)), rows] = False
    return chosen
