"""iALS, by the library ``implicit``: an optional extra (``pip install osusume[benchmark]``).

References
----------
Hu, Koren, Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008.
Rendle et al., "Revisiting the Performance of iALS on Item Recommendation Benchmarks", RecSys 2022.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from models.scoring.user_list import UserList
from training.embeddings.trained import unit_rows
from training.evaluation.scorers import CosineScorer, Scores, lists_matrix
from training.lists.interactions import Interactions


@dataclass(frozen=True)
class IalsConfig:
    """Settings of iALS, in the library's terms."""

    # Tuned on validation users: docs/benchmark.md.
    factors: int = 512  # width of the embeddings
    regularization: float = 30.0
    alpha: float = 4.0  # weight of what was seen; the rest weighs 1
    iterations: int = 15
    seed: int = 0


@dataclass
class IalsScorer(CosineScorer):
    """Dot products of factors; those of a list are solved for, as the library folds users in."""

    model: Any
    threads: ThreadpoolController
    name: str = "iALS"

    def score_list(self, user_row: int, known: UserList) -> Scores:
        """Fold the list in and score."""
        scores: Scores = self.score_lists(np.array([user_row]), [known])[0]
        return scores

    def score_lists(self, user_rows: NDArray[np.int64], inputs: Sequence[UserList]) -> Scores:
        """Fold the lists in and score."""
        matrix = lists_matrix(inputs, len(self.anime_embeddings))
        with self.threads.limit(limits=1, user_api="blas"):
            factors = self.model.recalculate_user(user_rows, matrix)
        scores: Scores = factors @ self.model.item_factors.T
        return scores


def fit_ials(train: Interactions, config: IalsConfig | None = None) -> IalsScorer:
    """Fit iALS; an ImportError if the library is not installed."""
    from implicit.cpu.als import AlternatingLeastSquares  # noqa: PLC0415 - optional

    config = config or IalsConfig()
    # The library runs one thread per core itself and warns of a BLAS that does too.
    threads = ThreadpoolController()
    with threads.limit(limits=1, user_api="blas"):
        model = AlternatingLeastSquares(
            factors=config.factors,
            regularization=config.regularization,
            alpha=config.alpha,
            iterations=config.iterations,
            random_state=config.seed,
        )
        model.fit(train.seen_matrix(), show_progress=False)
    return IalsScorer(unit_rows(model.item_factors), model, threads)
