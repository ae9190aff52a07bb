"""One interface for everything that is evaluated: lists in, a score for every anime out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from models.scoring.embedding import cosine_scores, embed_list, list_scores
from models.scoring.neighbours import (
    DEFAULT_RULE,
    N_NEIGHBOURS_OF_RULE,
    NeighbourRegression,
    NeighbourRule,
    score_by_neighbours,
)
from models.scoring.user_list import SeenLists, UserList
from training.embeddings.trained import TrainedNetwork
from training.lists.interactions import Interactions
from training.similar_users.embed import embed_users
from training.similar_users.list_neighbours import ListNeighbours

Rows = NDArray[np.int32]
Scores = NDArray[np.float32]
Generalisation = Literal["strong", "weak"]


class Scorer:
    """Scores all anime for a list, for an anime, or both; returns None for what it cannot score."""

    name: str
    # "weak": the model has a row for the user, learned from the input part of the list.
    generalisation: Generalisation = "strong"

    def score_list(self, _user_row: int, _known: UserList, /) -> Scores | None:
        """Score all anime for the known part of a user's list; only weak scorers may use the user's row."""
        return None

    def score_lists(
        self, user_rows: NDArray[np.int64], inputs: Sequence[UserList]
    ) -> Sequence[Scores | None] | Scores:
        """Score all anime for many users, with the same results as one by one."""
        return [self.score_list(user_row, known) for user_row, known in zip(user_rows.tolist(), inputs, strict=True)]

    def score_similar(self, _anime_row: int, /) -> Scores | None:
        """Score all anime by their similarity to one."""
        return None


@dataclass
class PopularityScorer(Scorer):
    """Scores an anime by the number of lists that hold it."""

    popularity: NDArray[np.integer]
    name: str = "popularity"

    def score_list(self, _user_row: int, _known: UserList) -> Scores:
        """Score by popularity."""
        return self.popularity.astype(np.float32)

    def score_similar(self, _anime_row: int) -> Scores:
        """Score by popularity."""
        return self.popularity.astype(np.float32)


@dataclass
class CosineScorer(Scorer):
    """Similar anime by the cosine of embeddings; subclasses score lists."""

    anime_embeddings: NDArray[np.float32]

    def score_similar(self, anime_row: int) -> Scores:
        """Score by the cosine to the anime."""
        return cosine_scores(self.anime_embeddings, self.anime_embeddings[anime_row])


@dataclass
class EmbeddingScorer(CosineScorer):
    """Cosine of embeddings times the gains, as in the service."""

    list_embeddings: NDArray[np.float32]
    anime_gains: NDArray[np.float32]
    name: str = "autoencoder, embedding"

    def score_list(self, _user_row: int, known: UserList) -> Scores:
        """Score by the embedded list."""
        return list_scores(self.anime_embeddings, self.anime_gains, embed_list(self.list_embeddings, known.seen_rows))


@dataclass
class NeighboursScorer(CosineScorer):
    """What the nearest training users have seen or rate highly, as in the service."""

    nearest: ListNeighbours
    name: str = "autoencoder, neighbours"
    rule: NeighbourRule = DEFAULT_RULE

    def __post_init__(self) -> None:
        self._regression = regression_of_train(self.nearest.train)

    def score_list(self, _user_row: int, known: UserList) -> Scores:
        """Score by neighbours; anime without any are left out of the ranking, as in the service."""
        seen_rows = known.seen_rows
        lists, similarities = self.nearest.lists_near(seen_rows, N_NEIGHBOURS_OF_RULE[self.rule])
        if self.rule == "weighted":
            scores = self._regression.fit(seen_rows, SeenLists.of([theirs.seen_rows for theirs in lists])).scores
        else:
            scores = score_by_neighbours(len(self.anime_embeddings), similarities, lists).scores
        return np.where(scores > 0.0, scores, np.float32(-np.inf))


@dataclass
class RatingNetworkScorer(CosineScorer):
    """The rating network: the rating it predicts rises with the cosine."""

    user_embeddings: NDArray[np.float32]
    name: str = "rating network (notebook)"
    generalisation: Generalisation = "weak"

    def score_list(self, user_row: int, _known: UserList) -> Scores:
        """Order by predicted rating."""
        return cosine_scores(self.anime_embeddings, self.user_embeddings[user_row])


def regression_of_train(train: Interactions) -> NeighbourRegression:
    """Make the regression on neighbours from the training lists."""
    return NeighbourRegression(train.popularity())


def list_neighbours(network: TrainedNetwork, train: Interactions) -> ListNeighbours:
    """Make the search for the nearest training users by a network's embeddings."""
    return ListNeighbours(network.list_embeddings, embed_users(network.list_embeddings, train), train)


def lists_matrix(lists: Sequence[UserList], n_anime: int) -> sp.csr_matrix:
    """Make a binary matrix of shape (n, n_anime) of what is seen on lists."""
    seen = SeenLists.of([known.seen_rows for known in lists])
    ones = np.ones(len(seen.rows), dtype=np.float32)
    return sp.csr_matrix((ones, seen.rows, seen.ends), shape=(len(lists), n_anime))
