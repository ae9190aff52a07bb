"""Scorers of the service's methods, computed by the functions that the service uses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.embedding import ranked_scores
from models.scoring.franchises import FranchiseOrder, rank_next_entries, rank_similar_franchises
from models.scoring.items import ItemWeights
from models.scoring.ranking import Cut, RankedPage
from models.scoring.reranker import Reranker
from models.scoring.user_list import UserList
from training.embeddings.trained import TrainedNetwork
from training.evaluation.baselines.knn import ItemKnnScorer, fit_item_knn
from training.evaluation.mirror import MirrorQuestions
from training.evaluation.scorers import (
    EmbeddingScorer,
    NeighboursScorer,
    PopularityScorer,
    RatingNetworkScorer,
    Scorer,
    Scores,
    list_neighbours,
)
from training.lists.prepared import Prepared
from training.lists.split import Split
from training.recommending.stage import RecommenderModel
from training.settings import RunSettings
from training.similar_anime.stage import SimilarAnimeModel
from training.similar_users.list_neighbours import ListNeighbours

# Names of the product's own rows in every table.
RANKED: Final = "ranked (two stages)"
ITEMS: Final = "items (first stage)"
COLLAPSED: Final = "ranked, one per franchise"
SIMILAR: Final = "similar anime, ranked"
SIMILAR_COLLAPSED: Final = "similar anime, ranked, one per franchise"


@dataclass
class ItemsScorer(Scorer):
    """The first stage alone: item weights."""

    weights: ItemWeights
    name: str = ITEMS

    def score_list(self, _user_row: int, known: UserList) -> Scores:
        """Sum the weights of the list."""
        return self.weights.score(known.seen_rows)

    def score_similar(self, anime_row: int) -> Scores:
        """Return the weights of the anime."""
        return self.weights.score(np.array([anime_row]))


@dataclass
class TwoStageScorer(Scorer):
    """Item weights propose candidates, a network re-ranks them."""

    reranker: Reranker
    nearest: ListNeighbours
    name: str = RANKED

    def __post_init__(self) -> None:
        # The collapsed ranking needs the same scores again.
        self._scored: dict[bytes, Scores] = {}

    def score_list(self, _user_row: int, known: UserList) -> Scores:
        """Re-rank the candidates of the known part of the list, ratings and statuses included."""
        key = known.anime_rows.tobytes() + known.ratings.tobytes() + known.statuses.tobytes()
        if key not in self._scored:
            self._scored[key] = self._score(known)
        return self._scored[key]

    def _score(self, known: UserList) -> Scores:
        unknown = np.ones(self.nearest.train.n_anime, dtype=bool)
        unknown[known.anime_rows] = False
        return self.reranker.rerank(known, self.nearest.shares(known.seen_rows), unknown).scores


@dataclass
class CollapsedScorer(Scorer):
    """Another scorer with one entry per franchise, as in the service by default."""

    scorer: Scorer
    franchises: FranchiseOrder
    name: str

    def score_list(self, user_row: int, known: UserList) -> Scores | None:
        """Rank franchises, each by the entry to watch next; all else is left out, and what follows a dislike."""
        scores = self.scorer.score_list(user_row, known)
        if scores is None:
            return None
        seen = np.zeros(len(scores), dtype=bool)
        seen[known.seen_rows] = True
        allowed = ~seen & ~self.franchises.after_disliked(known.liked_rows, known.disliked_rows)
        cut = Cut(0, len(scores), "most")
        return _scores_of(rank_next_entries(scores, allowed, self.franchises, seen, allowed, cut), len(scores))

    def score_similar(self, anime_row: int) -> Scores | None:
        """Rank other franchises, each by its first entry."""
        scores = self.scorer.score_similar(anime_row)
        if scores is None:
            return None
        everything, cut = np.ones(len(scores), dtype=bool), Cut(0, len(scores), "most")
        return _scores_of(rank_similar_franchises(scores, self.franchises, anime_row, everything, cut), len(scores))


def _scores_of(page: RankedPage, n_anime: int) -> Scores:
    scores = np.full(n_anime, -np.inf, dtype=np.float32)
    scores[page.rows] = page.scores
    return scores


@dataclass
class RankedSimilarScorer(Scorer):
    """Similar anime by their precomputed neighbours."""

    similar_rows: NDArray[np.int32]
    similar_scores: NDArray[np.float32]
    anime_embeddings: NDArray[np.float32]
    name: str = SIMILAR

    def score_similar(self, anime_row: int) -> Scores:
        """Score by the ranked neighbours, and below them by the cosine."""
        return ranked_scores(self.similar_rows, self.similar_scores, self.anime_embeddings, anime_row)


def list_scorers(
    prepared: Prepared, split: Split, nearest: ListNeighbours, recommender: RecommenderModel
) -> list[Scorer]:
    """Make scorers of the stages and of their collapsed ranking, as far as the recommender has them."""
    if not recommender.has_weights:
        return []
    scorers: list[Scorer] = [ItemsScorer(recommender.weights())]
    reranker = recommender.reranker(recommender.facts(split.train, prepared.catalogue))
    if reranker is not None:
        two_stages = TwoStageScorer(reranker, nearest)
        scorers += [two_stages, CollapsedScorer(two_stages, recommender.franchises(), COLLAPSED)]
    return scorers


def similar_scorers(
    similar: SimilarAnimeModel, network: TrainedNetwork, recommender: RecommenderModel
) -> list[Scorer]:
    """Make scorers of ranked similar anime, all and one per franchise; none if no neighbours were ranked."""
    if not similar.neighbours.rows.shape[1]:
        return []
    ranked = RankedSimilarScorer(similar.neighbours.rows, similar.neighbours.scores, network.anime_embeddings)
    return [ranked, CollapsedScorer(ranked, recommender.franchises(), SIMILAR_COLLAPSED)]


def make_scorers(
    prepared: Prepared,
    split: Split,
    trained: Sequence[TrainedNetwork],
    similar: SimilarAnimeModel,
    recommender: RecommenderModel,
    settings: RunSettings,
) -> list[Scorer]:
    """Make all scorers that a run measures; the published network comes first in `trained`."""
    scorers: list[Scorer] = [PopularityScorer(split.popularity())]
    if settings.compares(len(prepared.interactions.anime_rows)):
        scorers.append(ItemKnnScorer(fit_item_knn(split.train)))
    if settings.only == "embeddings":
        return [*scorers, _embedding_scorer(trained[0])]
    published = list_neighbours(trained[0], split.train)
    mirror = MirrorQuestions.of(split.whole, split.test_user_rows)
    published.find([*split.inputs, *(known.seen_rows for known in (*mirror.as_is, *mirror.loved))])
    for network in sorted(trained, key=lambda network: network.network, reverse=True):
        scorers.extend(_network_scorers(network, split, published if network is trained[0] else None))
    return [
        *scorers,
        *similar_scorers(similar, trained[0], recommender),
        *list_scorers(prepared, split, published, recommender),
    ]


def _network_scorers(trained: TrainedNetwork, split: Split, nearest: ListNeighbours | None) -> list[Scorer]:
    anime_embeddings = trained.anime_embeddings
    if trained.user_embeddings is not None:
        return [RatingNetworkScorer(anime_embeddings, trained.user_embeddings)]
    nearest = nearest or list_neighbours(trained, split.train)
    by_notebook = f"{trained.network}, neighbours' top quarter (notebook)"
    return [
        NeighboursScorer(anime_embeddings, nearest, by_notebook, rule="top-quarter"),
        NeighboursScorer(anime_embeddings, nearest, f"{trained.network}, neighbours"),
        _embedding_scorer(trained),
    ]


def _embedding_scorer(trained: TrainedNetwork) -> EmbeddingScorer:
    name = f"{trained.network}, embedding"
    return EmbeddingScorer(trained.anime_embeddings, trained.list_embeddings, trained.anime_gains, name)
