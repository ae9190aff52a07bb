"""Scores at random: the floor of every table."""

from dataclasses import dataclass

import numpy as np

from models.scoring.user_list import UserList
from training.evaluation.scorers import Scorer, Scores

_LISTS, _SIMILAR = 0, 1


@dataclass
class RandomScorer(Scorer):
    """Scores drawn at random, the same again for the same user or anime."""

    n_anime: int
    seed: int = 0
    name: str = "random"

    def score_list(self, user_row: int, _known: UserList) -> Scores:
        """Draw for a user."""
        return self._draw(_LISTS, user_row)

    def score_similar(self, anime_row: int) -> Scores:
        """Draw for an anime."""
        return self._draw(_SIMILAR, anime_row)

    def _draw(self, question: int, row: int) -> Scores:
        return np.random.default_rng([self.seed, question, row]).random(self.n_anime, dtype=np.float32)
