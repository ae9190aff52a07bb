"""What `evaluate` measures: everything that is served, beside the baselines."""

from collections.abc import Sequence

from training.embeddings.trained import TrainedNetwork
from training.evaluation.baselines.item_knn import fit_item_knn
from training.evaluation.scorers import (
    EmbeddingScorer,
    ItemKnnScorer,
    NeighboursScorer,
    PopularityScorer,
    RatingNetworkScorer,
    Scorer,
    list_neighbours,
)
from training.evaluation.served_scorers import list_scorers, similar_scorers
from training.lists.prepared import Prepared
from training.lists.split import Split
from training.recommending.stage import RecommenderModel
from training.settings import RunSettings
from training.similar_anime.stage import SimilarAnimeModel
from training.similar_users.list_neighbours import ListNeighbours


def make_scorers(
    prepared: Prepared,
    split: Split,
    trained: Sequence[TrainedNetwork],
    similar: SimilarAnimeModel,
    recommender: RecommenderModel,
    settings: RunSettings,
) -> list[Scorer]:
    """Make a scorer of everything that a run measures.

    Parameters
    ----------
    prepared : Prepared
    split : Split
    trained : sequence of TrainedNetwork
        The published one first.
    similar : SimilarAnimeModel
    recommender : RecommenderModel
    settings : RunSettings
    """
    scorers: list[Scorer] = [PopularityScorer(split.popularity())]
    if settings.compares(len(prepared.interactions.anime_rows)):
        scorers.append(ItemKnnScorer(fit_item_knn(split.train)))
    if settings.only == "embeddings":
        return [*scorers, _embedding_scorer(trained[0])]
    published = list_neighbours(trained[0], split.train)
    published.find(split.inputs)
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
