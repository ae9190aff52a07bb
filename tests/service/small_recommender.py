"""The two stages of the small model: item weights, and a re-ranker that notices each of its features."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.candidate_features import FEATURES
from models.scoring.reranker import RerankingNetwork

# Of the features of these lists and anime, in the order of FEATURES, measured once: a network that looks at them on
# their own scale notices each.
# fmt: off
FEATURE_MEANS: Final = (
    0.33, 0.25, 0.41, 0.42, 0.0038, -0.037, 0.041, 0.12, -1.6, -1.5, -1.4, -0.9, -16, -0.31, 0.49, 0.025,
    -0.07, 0.54, 0.063, 0.5, 0.26, 0.13, 0.13, 0.37, 0.18, -0.0062, 0.037, 16, 0.49, -0.63, -0.024, -0.13,
    0.0037, -0.021, -0.013, -0.17, 0.023, 1.2, 0, -1.2, 9, -2.2, 7.3, 2.4, 4, 0.56, 0.055, 0.8, 0.27, 0, 0.88,
    0.26, 0.25, 0.25, 0, 0, 0, 0.31, 0.31, 0, 0, 0, 2.6, 0.92, 5.6, 2.7, 0.13, -1.1, 0.92, 7.2, 0.87, 16,
)
FEATURE_DEVIATIONS: Final = (
    0.38, 0.17, 0.32, 0.35, 0.98, 2.4, 0.14, 0.23, 0.62, 0.51, 0.7, 0.8, 10, 10, 0.3, 0.042, 0.97, 0.3, 1.2,
    0.3, 0.37, 0.19, 0.28, 0.43, 0.38, 1.5, 0.18, 6.7, 0.27, 0.31, 0.37, 0.35, 0.16, 0.21, 0.073, 0.96, 0.59,
    0.88, 1, 0.93, 3.7, 2.4, 1.2, 0.8, 0.65, 9.7, 0.23, 0.83, 0.44, 1, 0.44, 0.44, 0.43, 0.43, 1, 1, 1, 0.46,
    0.46, 1, 1, 1, 0.35, 0.069, 0.74, 0.42, 0.094, 0.22, 0.16, 0.26, 2.4, 3.7,
)
# fmt: on

Arrays = dict[str, NDArray[Any]]


def make_recommender(rng: np.random.Generator, n_anime: int, n_weights: int = 12) -> Arrays:
    """Make the arrays of both stages."""
    others = [rng.permutation(np.delete(np.arange(n_anime), row))[:n_weights] for row in range(n_anime)]
    n_features = len(FEATURES)
    rows, values = np.sort(others, axis=1).astype(np.int32), rng.normal(0.1, 0.2, (n_anime, n_weights))
    # Of an array that is gone: what is drawn after it stays what it was.
    rng.random((n_anime, n_weights))
    shapes = {"first": (2, n_features + 1, 8), "second": (2, 9, 4), "last": (2, 5)}
    return {
        "item_weight_rows": rows,
        "item_weight_values": values.astype(np.float32),
        "co_seen_rows": rows,
        # Of a generator of its own: what is drawn after it stays what it was.
        "co_seen_values": np.random.default_rng(1).normal(0.05, 0.15, (n_anime, n_weights)).astype(np.float32),
        "reranker_scales": np.array([FEATURE_MEANS, FEATURE_DEVIATIONS], dtype=np.float32),
        **{f"reranker_{name}": rng.normal(0.0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()},
    }


def without_reranker(arrays: Arrays) -> Arrays:
    """Leave the second stage out."""
    empty = RerankingNetwork.empty()
    return arrays | {f"reranker_{name}": getattr(empty, name) for name in ("scales", "first", "second", "last")}


def without_items(arrays: Arrays) -> Arrays:
    """Leave both stages out."""
    names = ("item_weight_rows", "item_weight_values")
    return without_reranker(arrays) | {name: arrays[name][:, :0] for name in names}
