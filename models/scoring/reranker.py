"""The second stage of recommending: a small network, learned in training, orders what item weights propose.

Source: Covington et al., "Deep Neural Networks for YouTube Recommendations", RecSys 2016.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.bundle.layout import MANIFEST_FILE
from models.bundle.reader import Bundle
from models.errors import BundleContentError
from models.scoring.anime_facts import AnimeFacts, read_facts
from models.scoring.candidate_features import FEATURES, ListSignals, candidate_features
from models.scoring.items import CoSeen, ItemWeights, weights_of
from models.scoring.ranking import top_k_rows
from models.scoring.user_list import Support, UserList

Matrix = NDArray[np.float32]
Vector = NDArray[np.float32]

N_CANDIDATES: Final = 240
# Of the widest neighbourhood's share beside item weights, when candidates are proposed.
NEIGHBOUR_WEIGHT: Final = 0.3
# Of what liking adds to the log odds of being seen. Chosen on validation users (docs/experiments.md).
LIKING_WEIGHT: Final = 1.6
# What dislikes take off the log odds of an anime that those who have seen them see more than others do: by the square
# of how far their share exceeds a tenth, so that a usual list hardly changes, and by how far the lift exceeds a usual
# one. Chosen on validation users (docs/experiments.md).
DISLIKE_WEIGHT: Final = 9.0
USUAL_DISLIKED: Final = 0.1
_USUAL_LIFT: Final = 0.3
# Added to shares before the logarithm: about one of all users.
_LEAST_SHARE: Final = np.float32(1e-4)
# Standard deviations; what lies further out is rare, and a network should not be led there.
_MAX_DEVIATION: Final = 5.0


@dataclass(frozen=True)
class RerankingNetwork:
    """Small networks with the same inputs, an even number; the last row of a layer is its bias.

    The first half orders by what a user sees next, the second half by what they like of it.
    """

    scales: Matrix  # (2, n_features), mean and standard deviation of each feature, as learned
    first: NDArray[np.float32]  # (n_networks, n_features + 1, n_first)
    second: NDArray[np.float32]  # (n_networks, n_first + 1, n_second)
    last: NDArray[np.float32]  # (n_networks, n_second + 1)

    @property
    def n_networks(self) -> int:
        """How many networks there are; 0 where there were too few lists to learn one."""
        return len(self.first)

    @classmethod
    def empty(cls) -> "RerankingNetwork":
        """Make one of no networks."""
        n_features = len(FEATURES)
        scales = np.stack([np.zeros(n_features), np.ones(n_features)]).astype(np.float32)
        shapes = ((0, n_features + 1, 1), (0, 2, 1), (0, 2))
        return cls(scales, *(np.empty(shape, dtype=np.float32) for shape in shapes))

    @cached_property
    def _without_biases(self) -> tuple[Matrix, NDArray[np.float32]]:
        """The first layers side by side, for one product since they see the same; and the second layers.

        Each has one more unit, which is always 1: what the next layer multiplies by its bias. A sum would be one more
        pass over the largest arrays of an answer.
        """
        first, second = (np.pad(layer, ((0, 0), (0, 0), (0, 1))) for layer in (self.first, self.second))
        first[:, -1, -1] = second[:, -1, -1] = 1.0
        return np.concatenate(list(first), axis=1), second

    def standardise(self, features: Matrix) -> Matrix:
        """Scale features, shape (m, n_features), as the networks want them: 0 is the mean of a feature."""
        scaled: Matrix = features - self.scales[0]
        scaled /= self.scales[1]
        return np.clip(scaled, -_MAX_DEVIATION, _MAX_DEVIATION, out=scaled)

    def logits(self, standardised: Matrix) -> Vector:
        """Give the log odds, shape (m,), that each row of standardised features is seen next, and liked.

        Liking decides among what is likely to be seen: elsewhere it would cost more hits than it makes better.
        """
        first, seconds = self._without_biases
        outputs = np.zeros((2, len(standardised)), dtype=np.float32)
        inputs = np.ones((len(first), len(standardised)), dtype=np.float32)
        inputs[:-1] = standardised.T
        wide = _rectified(inputs.T, first)  # (m, n_networks * (n_first + 1))
        for number, (second, last) in enumerate(zip(seconds, self.last, strict=True)):
            units = wide[:, number * len(second) : (number + 1) * len(second)]
            hidden = _rectified(units, second)  # (m, n_second + 1)
            outputs[2 * number // self.n_networks] += hidden @ last
        seen, liked = outputs / np.float32(self.n_networks // 2)
        logits: Vector = seen + np.float32(LIKING_WEIGHT) * sigmoid(seen) * (liked - seen)
        return logits


def _rectified(inputs: Matrix, weights: Matrix) -> Matrix:
    outputs: Matrix = inputs @ weights
    np.maximum(outputs, 0.0, out=outputs)
    return outputs


@dataclass(frozen=True)
class RerankedList:
    """All anime scored for one list, and what the best of them were scored by.

    Scores are in (0, 1): for candidates how likely it is that they are on the list but hidden; all others lie below
    them, in the order of the item weights.
    """

    scores: Vector  # (n_anime,)
    places: NDArray[np.int16]  # (n_anime,), place of each anime among the candidates, -1 for what is none
    features: Matrix  # (n_candidates, n_features), standardised


class Proposals(NamedTuple):
    """All anime as candidates."""

    neighbourhoods: Matrix  # (n_anime, len(NEIGHBOURHOOD_SIZES)), shares
    together: Vector  # (n_anime,), share of co-seen anime
    scores: Vector  # (n_anime,)

    def of(self, candidates: NDArray[np.integer]) -> Matrix:
        """Give the features of m candidates, shape (len(NEIGHBOURHOOD_SIZES) + 2, m): shares, and last the score."""
        columns = (*self.neighbourhoods.T, self.together, self.scores)
        return np.array([column[candidates] for column in columns])


def propose(
    facts: AnimeFacts,
    item_scores: Vector,
    co_seen: CoSeen,
    support: Support,
    neighbourhoods: Matrix,
) -> Proposals:
    """Score every anime as a candidate.

    Of a short list item weights support a few dozen anime only: the nearest users fill the other places, and what is
    seen together, the more the shorter the list.

    Parameters
    ----------
    facts : AnimeFacts
    item_scores : ndarray of shape (n_anime,), dtype=float32
    co_seen : CoSeen
    support : Support
    neighbourhoods : ndarray of shape (n_anime, len(NEIGHBOURHOOD_SIZES)), dtype=float32
        From :func:`models.scoring.neighbours.neighbourhood_shares`.

    Returns
    -------
    Proposals
    """
    together = co_seen.shares(support, facts.shares)
    scores = item_scores + np.float32(NEIGHBOUR_WEIGHT) * neighbourhoods[:, -1]
    scores += together / np.float32(len(support.rows) + 2)
    return Proposals(neighbourhoods, together, scores)


class Reranker:
    """Scores anime for lists in two stages."""

    def __init__(self, facts: AnimeFacts, weights: ItemWeights, co_seen: CoSeen, network: RerankingNetwork) -> None:
        self.facts = facts
        self.weights = weights
        self.co_seen = co_seen
        self.network = network

    def rerank(self, user_list: UserList, neighbourhoods: Matrix, allowed: NDArray[np.bool_]) -> RerankedList:
        """Score every anime for a list.

        Parameters
        ----------
        user_list : UserList
        neighbourhoods : ndarray of shape (n_anime, len(NEIGHBOURHOOD_SIZES)), dtype=float32
            From :func:`models.scoring.neighbours.neighbourhood_shares`.
        allowed : ndarray of shape (n_anime,), dtype=bool
            What may be recommended. Candidates are taken among these, so that filters never empty a page.
        """
        signals = ListSignals(self.facts, user_list)
        weights = self.weights.of(signals.rows)
        item_scores = weights.score(signals.counts)
        proposals = propose(self.facts, item_scores, self.co_seen, user_list.support, neighbourhoods)
        candidates = top_k_rows(proposals.scores, N_CANDIDATES, allowed=allowed)
        features = self.network.standardise(
            candidate_features(self.facts, weights, signals, candidates, proposals.of(candidates))
        )
        likely = sigmoid(self.network.logits(features) - self.dislike(user_list, candidates))
        least = likely.min() if len(likely) else np.float32(1.0)
        # What the first stage does not propose stays behind, in its order.
        scores = sigmoid(proposals.scores)
        scores *= least * np.float32(0.999)
        scores[candidates] = likely
        places = np.full(len(scores), -1, dtype=np.int16)
        places[candidates] = np.arange(len(candidates))
        return RerankedList(scores, places, features)

    def dislike(self, user_list: UserList, anime_rows: NDArray[np.integer]) -> Vector:
        """Give what is taken off the log odds of some anime, shape (m,), by what the list dislikes."""
        disliked = user_list.disliked_rows
        excess = len(disliked) / max(len(user_list.seen_rows), 1) - USUAL_DISLIKED
        if excess <= 0.0:
            return np.zeros(len(anime_rows), dtype=np.float32)
        usual = self.facts.shares
        seen_with = self.co_seen.shares(Support.of(disliked), usual)[anime_rows]
        lift = np.log((seen_with + _LEAST_SHARE) / (usual[anime_rows] + _LEAST_SHARE))
        taken: Vector = np.float32(DISLIKE_WEIGHT * excess**2) * np.maximum(lift - _USUAL_LIFT, 0.0)
        return taken

    def effects(self, features: Matrix, groups: Mapping[str, Sequence[int]]) -> dict[str, Vector]:
        """Give how much groups of features moved m candidates.

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
        # All at once: the rows are few, and each product of matrices has a price of its own.
        tables = np.repeat(features[None], 1 + len(groups), axis=0)
        for without, columns in zip(tables[1:], groups.values(), strict=True):
            without[:, columns] = 0.0
        logits = self.network.logits(tables.reshape(-1, features.shape[1])).reshape(len(tables), -1)
        return dict(zip(groups, logits[0] - logits[1:], strict=True))


