"""Pairs of anime in numbers: which candidates a query has, and what is known of each pair.

Values that depend on how many users a dump has are compared with the tenth best of the query and of the candidate, or
counted as places within the query's candidates, so that a ranker learned on one dump serves another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.similar_anime.blocks import Block, Rows, SparseRows, kth_largest
from training.similar_anime.catalogue_evidence import CatalogueEvidence, Values, places, read_catalogue_evidence
from training.similar_anime.evidence import MIRROR, ListEvidence, find_neighbourhoods
from training.similar_anime.expected import compare_expected, describe_content, expect_embeddings
from training.similar_anime.texts import TextVectors
from training.similar_anime.votes import VoteEvidence
from training.support.compiled import compiled

# Every query has at least as many candidates, which are as many as the bundle has neighbours. Of 200, a common filter
# left too few for every fifth page, which then had to be ranked anew.
N_CANDIDATES: Final = 300
# How many of the best by each kind of evidence become candidates, those of the blend first.
N_BLENDED: Final = 200
POOLS: Final = {
    "weight_for": 60,
    "weight_from": 60,
    "liked_cosine": 60,
    "cosine": 40,
    "even_cosine": 40,
    "embedding": 40,
    "neighbours": 40,
    "expected": 40,
    "expected_of_query": 50,
    "expected_of_other": 30,
    "genres": 20,
    "synopsis": 30,
    "topics": 40,
    "co_voted": 40,
    "alike_voted": 40,
}


@dataclass(frozen=True)
class Pairs:
    """Candidates of some queries and what is known of them; sorted by query, then by candidate."""

    # Shape: (n_pairs,). Anime rows.
    queries: NDArray[np.int32]
    others: NDArray[np.int32]
    # Shape: (n_pairs, n_features). Columns as in names; NaN where something is not known.
    features: NDArray[np.float32]
    names: tuple[str, ...]


@dataclass(frozen=True)
class PairEvidence:
    """Everything that is known of pairs."""

    lists: ListEvidence
    # As find_neighbourhoods gives them.
    tenth_best: dict[str, Values]
    neighbours: SparseRows
    catalogue: CatalogueEvidence
    texts: TextVectors
    # Shape: (n_anime,). Place among all anime by the number of lists, 0 to 1.
    popularity: Values
    # Shape: (n_anime, embedding_size). Unit rows or zeros: embeddings as the content makes one expect them.
    expected: Values
    # None where no votes are known, or none are to be looked at.
    votes: VoteEvidence | None

    def describe(self, rows: Rows) -> Pairs:
        """Choose the candidates of a block of queries, ascending, and describe the pairs.

        Every query has at least min(300, n_anime - 1) candidates.
        """
        shared = self.lists.shared(rows)
        blocks = self.lists.similarities(rows, shared)
        blocks |= self._content(rows)
        blocks |= compare_expected(self.lists.embeddings, self.expected, rows)
        # By hand: the best that needs no learning.
        weights = blocks["weight_for"]
        strongest = np.maximum(weights.max(axis=1, keepdims=True), np.float32(1e-9))
        blocks["blend"] = weights / strongest + 0.3 * blocks["genres"] + 0.6 * blocks["synopsis"]
        if self.votes is not None:
            blocks |= self.votes.similarities(rows, blocks)
        chosen = _choose(blocks, rows)
        block_rows, others = np.nonzero(chosen)
        queries = rows[block_rows]
        features: dict[str, Values] = {}
        for kind, block in blocks.items():
            features |= self._compare(kind, block[block_rows, others], queries, others)
        counts = shared["seen"][block_rows, others], shared["liked"][block_rows, others]
        features |= self._counted(*counts, queries, others)
        features |= self.catalogue.pair_features(queries, others)
        columns = np.stack(list(features.values()), axis=1)
        return Pairs(queries.astype(np.int32), others.astype(np.int32), columns, tuple(features))

    def _content(self, rows: Rows) -> dict[str, Block]:
        texts, genres = self.texts, self.catalogue.genre_directions
        blocks: dict[str, Block] = {
            "genres": genres[rows] @ genres.T,
            "synopsis": texts.synopses.products(rows),
            "topics": texts.topics[rows] @ texts.topics.T,
            "title": texts.titles.products(rows),
            "neighbours": self.neighbours.products(rows),
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
        if kind in self.tenth_best:
            features[f"{kind}_of_query"] = values / self.tenth_best[kind][queries]
            features[f"{kind}_of_other"] = values / self.tenth_best[MIRROR.get(kind, kind)][others]
        return features

    def _counted(self, seen: Values, liked: Values, queries: Rows, others: Rows) -> dict[str, Values]:
        counts, liked_counts = self.lists.own["seen"], self.lists.own["liked"]
        both = np.maximum(counts[queries] * counts[others], 1.0)
        expected_likes = liked_counts[queries] * liked_counts[others] / both * seen
        return {
            "lift": np.log((seen + 1.0) / (both / self.lists.n_users + 1.0)),
            "share_of_other": seen / np.maximum(counts[others], 1.0),
            "share_of_query": seen / np.maximum(counts[queries], 1.0),
            "liked_lift": np.log((liked + 0.5) / (expected_likes + 0.5)),
            "popularity": self.popularity[others],
            "query_popularity": self.popularity[queries],
            "popularity_more": np.log((counts[others] + 1.0) / (counts[queries] + 1.0)),
        }


def make_pair_evidence(
    lists: ListEvidence,
    catalogue: Mapping[str, NDArray[Any]],
    texts: TextVectors,
    votes: VoteEvidence | None = None,
) -> PairEvidence:
    """Put together everything that is known of pairs; the catalogue's arrays are those of the bundle."""
    traits, counts = read_catalogue_evidence(catalogue), lists.own["seen"]
    content = describe_content(texts.topics, traits.genres, traits.codes, traits.facts["year"])
    expected = expect_embeddings(content, lists.embeddings, counts)
    return PairEvidence(lists, *find_neighbourhoods(lists), traits, texts, places(counts), expected, votes)


def place_within(values: Values, queries: Rows) -> Values:
    """Give -log(place) of each candidate among those of its query, the highest first, ties in the order they come."""
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


def _choose(blocks: Mapping[str, Block], rows: Rows) -> NDArray[np.bool_]:
    """Mark the best by each kind of evidence."""
    blend = blocks["blend"]
    # One more than wanted, here and below: the query itself may be among them.
    k = min(N_BLENDED + 1, blend.shape[1])
    chosen = np.zeros(blend.shape, dtype=bool)
    np.put_along_axis(chosen, np.argpartition(-blend, k - 1, axis=1)[:, :k], values=True, axis=1)
    for kind, size in POOLS.items():
        if kind not in blocks:
            continue
        # Whatever is as good as the first one too many stays out: thousands may share a value of 0.
        if size + 2 <= blend.shape[1]:
            chosen |= blocks[kind] > kth_largest(blocks[kind], size + 2)[:, None]
        else:
            chosen[:] = True
    chosen[np.arange(len(rows)), rows] = False
    wanted = min(N_CANDIDATES, blend.shape[1] - 1)
    for place in np.flatnonzero(chosen.sum(axis=1) < wanted):
        others = np.where(chosen[place] | (np.arange(blend.shape[1]) == rows[place]), -np.inf, blend[place])
        n_missing = wanted - np.count_nonzero(chosen[place])
        chosen[place, np.argpartition(-others, n_missing - 1)[:n_missing]] = True
    return chosen
