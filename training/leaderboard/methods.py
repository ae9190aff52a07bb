"""The rows of the leaderboard, and what they may learn from. A new method is one function and one line in METHODS."""

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, Literal

from models.scoring.neighbours import NeighbourRule
from training.embeddings.content import read_content
from training.embeddings.stage import AutoencoderInput, train_network
from training.embeddings.trained import TrainedNetwork, load_trained, save_trained
from training.evaluation.baselines.ease import fit_ease, fit_edlae
from training.evaluation.baselines.ials import fit_ials
from training.evaluation.baselines.knn import ItemKnnScorer, fit_item_knn, fit_user_knn
from training.evaluation.baselines.random import RandomScorer
from training.evaluation.scorers import (
    EmbeddingScorer,
    NeighboursScorer,
    PopularityScorer,
    RatingNetworkScorer,
    Scorer,
    list_neighbours,
)
from training.evaluation.served_scorers import (
    COLLAPSED,
    ITEMS,
    RANKED,
    SIMILAR,
    SIMILAR_COLLAPSED,
    list_scorers,
    similar_scorers,
)
from training.franchises.new_anime import all_franchise_arrays
from training.item_weights.co_counts import co_counts
from training.item_weights.fit import fit_item_weights, invert_popular
from training.leaderboard.sanity import make_oracle
from training.lists.interactions import Interactions
from training.lists.prepared import Prepared, load_prepared
from training.lists.split import Split, split_interactions
from training.recommending.stage import FOLDER as RECOMMENDER
from training.recommending.stage import RecommenderModel, fit_recommender_model, load_recommender, save_recommender
from training.settings import RunSettings
from training.similar_anime.stage import FOLDER as SIMILAR_FOLDER
from training.similar_anime.stage import SimilarAnimeModel, fit_similar_anime, load_similar_anime, save_similar_anime
from training.similar_anime.truth import SimilarQuery, read_queries

Kind = Literal["sanity", "baseline", "ours"]


@dataclass(frozen=True)
class Material:
    """The prepared dump, split, and the queries."""

    prepared: Prepared  # a method learns from `split.train` only
    split: Split
    queries: list[SimilarQuery]  # a method learns from those that `may_choose` only
    settings: RunSettings
    work: Path  # for models that methods share

    @property
    def measuring_queries(self) -> Sequence[SimilarQuery]:
        """Queries for similar anime that measure."""
        return [query for query in self.queries if not query.may_choose]


def load_material(work: Path, settings: RunSettings) -> Material:
    """Read what the prepare stage left and split it."""
    prepared = load_prepared(work / "prepared")
    split = split_interactions(prepared.interactions, settings.split_seed, settings.test_fold)
    return Material(prepared, split, read_queries(prepared), settings, work)


@dataclass(frozen=True)
class Method:
    """A row of the leaderboard."""

    name: str
    kind: Kind  # "ours" are what the product serves; compared with the best baseline
    build: Callable[[Material], Scorer]  # trains it; can be pickled, since it runs in a process of its own
    source: str  # the paper, library or notebook
    requires: str | None = None  # a package; without it the row is skipped

    @property
    def is_available(self) -> bool:
        """Whether what it requires is installed."""
        return self.requires is None or importlib.util.find_spec(self.requires) is not None


def _on_lists(material: Material, fit: Callable[[Interactions], Scorer]) -> Scorer:
    return fit(material.split.train)


def _random(material: Material) -> Scorer:
    return RandomScorer(material.split.train.n_anime)


def _oracle(material: Material) -> Scorer:
    return make_oracle(material.split, material.queries)


def _popularity(material: Material) -> Scorer:
    return PopularityScorer(material.split.popularity())


def _item_knn(material: Material) -> Scorer:
    return ItemKnnScorer(fit_item_knn(material.split.train))


def _rating_network(material: Material) -> Scorer:
    trained = train_network("rating", material.split, material.settings, None)
    if trained.user_embeddings is None:
        raise TypeError("the rating network has a row per user, but came without")
    return RatingNetworkScorer(trained.anime_embeddings, trained.user_embeddings)


def _embedding(material: Material) -> Scorer:
    trained = _autoencoder(material)
    return EmbeddingScorer(trained.anime_embeddings, trained.list_embeddings, trained.anime_gains)


def _neighbours(material: Material, rule: NeighbourRule) -> Scorer:
    trained = _autoencoder(material)
    return NeighboursScorer(trained.anime_embeddings, list_neighbours(trained, material.split.train), rule=rule)