def reranker_of(bundle: Bundle) -> Reranker | None:
    """Make the re-ranker of a model; None where the bundle holds none.

    Raises
    ------
    BundleContentError
        If it was learned with other features than this software computes.
    """
    network = RerankingNetwork(
        bundle.reranker_scales, bundle.reranker_first, bundle.reranker_second, bundle.reranker_last
    )
    if not network.n_networks:
        return None
    if network.n_networks % 2:
        fault = f"holds {network.n_networks} networks, half of which should order by liking; train the bundle anew"
        raise BundleContentError(Path("reranker_first.npy"), fault)
    if bundle.manifest.reranker_features != FEATURES or network.scales.shape[1] != len(FEATURES):
        fault = "names other features of the re-ranker than this software computes; train the bundle anew"
        raise BundleContentError(Path(MANIFEST_FILE), fault)
    facts = read_facts(vars(bundle), bundle.n_users)
    return Reranker(facts, weights_of(bundle), CoSeen(bundle.co_seen_rows, bundle.co_seen_values), network)


def sigmoid(logits: Vector) -> Vector:
    """Turn log odds into probabilities in (0, 1)."""
    # exp of a large number would overflow; beyond 30 the result does not change in float32.
    odds: Vector = np.minimum(np.float32(30.0), -logits)
    np.maximum(np.float32(-30.0), odds, out=odds)
    np.exp(odds, out=odds)
    odds += np.float32(1.0)
    return np.divide(np.float32(1.0), odds, out=odds)
