"""The methods of recommending. A new one is a class like :class:`Method`, and an entry in :func:`make_methods`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.embedding import list_contributions, list_scores
from models.scoring.items import ItemWeights, weights_of
from models.scoring.neighbours import (
    N_NEIGHBOURS,
    N_WEIGHTED_NEIGHBOURS,
    NeighbourRegression,
    NeighbourRule,
    NeighbourScores,
    neighbourhood_shares,
    score_by_neighbours,
)
from models.scoring.popular import popular_scores
from models.scoring.reranker import Reranker, reranker_of
from models.scoring.user_list import list_of_user, seen_lists_of_users
from service.recommending.catalogue import Catalogue
from service.recommending.explanations import FeatureWords
from service.recommending.requests import MethodName
from service.recommending.similar_users import UserProfile

Scores = NDArray[np.float32]
Mask = NDArray[np.bool_]
# Shape: (n_page, n_support)
Contributions = NDArray[np.float32]
MethodKey = tuple[MethodName, NeighbourRule | None]


@dataclass(frozen=True)
class Scoring:
    """The scores of every anime for one profile, and how to explain those of a page."""

    scores: Scores
    # From the rows of a page to what each anime of the list's support, in their order, adds to the score.
    contributions: Callable[[list[int]], Contributions]
    # From the rows of a page to reasons in words, a list per row.
    notes: Callable[[list[int]], list[list[str]]] = lambda anime_rows: [[] for _ in anime_rows]
    # Whether an anime with a score of 0 is left out: the method cannot rank it.
    positive_only: bool = False


class Method(Protocol):
    """A way of scoring anime for a profile."""

    def score(self, profile: UserProfile, allowed: Mask) -> Scoring:
        """Score every anime; ``allowed`` is what may be recommended, other scores are not looked at."""


class EmbeddingMethod:
    """The cosine of the user's embedding and the anime's, times the anime's gain."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def score(self, profile: UserProfile, allowed: Mask) -> Scoring:
        """Score every anime by its cosine and gain."""
        del allowed
        scores = list_scores(self._bundle.anime_embeddings, self._bundle.anime_gains, profile.embedding)
        return Scoring(scores, partial(self._contributions, profile))

    def _contributions(self, profile: UserProfile, anime_rows: list[int]) -> Contributions:
        directions = self._bundle.anime_embeddings[anime_rows] * self._bundle.anime_gains[anime_rows, None]
        return list_contributions(self._bundle.list_embeddings, profile.user_list.support, directions.T).T


class ItemsMethod:
    """Item weights: the sum of what the anime on the list add."""

    def __init__(self, weights: ItemWeights) -> None:
        self._weights = weights
        # Computed now, so that no request waits for it.
        _ = weights.by_support

    def score(self, profile: UserProfile, allowed: Mask) -> Scoring:
        """Score every anime by the sum of the weights of what is on the list."""
        del allowed
        support = profile.user_list.support
        return Scoring(
            self._weights.score(support),
            lambda rows: self._weights.contributions(support, np.array(rows, dtype=np.int64)),
        )


class RankedMethod:
    """Item weights propose, a network orders: the two stages."""

    def __init__(self, bundle: Bundle, catalogue: Catalogue, reranker: Reranker) -> None:
        self._bundle = bundle
        self._reranker = reranker
        self._words = FeatureWords(bundle, reranker, catalogue.titles)

    def score(self, profile: UserProfile, allowed: Mask) -> Scoring:
        """Score every anime; the contributions are those of the first stage."""
        user_list = profile.user_list
        nearest, lists = profile.nearby
        shares = neighbourhood_shares(self._bundle.n_anime, nearest.similarities, lists.seen(self._bundle))
        reranked = self._reranker.rerank(user_list, shares, allowed)
        return Scoring(
            reranked.scores,
            lambda rows: self._reranker.weights.contributions(user_list.support, np.array(rows, dtype=np.int64)),
            partial(self._words.explain, reranked, user_list),
        )


class WeightedNeighboursMethod:
    """What the most similar users have seen, each with a fitted weight."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._regression = NeighbourRegression(bundle.popularity)

    def score(self, profile: UserProfile, allowed: Mask) -> Scoring:
        """Score every anime by who has seen it; what none has seen, or counts against, is left out."""
        del allowed
        support = profile.user_list.support
        theirs = seen_lists_of_users(self._bundle, profile.neighbours(N_WEIGHTED_NEIGHBOURS).rows)
        fitted = self._regression.fit(support, theirs)
        return Scoring(
            fitted.scores,
            lambda rows: fitted.contributions(support, np.array(rows, dtype=np.int64)),
            positive_only=True,
        )


class TopQuarterMethod:
    """What the most similar users hold in the top quarter of their ratings: the notebook's rule."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def score(self, profile: UserProfile, allowed: Mask) -> Scoring:
        """Score every anime by who supports it; what none supports is left out."""
        del allowed
        nearest = profile.neighbours(N_NEIGHBOURS)
        lists = [list_of_user(self._bundle, row) for row in nearest.rows.tolist()]
        support = score_by_neighbours(self._bundle.n_anime, nearest.similarities, lists)
        return Scoring(support.scores, partial(self._contributions, profile, support), positive_only=True)

    def _contributions(self, profile: UserProfile, support: NeighbourScores, anime_rows: list[int]) -> Contributions:
        """Share a score out among the user's anime.

        A supporter adds their weight to the score, and their similarity is the product of two embeddings, of which
        the user's is a sum over the list. So weight over similarity, times the supporter's embedding, summed over
        the supporters, is a direction whose product with the user's embedding is the score.
        """
        neighbours = profile.neighbours(N_NEIGHBOURS)
        similarities = neighbours.similarities
        factors = np.divide(support.weights, similarities, out=np.zeros_like(similarities), where=similarities > 0)
        holds = np.zeros((len(anime_rows), len(factors)), dtype=np.float32)
        for place, who in enumerate(support.supporters_of(anime_rows)):
            holds[place, who] = factors[who]
        # Shape: (n_page, n_neighbours) @ (n_neighbours, embedding_size)
        directions = holds @ self._bundle.user_embeddings[neighbours.rows]
        return list_contributions(self._bundle.list_embeddings, profile.user_list.support, directions.T).T


class PopularMethod:
    """Well-rated anime that many have seen, the same for all users: for lists without evidence."""

    def __init__(self, bundle: Bundle) -> None:
        self._scores = popular_scores(bundle.popularity, bundle.mean_scores)

    def score(self, profile: UserProfile, allowed: Mask) -> Scoring:
        """Give the scores; nothing on the list contributes to them."""
        del allowed
        n_support = len(profile.user_list.support.rows)
        return Scoring(self._scores, lambda rows: np.zeros((len(rows), n_support), dtype=np.float32))


def make_methods(bundle: Bundle, catalogue: Catalogue) -> dict[MethodKey, Method]:
    """Make every method of a model, by name and rule; the rule is None for methods that have but one."""
    methods: dict[MethodKey, Method] = {
        ("embedding", None): EmbeddingMethod(bundle),
        ("neighbours", "weighted"): WeightedNeighboursMethod(bundle),
        ("neighbours", "top-quarter"): TopQuarterMethod(bundle),
        ("popular", None): PopularMethod(bundle),
    }
    reranker = reranker_of(bundle)
    if bundle.item_weight_rows.shape[1]:
        # One and the same for both stages: they keep a copy by supporting anime.
        methods["items", None] = ItemsMethod(weights_of(bundle) if reranker is None else reranker.weights)
    if reranker is not None:
        methods["ranked", None] = RankedMethod(bundle, catalogue, reranker)
    return methods