def _served(material: Material, name: str) -> Scorer:
    """Return a scorer of the product, trained as `run` trains it; rows share models that an earlier one trained."""
    network, recommender = _autoencoder(material), _recommender(material)
    if name in {SIMILAR, SIMILAR_COLLAPSED}:
        scorers = similar_scorers(_similar_model(material), network, recommender)
    else:
        nearest = list_neighbours(network, material.split.train)
        scorers = list_scorers(material.prepared, material.split, nearest, recommender)
    return next(scorer for scorer in scorers if scorer.name == name)


def _recommender(material: Material) -> RecommenderModel:
    path = material.work / "trained" / RECOMMENDER
    if not path.exists():
        train, network = material.split.train, _autoencoder(material)
        counts, items = co_counts(train), material.settings.items
        weights = fit_item_weights(counts, invert_popular(counts, items), items)
        franchises = all_franchise_arrays(train, material.prepared)
        model = fit_recommender_model(
            material.prepared, train, network, counts, weights, franchises, material.settings
        )
        save_recommender(path, model)
    return load_recommender(path)


def _similar_model(material: Material) -> SimilarAnimeModel:
    path = material.work / "trained" / SIMILAR_FOLDER
    if not path.exists():
        train, embeddings = material.split.train, _autoencoder(material).anime_embeddings
        queries = read_queries(material.prepared, min_votes=1, min_pairs=1)
        model = fit_similar_anime(material.prepared, train, embeddings, queries, material.settings.model_dump())
        save_similar_anime(path, model)
    return load_similar_anime(path)


def _autoencoder(material: Material) -> TrainedNetwork:
    path = material.work / "trained" / "autoencoder"
    if not path.exists():
        content = read_content(material.prepared.catalogue)
        given = AutoencoderInput(material.split.train, content=content)
        trained = train_network("autoencoder", material.split, material.settings, None, given)
        save_trained(path, replace(trained, prepared_digest=material.prepared.digest))
    return load_trained(path)


METHODS: Final = (
    Method("oracle", "sanity", _oracle, "knows the targets; the ceiling"),
    Method("random", "sanity", _random, "chance; the floor"),
    Method("popularity", "baseline", _popularity, "how many training users have seen it"),
    Method("rating network (notebook)", "baseline", _rating_network, "the notebook's network, trained as there"),
    Method(
        "user kNN, top quarter (notebook)",
        "baseline",
        partial(_on_lists, fit=partial(fit_user_knn, rule="top quarter")),
        "what the 50 nearest users by raw cosine of lists rate at or above their 75th percentile",
    ),
    Method("item kNN (notebook)", "baseline", _item_knn, "cosine of rating vectors, 20 nearest anime"),
    Method(
        "user kNN, all they saw",
        "baseline",
        partial(_on_lists, fit=partial(fit_user_knn, rule="seen")),
        "the same 50 users, all they have seen",
    ),
    Method(
        "iALS",
        "baseline",
        partial(_on_lists, fit=fit_ials),
        "library implicit, tuned; Hu et al., ICDM 2008, and Rendle et al., RecSys 2022",
        requires="implicit",
    ),
    Method("EASE", "baseline", partial(_on_lists, fit=fit_ease), "dense, tuned; Steck, WWW 2019"),
    Method("EDLAE", "baseline", partial(_on_lists, fit=fit_edlae), "dense, tuned; Steck, NeurIPS 2020"),
    # What the product serves. Append its next method here.
    Method("autoencoder, embedding", "ours", _embedding, "128 wide, distilled from EDLAE; all ours share it"),
    Method(
        "neighbours, top quarter",
        "ours",
        partial(_neighbours, rule="top-quarter"),
        "the notebook's rule on the 50 nearest by embedding",
    ),
    Method(
        "neighbours",
        "ours",
        partial(_neighbours, rule="weighted"),
        "the 200 nearest users by embedding, with fitted weights",
    ),
    Method(
        RANKED,
        "ours",
        partial(_served, name=RANKED),
        "item weights propose, a network re-ranks; the default of recommendations",
    ),
    Method(COLLAPSED, "ours", partial(_served, name=COLLAPSED), "the same with collapse_franchise=true, the default"),
    Method(ITEMS, "ours", partial(_served, name=ITEMS), "sparse item weights alone"),
    Method(
        SIMILAR, "ours", partial(_served, name=SIMILAR), "a network over pair features; the default of similar anime"
    ),
    Method(
        SIMILAR_COLLAPSED,
        "ours",
        partial(_served, name=SIMILAR_COLLAPSED),
        "the same with collapse_franchise=true, the default",
    ),
)
