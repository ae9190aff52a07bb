"""The second stage of recommending: a small network orders what item weights propose.

It was learned offline, from lists with a part hidden (:mod:`training.reranking`), and is applied here with numpy.

References
----------
Covington et al., "Deep Neural Networks for YouTube Recommendations", RecSys 2016: candidates first, then a network
that ranks them by many features.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.anime_facts import FACTS, AnimeFacts
from models.scoring.evidence import EVIDENCE, weigh_evidence
from models.scoring.items import ItemWeights
from models.scoring.list_features import LIST_FEATURES, RELATION_FEATURES, ListSignals
from models.scoring.neighbours import SIMILARITY_POWER
from models.scoring.top_k import top_k_rows
from models.scoring.user_list import UserList

Matrix = NDArray[np.float32]
Vector = NDArray[np.float32]

N_CANDIDATES: Final = 400
# How many of the nearest users are asked what they have seen: the few nearest, and a wider circle.
CIRCLES: Final = (25, 100)
FEATURES: Final = (
    *EVIDENCE,
    *(f"log share of the {k} nearest users" for k in CIRCLES),
    *RELATION_FEATURES,
    *FACTS,
    *LIST_FEATURES,
)
# Standard deviations; what lies further out is rare, and a network should not be led there.
_MAX_DEVIATION: Final = 5.0
_LEAST_SHARE: Final = 0.003


@dataclass(frozen=True)
class RerankingNetwork:
    """Some small networks with the same inputs, whose outputs are averaged.

    Attributes
    ----------
    scales : ndarray of shape (2, n_features), dtype=float32
        Mean and standard deviation of each feature, as learned.
    first : ndarray of shape (n_networks, n_features + 1, n_first), dtype=float32
    second : ndarray of shape (n_networks, n_first + 1, n_second), dtype=float32
    last : ndarray of shape (n_networks, n_second + 1), dtype=float32
        The last row of each layer is its bias.
    """

    scales: Matrix
    first: NDArray[np.float32]
    second: NDArray[np.float32]
    last: NDArray[np.float32]

    def standardise(self, features: Matrix) -> Matrix:
        """Scale features as the networks want them.

        Parameters
        ----------
        features : ndarray of shape (m, n_features), dtype=float32

        Returns
        -------
        ndarray of shape (m, n_features), dtype=float32
            0 is the mean of a feature.
        """
        scaled: Matrix = np.clip((features - self.scales[0]) / self.scales[1], -_MAX_DEVIATION, _MAX_DEVIATION)
        return scaled

    def logits(self, standardised: Matrix) -> Vector:
        """Tell how likely each row is to be what was hidden.

        Parameters
        ----------
        standardised : ndarray of shape (m, n_features), dtype=float32
            From :meth:`standardise`.

        Returns
        -------
        ndarray of shape (m,), dtype=float32
            Log odds; higher is better.
        """
        total = np.zeros(len(standardised), dtype=np.float32)
        for first, second, last in zip(self.first, self.second, self.last, strict=True):
            hidden = np.maximum(standardised @ first[:-1] + first[-1], 0.0)  # (m, n_first)
            hidden = np.maximum(hidden @ second[:-1] + second[-1], 0.0)  # (m, n_second)
            total += hidden @ last[:-1] + last[-1]
        return total / np.float32(len(self.first))


@dataclass(frozen=True)
class RerankedList:
    """All anime scored for one list, and what the best of them were scored by.

    Attributes
    ----------
    scores : ndarray of shape (n_anime,), dtype=float32
        In (0, 1). For candidates how likely it is that they are on the list but hidden; everything else lies below
        them, in the order of the item weights.
    places : ndarray of shape (n_anime,), dtype=int64
        Place of each anime among the candidates, -1 for what is none.
    features : ndarray of shape (n_candidates, n_features), dtype=float32
        Standardised.
    """

    scores: Vector
    places: NDArray[np.int64]
    features: Matrix


class Reranker:
    """Scores anime for lists in two stages.

    Parameters
    ----------
    facts : AnimeFacts
    weights : ItemWeights
    network : RerankingNetwork
    """

    def __init__(self, facts: AnimeFacts, weights: ItemWeights, network: RerankingNetwork) -> None:
        self.facts = facts
        self.weights = weights
        self.network = network

    def rerank(self, user_list: UserList, neighbour_shares: Matrix, allowed: NDArray[np.bool_]) -> RerankedList:
        """Score every anime for a list.

        Parameters
        ----------
        user_list : UserList
        neighbour_shares : ndarray of shape (n_anime, len(CIRCLES)), dtype=float32
            From :func:`shares_of_circles`.
        allowed : ndarray of shape (n_anime,), dtype=bool
            What may be recommended. Candidates are taken among these, so that filters never empty a page.

        Returns
        -------
        RerankedList
        """
        signals = ListSignals(self.facts, user_list)
        first_stage = self.weights.score(signals.rows)
        candidates = top_k_rows(first_stage, N_CANDIDATES, allowed=allowed)
        features = self.network.standardise(
            candidate_features(self.facts, self.weights, signals, candidates, neighbour_shares[candidates])
        )
        likely = sigmoid(self.network.logits(features))
        least = likely.min() if len(likely) else np.float32(1.0)
        # What the first stage does not propose stays behind, in its order.
        scores = least * np.float32(0.999) * sigmoid(first_stage)
        scores[candidates] = likely
        places = np.full(len(scores), -1, dtype=np.int64)
        places[candidates] = np.arange(len(candidates))
        return RerankedList(scores, places, features)

    def effects(self, features: Matrix, groups: Mapping[str, Sequence[int]]) -> dict[str, Vector]:
        """Tell how much groups of features moved some candidates.

        Parameters
        ----------
        features : ndarray of shape (m, n_features), dtype=float32
            Standardised.
        groups : mapping of str to sequence of int
            Columns of each group.

        Returns
        -------
        dict of str to ndarray of shape (m,), dtype=float32
            How much lower the log odds would be with these features at their mean.
        """
        whole = self.network.logits(features)
        moved = {}
        for name, columns in groups.items():
            without = features.copy()
            without[:, columns] = 0.0
            moved[name] = whole - self.network.logits(without)
        return moved


def candidate_features(
    facts: AnimeFacts,
    weights: ItemWeights,
    signals: ListSignals,
    candidates: NDArray[np.integer],
    neighbour_shares: Matrix,
) -> Matrix:
    """Put together the features of a list and its candidates.

    Parameters
    ----------
    facts : AnimeFacts
    weights : ItemWeights
    signals : ListSignals
    candidates : ndarray of shape (m,), dtype=integer
    neighbour_shares : ndarray of shape (m, len(CIRCLES)), dtype=float32

    Returns
    -------
    ndarray of shape (m, len(FEATURES)), dtype=float32
    """
    speakers = weights.rows[candidates]  # (m, n_weights)
    evidence = weigh_evidence(
        weights.values[candidates],
        weights.cosines[candidates],
        signals.seen[speakers],
        signals.ratings[speakers],
        signals.dropped[speakers],
    )
    return join_features(evidence, neighbour_shares, facts, signals, candidates)


def join_features(
    evidence: Matrix,
    neighbour_shares: Matrix,
    facts: AnimeFacts,
    signals: ListSignals,
    candidates: NDArray[np.integer],
) -> Matrix:
    """Put the parts of the features side by side, in the order of :data:`FEATURES`.

    Parameters
    ----------
    evidence : ndarray of shape (m, len(EVIDENCE)), dtype=float32
    neighbour_shares : ndarray of shape (m, len(CIRCLES)), dtype=float32
    facts : AnimeFacts
    signals : ListSignals
    candidates : ndarray of shape (m,), dtype=integer

    Returns
    -------
    ndarray of shape (m, len(FEATURES)), dtype=float32
    """
    of_list = np.broadcast_to(signals.table, (len(candidates), len(signals.table)))
    shares = np.log(neighbour_shares + np.float32(_LEAST_SHARE))
    return np.concatenate([evidence, shares, signals.relate(candidates), facts.table[candidates], of_list], axis=1)


def shares_of_circles(n_anime: int, similarities: Vector, neighbour_rows: Sequence[NDArray[np.integer]]) -> Matrix:
    """Tell what share of the nearest users has seen each anime, in circles of growing width.

    Parameters
    ----------
    n_anime : int
    similarities : ndarray of shape (n_neighbours,), dtype=float32
        Cosine of each neighbour, best first; those at or below 0 have no say.
    neighbour_rows : sequence of ndarray, dtype=integer
        What each of them has seen.

    Returns
    -------
    ndarray of shape (n_anime, len(CIRCLES)), dtype=float32
        In [0, 1]; neighbours weigh by their similarity to a power.
    """
    weights = np.maximum(similarities, 0.0).astype(np.float64) ** SIMILARITY_POWER
    shares = np.zeros((n_anime, len(CIRCLES)), dtype=np.float32)
    inner = np.zeros(n_anime, dtype=np.float64)
    start = 0
    for column, end in enumerate(CIRCLES):
        ring = neighbour_rows[start:end]
        if ring:
            owners = np.repeat(weights[start:end], [len(rows) for rows in ring])
            inner = inner + np.bincount(np.concatenate(ring), weights=owners, minlength=n_anime)
        start = end
        shares[:, column] = inner / max(float(weights[:end].sum()), 1e-9)
    return shares


def sigmoid(logits: Vector) -> Vector:
    """Turn log odds into a probability.

    Parameters
    ----------
    logits : ndarray of shape (n,), dtype=float32

    Returns
    -------
    ndarray of shape (n,), dtype=float32
        In (0, 1).
    """
    # exp of a large number would overflow; beyond 30 the result does not change in float32.
    return np.float32(1.0) / (np.float32(1.0) + np.exp(-np.clip(logits, -30.0, 30.0)))
