"""The methods of recommending. A new one is a class like :class:`Method`, and an entry in :func:`make_methods`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.scoring.embedding import list_contributions, list_scores
from models.scoring.neighbours import (
    N_NEIGHBOURS_OF_RULE,
    NeighbourRule,
    NeighbourScores,
    popularity_discounts,
    score_by_neighbours,
    score_by_weighted_neighbours,
)
from service.query import MethodName
from service.viewer import Viewer

Scores = NDArray[np.float32]
# Shape: (n_page, n_seen)
Contributions = NDArray[np.float32]
MethodKey = tuple[MethodName, NeighbourRule | None]

# A mean score counts in full from this many times the typical popularity on; below, it is drawn to the overall mean.
_TRUSTED_POPULARITY_QUANTILE: Final = 0.9


def no_notes(anime_rows: list[int]) -> list[list[str]]:
    """Say nothing about any anime.

    Parameters
    ----------
    anime_rows : list of int

    Returns
    -------
    list of list of str
        One empty list per anime.
    """
    return [[] for _ in anime_rows]


@dataclass(frozen=True)
class Scoring:
    """The scores of every anime for one viewer, and how to explain those of a page.

    Attributes
    ----------
    scores : ndarray of shape (n_anime,), dtype=float32
    contributions : callable
        From the rows of a page to an ndarray of shape (n_page, n_seen): what each of the viewer's seen anime, in
        their order, adds to the score.
    notes : callable
        From the rows of a page to reasons in words, a list per row.
    positive_only : bool
        Whether an anime with a score of 0 is left out: the method has nothing to say of it.
    """

    scores: Scores
    contributions: Callable[[list[int]], Contributions]
    notes: Callable[[list[int]], list[list[str]]] = no_notes
    positive_only: bool = False


class Method(Protocol):
    """A way of scoring anime for a viewer."""

    def score(self, viewer: Viewer) -> Scoring:
        """Score every anime.

        Parameters
        ----------
        viewer : Viewer

        Returns
        -------
        Scoring
        """


class EmbeddingMethod:
    """The cosine of the viewer's embedding and the anime's, times the anime's gain.

    Parameters
    ----------
    bundle : Bundle
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def score(self, viewer: Viewer) -> Scoring:
        """Score every anime by its cosine and gain."""
        scores = list_scores(self._bundle.anime_embeddings, self._bundle.anime_gains, viewer.embedding)
        return Scoring(scores, partial(self._contributions, viewer))

    def _contributions(self, viewer: Viewer, anime_rows: list[int]) -> Contributions:
        directions = self._bundle.anime_embeddings[anime_rows] * self._bundle.anime_gains[anime_rows, None]
        return list_contributions(self._bundle.list_embeddings, viewer.user_list.seen_rows, directions.T).T


class NeighboursMethod:
    """What the most similar users have seen, or rate highly.

    Parameters
    ----------
    bundle : Bundle
    rule : {"weighted", "top-quarter"}
    """

    def __init__(self, bundle: Bundle, rule: NeighbourRule) -> None:
        self._bundle = bundle
        self._rule = rule
        self._k = N_NEIGHBOURS_OF_RULE[rule]
        weighted = rule == "weighted"
        self._discounts = (
            popularity_discounts(bundle.popularity) if weighted else np.ones(bundle.n_anime, dtype=np.float32)
        )

    def score(self, viewer: Viewer) -> Scoring:
        """Score every anime by who supports it; what nobody supports is left out."""
        similarities, lists = viewer.neighbours.similarities[: self._k], viewer.neighbour_lists[: self._k]
        if self._rule == "weighted":
            support = score_by_weighted_neighbours(self._discounts, similarities, lists)
        else:
            support = score_by_neighbours(self._bundle.n_anime, similarities, lists)
        return Scoring(support.scores, partial(self._contributions, viewer, support), positive_only=True)

    def _contributions(self, viewer: Viewer, support: NeighbourScores, anime_rows: list[int]) -> Contributions:
        """Share a score out among the viewer's anime.

        A supporter adds their weight to the score, and their similarity is the product of two embeddings, of which
        the viewer's is a sum over the list. So weight over similarity, times the supporter's embedding, summed over
        the supporters, is a direction whose product with the viewer's embedding is the score.
        """
        similarities = viewer.neighbours.similarities[: self._k]
        factors = np.divide(support.weights, similarities, out=np.zeros_like(similarities), where=similarities > 0)
        holds = np.zeros((len(anime_rows), len(factors)), dtype=np.float32)
        for place, who in enumerate(support.supporters_of_each(anime_rows)):
            holds[place, who] = factors[who] * self._discounts[anime_rows[place]]
        # Shape: (n_page, n_neighbours) @ (n_neighbours, embedding_size)
        directions = holds @ self._bundle.user_embeddings[viewer.neighbours.rows[: self._k]]
        return list_contributions(self._bundle.list_embeddings, viewer.user_list.seen_rows, directions.T).T


class PopularMethod:
    """The same for everybody: well-rated anime that many have seen. For lists that say nothing.

    The mean score, drawn to the mean of all scores where few have seen an anime, as a share of 10.

    Parameters
    ----------
    bundle : Bundle
    """

    def __init__(self, bundle: Bundle) -> None:
        popularity = bundle.popularity.astype(np.float64)
        scored = bundle.mean_scores > 0
        if scored.any():
            overall = float(bundle.mean_scores[scored].mean())
            trusted = max(float(np.quantile(popularity[scored], _TRUSTED_POPULARITY_QUANTILE)), 1.0)
        else:
            overall, trusted = 0.0, 1.0
        own = np.where(scored, bundle.mean_scores, overall)
        drawn = (popularity * own + trusted * overall) / (popularity + trusted)
        self._scores: Scores = (drawn / 10.0).astype(np.float32)

    def score(self, viewer: Viewer) -> Scoring:
        """Give the scores; nothing on anybody's list contributes to them."""
        n_seen = len(viewer.user_list.seen_rows)
        return Scoring(self._scores, lambda rows: np.zeros((len(rows), n_seen), dtype=np.float32))


def make_methods(bundle: Bundle) -> dict[MethodKey, Method]:
    """Make every method of a model.

    Parameters
    ----------
    bundle : Bundle

    Returns
    -------
    dict
        By method and rule; the rule is None for methods that have but one.
    """
    return {
        ("embedding", None): EmbeddingMethod(bundle),
        ("neighbours", "weighted"): NeighboursMethod(bundle, "weighted"),
        ("neighbours", "top-quarter"): NeighboursMethod(bundle, "top-quarter"),
        ("popular", None): PopularMethod(bundle),
    }
