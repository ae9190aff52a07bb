"""The rows of the leaderboard: one factory per row. A new method is one function and one line in METHODS."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from training.baselines.ease import fit_ease, fit_edlae
from training.baselines.ials import fit_ials
from training.baselines.item_knn import fit_item_knn
from training.baselines.random import RandomScorer
from training.baselines.user_knn import fit_user_knn
from training.benchmark.material import Material
from training.benchmark.sanity import make_oracle
from training.networks.trained import TrainedNetwork
from training.scorers import (
    EmbeddingScorer,
    ItemKnnScorer,
    NeighboursScorer,
    PopularityScorer,
    RatingNetworkScorer,
    Scorer,
    embed_users,
)
from training.train import train_network

Kind = Literal["sanity", "baseline", "ours"]


@dataclass(frozen=True)
class Method:
    """A row of the leaderboard.

    Attributes
    ----------
    name : str
        As tables show it.
    kind : {"sanity", "baseline", "ours"}
        ``"ours"`` are what the product serves; they are compared with the best of the baselines.
    build : callable
        Trains it. A function of a module, since it runs in a process of its own.
    source : str
        The paper, library or notebook it comes from.
    requires : str or None
        A package that may be missing; then the row is skipped, and the table says so.
    """

    name: str
    kind: Kind
    build: Callable[[Material], Scorer]
    source: str
    requires: str | None = None

    @property
    def is_available(self) -> bool:
        """Whether what it requires is installed."""
        return self.requires is None or importlib.util.find_spec(self.requires) is not None


def _random(material: Material) -> Scorer:
    return RandomScorer(material.split.train.n_anime)


def _oracle(material: Material) -> Scorer:
    return make_oracle(material.split, material.queries)


def _popularity(material: Material) -> Scorer:
    train = material.split.train
    return PopularityScorer(np.bincount(train.anime_rows[train.seen], minlength=train.n_anime))


def _item_knn(material: Material) -> Scorer:
    return ItemKnnScorer(fit_item_knn(material.split.train))


def _user_knn_seen(material: Material) -> Scorer:
    return fit_user_knn(material.split.train, "seen")


def _user_knn_top_quarter(material: Material) -> Scorer:
    return fit_user_knn(material.split.train, "top quarter")


def _rating_network(material: Material) -> Scorer:
    trained = train_network("rating", material.split, material.settings, None)
    if trained.user_embeddings is None:
        raise TypeError("the rating network has a row per user, but came without")
    return RatingNetworkScorer(trained.anime_embeddings, trained.user_embeddings)


def _ials(material: Material) -> Scorer:
    return fit_ials(material.split.train)


def _ease(material: Material) -> Scorer:
    return fit_ease(material.split.train)


def _edlae(material: Material) -> Scorer:
    return fit_edlae(material.split.train)


def _neighbours(material: Material) -> Scorer:
    trained, train = _autoencoder(material), material.split.train
    user_embeddings = embed_users(trained.list_embeddings, train)
    return NeighboursScorer(trained.anime_embeddings, trained.list_embeddings, user_embeddings, train)


def _embedding(material: Material) -> Scorer:
    trained = _autoencoder(material)
    return EmbeddingScorer(trained.anime_embeddings, trained.list_embeddings, trained.anime_gains)


def _autoencoder(material: Material) -> TrainedNetwork:
    return train_network("autoencoder", material.split, material.settings, None, material.prepared.catalogue)


METHODS: Final = (
    Method("oracle", "sanity", _oracle, "knows the targets; the ceiling"),
    Method("random", "sanity", _random, "chance; the floor"),
    Method("popularity", "baseline", _popularity, "how many training users have seen it"),
    Method("rating network (notebook)", "baseline", _rating_network, "the notebook's network, trained as there"),
    Method(
        "user kNN, top quarter (notebook)",
        "baseline",
        _user_knn_top_quarter,
        "what the 50 nearest users by raw cosine of lists rate at or above their 75th percentile",
    ),
    Method("item kNN (notebook)", "baseline", _item_knn, "cosine of rating vectors, 20 nearest anime"),
    Method("user kNN, all they saw", "baseline", _user_knn_seen, "the same 50 users, all they have seen"),
    Method(
        "iALS",
        "baseline",
        _ials,
        "library implicit, tuned; Hu et al., ICDM 2008, and Rendle et al., RecSys 2022",
        requires="implicit",
    ),
    Method("EASE", "baseline", _ease, "dense, tuned; Steck, WWW 2019"),
    Method("EDLAE", "baseline", _edlae, "dense, tuned; Steck, NeurIPS 2020"),
    # What the product serves. Append its next method here.
    Method("autoencoder, neighbours", "ours", _neighbours, "what the nearest users by embedding rate highly"),
    Method("autoencoder, embedding", "ours", _embedding, "cosine of embeddings; Vancura et al., RecSys 2022"),
)
