"""The network that ranks similar anime: a small perceptron over pair features, learned list by list.

The loss is the cross-entropy of the softmax over a query's candidates with what people voted for, as in ListNet.

References
----------
Cao et al., "Learning to Rank: From Pairwise Approach to Listwise Approach" (ListNet), ICML 2007.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.networks.keras_setup import keras, make_repeatable, tf
from training.similar.config import SimilarConfig

N_HIDDEN: Final = (32, 16)
# Added to the score of what is no candidate: no share of any softmax is left to it.
_NEVER: Final = -1e9
_WEIGHT_DECAY: Final = 0.01
_DROPOUT: Final = 0.1


@dataclass(frozen=True)
class RankingLists:
    """Queries, their candidates padded to one length.

    Attributes
    ----------
    features : ndarray of shape (n_queries, n_candidates, n_features), dtype=float32
    gains : ndarray of shape (n_queries, n_candidates), dtype=float32
        What people voted for; 0 for the others.
    visible : ndarray of shape (n_members, n_queries, n_candidates), dtype=bool
        What each member may learn from: neither padding nor what it leaves out.
    """

    features: NDArray[np.float32]
    gains: NDArray[np.float32]
    visible: NDArray[np.bool_]


def fit_members(
    lists: RankingLists, config: SimilarConfig, report: Callable[[int, float], None]
) -> list[NDArray[np.float32]]:
    """Train all members side by side.

    Parameters
    ----------
    lists : RankingLists
    config : SimilarConfig
    report : callable
        Told after each epoch: how many are done, and the loss.

    Returns
    -------
    list of ndarray, dtype=float32
        Weights and biases of the three layers in turn, shapes as in :class:`training.similar.ranker.Ranker`.
    """
    make_repeatable(config.seed)
    rng = np.random.default_rng(config.seed)
    n_members, n_queries, _ = lists.visible.shape
    n_steps = max(1, n_queries // config.batch_size)
    layers = _make_layers(n_members, lists.features.shape[2], rng)
    schedule = keras.optimizers.schedules.CosineDecay(config.learning_rate, config.epochs * n_steps)
    step = _make_step(layers, keras.optimizers.AdamW(schedule, weight_decay=_WEIGHT_DECAY))
    for epoch in range(config.epochs):
        losses = [
            float(step(lists.features[chosen], lists.gains[chosen], lists.visible[:, chosen]))
            for chosen in np.array_split(rng.permutation(n_queries), n_steps)
        ]
        report(epoch + 1, float(np.mean(losses)))
    return [layer.numpy() for layer in layers]


def _make_layers(n_members: int, n_features: int, rng: np.random.Generator) -> list[Any]:
    layers = []
    sizes = (n_features, *N_HIDDEN, 1)
    for fan_in, fan_out in itertools.pairwise(sizes):
        # The last layer starts small, so that no candidate begins with all of the softmax.
        spread = (2.0 / fan_in) ** 0.5 * (0.3 if fan_out == 1 else 1.0)
        weights = spread * rng.normal(size=(n_members, fan_in, fan_out))
        layers.append(tf.Variable(weights.astype(np.float32)))
        layers.append(tf.Variable(np.zeros((n_members, 1, fan_out), dtype=np.float32)))
    return layers


def _make_step(layers: list[Any], optimizer: Any) -> Callable[..., Any]:
    signature = [
        tf.TensorSpec([None, None, layers[0].shape[1]], tf.float32),
        tf.TensorSpec([None, None], tf.float32),
        tf.TensorSpec([layers[0].shape[0], None, None], tf.bool),
    ]

    @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
    def step(features: Any, gains: Any, visible: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = _listwise_loss(_scores(layers, features), gains, visible)
        optimizer.apply_gradients(zip(tape.gradient(loss, layers), layers, strict=True))
        return loss

    return step  # type: ignore[no-any-return]


def _scores(layers: list[Any], features: Any) -> Any:
    n_members, n_features = layers[0].shape[0], layers[0].shape[1]
    rows = tf.reshape(features, (1, -1, n_features))  # (1, B * K, F)
    hidden = tf.matmul(tf.tile(rows, (n_members, 1, 1)), layers[0]) + layers[1]  # (M, B * K, H)
    hidden = tf.nn.dropout(tf.nn.relu(hidden), _DROPOUT)
    hidden = tf.matmul(hidden, layers[2]) + layers[3]  # (M, B * K, G)
    hidden = tf.nn.dropout(tf.nn.relu(hidden), _DROPOUT)
    scores = tf.matmul(hidden, layers[4]) + layers[5]  # (M, B * K, 1)
    return tf.reshape(scores, (n_members, tf.shape(features)[0], tf.shape(features)[1]))  # (M, B, K)


def _listwise_loss(scores: Any, gains: Any, visible: Any) -> Any:
    seen_gains = gains[None] * tf.cast(visible, tf.float32)  # (M, B, K)
    totals = tf.reduce_sum(seen_gains, axis=-1)  # (M, B)
    shares = tf.nn.log_softmax(tf.where(visible, scores, _NEVER))
    losses = -tf.reduce_sum(seen_gains * shares, axis=-1)  # (M, B): weighs a query by its total
    # The root of the total in the place of the total: queries with many votes must not drown the others.
    return tf.reduce_mean(tf.math.divide_no_nan(losses, tf.sqrt(totals)))
