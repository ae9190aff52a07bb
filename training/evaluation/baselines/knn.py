"""The notebooks' baselines: item kNN by the cosine of rating vectors, user kNN by the cosine of lists."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from models.scoring.neighbours import N_NEIGHBOURS, score_by_neighbours
from models.scoring.ranking import top_k_rows
from models.scoring.user_list import UserList
from training.evaluation.scorers import Rows, Scorer, Scores
from training.lists.interactions import Interactions
from training.similar_anime.item_cosines import find_item_cosines

Rule = Literal["seen", "top quarter"]
_N_NEAREST_ANIME: Final = 20


@dataclass
class ItemKnnScorer(Scorer):
    """Item kNN: the sum of the cosines to the list."""

    neighbours: sp.csr_matrix
    name: str = "item kNN, cosine of ratings"

    def score_list(self, _user_row: int, known: UserList) -> Scores:
        """Sum the cosines."""
        return np.asarray(self.neighbours[known.seen_rows].sum(axis=0), dtype=np.float32).ravel()

    def score_similar(self, anime_row: int) -> Scores:
        """Return the cosines."""
        return np.asarray(self.neighbours[anime_row].toarray(), dtype=np.float32).ravel()


def fit_item_knn(train: Interactions, n_neighbours: int = _N_NEAREST_ANIME) -> sp.csr_matrix:
    """Return the cosines of every anime with its nearest, shape (n_anime, n_anime); unrated entries count as 0."""
    found = find_item_cosines(train, n_neighbours)
    ends = np.arange(train.n_anime + 1) * found.rows.shape[1]
    return sp.csr_matrix((found.scores.ravel(), found.rows.ravel(), ends), shape=(train.n_anime, train.n_anime))


@dataclass
class UserKnnScorer(Scorer):
    """The nearest training users by the cosine of binary lists, each weighted by it."""

    train: Interactions
    seen: sp.csr_matrix  # the binary lists
    norms: NDArray[np.float32]  # of the rows of `seen`; 1 where a list is empty
    rule: Rule  # all that a neighbour has seen, or what they rate at or above their 75th percentile
    n_neighbours: int = N_NEIGHBOURS
    name: str = "user kNN"

    def score_list(self, _user_row: int, known: UserList) -> Scores:
        """Sum the weights of the neighbours of each anime."""
        similarities = self._similarities(known.seen_rows)
        nearest = top_k_rows(similarities, self.n_neighbours)
        weights = similarities[nearest]
        if self.rule == "seen":
            scores: Scores = self.seen[nearest].T @ weights
            return scores
        lists = [self.train.list_of(int(row)) for row in nearest]
        return score_by_neighbours(self.train.n_anime, weights, lists).scores

    def _similarities(self, input_rows: Rows) -> Scores:
        known = np.zeros(self.train.n_anime, dtype=np.float32)
        known[input_rows] = 1.0
        # The query's own length changes no order, but keeps similarities in [0, 1].
        lengths = self.norms * np.float32(max(1, len(input_rows)) ** 0.5)
        return np.asarray((self.seen @ known) / lengths, dtype=np.float32)


def fit_user_knn(train: Interactions, rule: Rule, n_neighbours: int = N_NEIGHBOURS) -> UserKnnScorer:
    """Prepare the search."""
    seen = train.seen_matrix()
    lengths = np.diff(seen.indptr)
    name = f"user kNN, {'all they saw' if rule == 'seen' else 'top quarter (notebook)'}"
    return UserKnnScorer(train, seen, np.sqrt(np.maximum(lengths, 1)).astype(np.float32), rule, n_neighbours, name)
