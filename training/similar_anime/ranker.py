"""The ranker: a small network over pair features, averaged over members, applied with numpy alone."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from training.errors import InputError
from training.similar_anime.features import Pairs
from training.support.compiled import compiled

LAYERS: Final = ("weights_1", "biases_1", "weights_2", "biases_2", "weights_3", "biases_3")
RANKER_FILE: Final = "ranker.npz"
SHIPPED_FILE: Final = Path(__file__).with_name("shipped_ranker.npz")

# Far enough from 0 and 1 for float32: what is served must be able to go on below the last neighbour.
_LEAST: Final = 1e-6


@dataclass(frozen=True)
class Ranker:
    """Weights of the ranker. M members, F features, H and G hidden units.

    Each feature is bent along its knots, so that it is spread like a normal distribution; what is not known becomes
    0, the middle.
    """

    # Shape: (F,). The features, in order.
    names: NDArray[np.str_]
    # Shape: (F, n_knots). The knots ascend strictly.
    knots: NDArray[np.float32]
    levels: NDArray[np.float32]
    # Shapes: (M, F, H), (M, 1, H), (M, H, G), (M, 1, G), (M, G, 1) and (M, 1, 1).
    weights_1: NDArray[np.float32]
    biases_1: NDArray[np.float32]
    weights_2: NDArray[np.float32]
    biases_2: NDArray[np.float32]
    weights_3: NDArray[np.float32]
    biases_3: NDArray[np.float32]
    # Slope (positive) and intercept that turn the logarithm of a candidate's share of its query into the log-odds of
    # people recommending it.
    calibration: NDArray[np.float64]

    def score(self, pairs: Pairs) -> NDArray[np.float32]:
        """Score pairs, comparable within a query only: how much more similar one candidate is than another.

        Raises
        ------
        ValueError
            If the ranker was learned on other features.
        """
        if pairs.names != tuple(self.names.tolist()):
            odd = ", ".join(sorted(set(pairs.names) ^ set(self.names.tolist())))
            raise ValueError(f"the ranker was learned on other features or another order of them: {odd}")
        members = self.score_members(bend(pairs.features, self.knots, self.levels))
        scores: NDArray[np.float32] = members.mean(axis=0, dtype=np.float32)
        return scores

    def score_members(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Score pairs, given as bent features of shape (n_pairs, F), by each member: shape (M, n_pairs)."""
        scores = np.empty((len(self.weights_1), len(inputs)), dtype=np.float32)
        for member, row in enumerate(scores):
            hidden = np.maximum(inputs @ self.weights_1[member] + self.biases_1[member], 0.0)  # (P, H)
            hidden = np.maximum(hidden @ self.weights_2[member] + self.biases_2[member], 0.0)  # (P, G)
            row[:] = (hidden @ self.weights_3[member] + self.biases_3[member])[:, 0]
        return scores

    def similarities(self, scores: NDArray[np.float32], queries: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """Turn scores into estimated chances that people recommend the candidate to those who liked the query.

        Queries ascend. In (0, 1), in the order of the scores; they compare between queries.
        """
        slope, intercept = self.calibration
        odds = slope * log_shares(scores, queries) + intercept
        similarities: NDArray[np.float32] = np.clip(expit(odds), _LEAST, 1.0).astype(np.float32)
        return similarities

    def save(self, path: Path) -> None:
        """Write the weights."""
        np.savez_compressed(path, **{field.name: getattr(self, field.name) for field in fields(self)})


def load_ranker(path: Path) -> Ranker:
    """Read the weights of a ranker.

    Raises
    ------
    InputError
        If the file holds none.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return Ranker(**{field.name: arrays[field.name] for field in fields(Ranker)})
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InputError(f"{path}: holds no ranker ({error})") from error


def bend(
    features: NDArray[np.float32], knots: NDArray[np.float32], levels: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Bend features of shape (n_pairs, F) along their knots; NaN, what is not known, becomes 0."""
    bent = np.empty(features.shape, dtype=np.float32)
    _bend(features, knots, levels, bent)
    return bent


@compiled
def _bend(features: Any, knots: Any, levels: Any, bent: Any) -> None:  # pragma: no cover - compiled
    last = knots.shape[1] - 1
    for pair in range(len(features)):
        for column in range(features.shape[1]):
            value, x, y = features[pair, column], knots[column], levels[column]
            # Every knot is counted: a vector unit does that, and there is no branch to guess as when halving.
            below = 0
            for knot in x[1:last]:
                below += knot <= value
            slope = (y[below + 1] - y[below]) / (x[below + 1] - x[below])
            height = y[below] + slope * (min(max(value, x[0]), x[last]) - x[below])
            bent[pair, column] = np.float32(0) if np.isnan(value) else height


def log_shares(scores: NDArray[np.float32], queries: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """Give the logarithm of every candidate's softmax share among those of its query (ascending)."""
    if not len(scores):
        return np.zeros(0)
    starts = np.flatnonzero(np.r_[True, queries[1:] != queries[:-1]])
    lengths = np.diff(np.r_[starts, len(queries)])
    highest = np.repeat(np.maximum.reduceat(scores, starts), lengths)
    shifted = scores.astype(np.float64) - highest
    totals = np.repeat(np.add.reduceat(np.exp(shifted), starts), lengths)
    shares: NDArray[np.float64] = shifted - np.log(totals)
    return shares
