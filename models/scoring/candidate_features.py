"""Everything the re-ranker looks at in a list and its candidates, side by side."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.anime_facts import FACTS, AnimeFacts
from models.scoring.evidence import EVIDENCE, weigh_evidence
from models.scoring.items import ItemWeights
from models.scoring.list_features import LIST_FEATURES, RELATION_FEATURES, ListSignals
from models.scoring.neighbour_weights import NeighbourRegression
from models.scoring.seen_lists import SeenLists

Matrix = NDArray[np.float32]
Vector = NDArray[np.float32]

# How many of the nearest users are asked what they have seen: the few nearest, and a wider neighbourhood.
NEIGHBOURHOOD_SIZES: Final = (25, 100)
# Near users outweigh the many far ones.
_SIMILARITY_POWER: Final = 4.0
FEATURES: Final = (
    *EVIDENCE,
    *(f"log share of the {k} nearest users" for k in NEIGHBOURHOOD_SIZES),
    f"fitted share of the {NEIGHBOURHOOD_SIZES[-1]} nearest users",
    *RELATION_FEATURES,
    *FACTS,
    *LIST_FEATURES,
)
# Added to shares before their logarithm: about what one of many distant neighbours is worth.
_LEAST_SHARE: Final = 0.003


def candidate_features(
    facts: AnimeFacts,
    weights: ItemWeights,
    signals: ListSignals,
    candidates: NDArray[np.integer],
    neighbours: Matrix,
) -> Matrix:
    """Put together the features of a list and its candidates.

    Parameters
    ----------
    facts : AnimeFacts
    weights : ItemWeights
    signals : ListSignals
    candidates : ndarray of shape (m,), dtype=integer
    neighbours : ndarray of shape (m, len(NEIGHBOURHOOD_SIZES) + 1), dtype=float32
        From :func:`neighbour_evidence`.

    Returns
    -------
    ndarray of shape (m, len(FEATURES)), dtype=float32
    """
    # As numpy wants an index: it would be turned into one at each of the three looks.
    support = weights.rows[candidates].astype(np.intp)  # (m, n_weights)
    evidence = weigh_evidence(
        weights.values[candidates],
        weights.cosines[candidates],
        signals.seen[support],
        signals.ratings[support],
        signals.dropped[support],
    )
    return join_features(evidence, neighbours, facts, signals, candidates)


def join_features(
    evidence: Matrix,
    neighbours: Matrix,
    facts: AnimeFacts,
    signals: ListSignals,
    candidates: NDArray[np.integer],
) -> Matrix:
    """Put the parts of the features side by side, in the order of :data:`FEATURES`.

    Parameters
    ----------
    evidence : ndarray of shape (m, len(EVIDENCE)), dtype=float32
    neighbours : ndarray of shape (m, len(NEIGHBOURHOOD_SIZES) + 1), dtype=float32
        From :func:`neighbour_evidence`.
    facts : AnimeFacts
    signals : ListSignals
    candidates : ndarray of shape (m,), dtype=integer

    Returns
    -------
    ndarray of shape (m, len(FEATURES)), dtype=float32
    """
    of_list = np.broadcast_to(signals.table, (len(candidates), len(signals.table)))
    shares = np.log(neighbours[:, : len(NEIGHBOURHOOD_SIZES)] + np.float32(_LEAST_SHARE))
    fitted = neighbours[:, len(NEIGHBOURHOOD_SIZES) :]
    return np.concatenate(
        [evidence, shares, fitted, signals.relate(candidates), facts.table[candidates], of_list], axis=1
    )


def neighbour_evidence(
    regression: NeighbourRegression,
    seen_rows: NDArray[np.integer],
    similarities: Vector,
    theirs: SeenLists,
) -> Matrix:
    """Tell what the nearest users say for each anime.

    Parameters
    ----------
    regression : NeighbourRegression
    seen_rows : ndarray of shape (n,), dtype=integer
        What the user has seen.
    similarities : ndarray of shape (n_neighbours,), dtype=float32
        Cosine of each neighbour, best first; at most the widest of :data:`NEIGHBOURHOOD_SIZES`.
    theirs : SeenLists
        What each of them has seen.

    Returns
    -------
    ndarray of shape (n_anime, len(NEIGHBOURHOOD_SIZES) + 1), dtype=float32
        The share of each neighbourhood that has seen an anime, and the score with fitted weights.
    """
    fitted = regression.fit(seen_rows, theirs).scores
    return np.column_stack([neighbourhood_shares(len(fitted), similarities, theirs), fitted])


def neighbourhood_shares(n_anime: int, similarities: Vector, theirs: SeenLists) -> Matrix:
    """Tell what share of the nearest users has seen each anime, in neighbourhoods of growing width.

    Parameters
    ----------
    n_anime : int
    similarities : ndarray of shape (n_neighbours,), dtype=float32
        Cosine of each neighbour, best first; those at or below 0 have no say.
    theirs : SeenLists
        What each of them has seen.

    Returns
    -------
    ndarray of shape (n_anime, len(NEIGHBOURHOOD_SIZES)), dtype=float32
        In [0, 1]; neighbours weigh by their similarity to a power.
    """
    weights = np.maximum(similarities, 0.0).astype(np.float64) ** _SIMILARITY_POWER
    of_entries = weights[theirs.owners]
    shares = np.zeros((n_anime, len(NEIGHBOURHOOD_SIZES)), dtype=np.float32)
    inner = np.zeros(n_anime, dtype=np.float64)
    start = 0
    for column, end in enumerate(NEIGHBOURHOOD_SIZES):
        ring = slice(theirs.ends[min(start, len(theirs))], theirs.ends[min(end, len(theirs))])
        inner = inner + np.bincount(theirs.rows[ring], weights=of_entries[ring], minlength=n_anime)
        start = end
        shares[:, column] = inner / max(float(weights[:end].sum()), 1e-9)
    return shares
