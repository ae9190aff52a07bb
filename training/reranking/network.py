"""The network that re-ranks: a few small ones, learned side by side and averaged.

References
----------
The listwise loss is the softmax cross-entropy of Cao et al., "Learning to Rank: From Pairwise Approach to Listwise
Approach" (ListNet), ICML 2007.
"""

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.scoring.reranker import RerankingNetwork
from training.networks.callbacks import ReportProgress
from training.networks.keras_setup import keras, make_repeatable, tf
from training.reranking.config import RerankerConfig
from training.terminal import progress


class ParallelNetworks(keras.Model):  # type: ignore[misc]
    """Networks with two hidden layers each, as one batch of matrix products.

    Parameters
    ----------
    n_features : int
    config : RerankerConfig
    """

    def __init__(self, n_features: int, config: RerankerConfig) -> None:
        super().__init__()
        self._odds_weight = config.odds_weight
        self._dropout = keras.layers.Dropout(config.hidden_dropout)
        widths = [n_features, config.first_width, config.second_width, 1]
        self.kernels, self.biases = [], []
        for number, (rows, columns) in enumerate(itertools.pairwise(widths)):
            # He et al., 2015: what a layer of rectifiers wants; the batch of networks is no fan-in.
            start = keras.initializers.RandomNormal(stddev=(2.0 / rows) ** 0.5, seed=config.seed + number)
            shape = (config.n_networks, rows, columns)
            self.kernels.append(self.add_weight(shape=shape, initializer=start, name=f"kernel_{number}"))
            bias_shape = (config.n_networks, 1, columns)
            self.biases.append(self.add_weight(shape=bias_shape, initializer="zeros", name=f"bias_{number}"))

    def call(self, features: Any, training: bool = False) -> Any:
        """Score the candidates of a batch of lists.

        Parameters
        ----------
        features : tensor of shape (batch, n_candidates, n_features)
        training : bool

        Returns
        -------
        tensor of shape (batch, n_networks, n_candidates), dtype=float32
        """
        batch, n_candidates = tf.shape(features)[0], tf.shape(features)[1]
        x = tf.reshape(tf.cast(features, tf.float32), (1, -1, features.shape[2]))  # (1, B * C, F)
        for kernel, bias in zip(self.kernels[:-1], self.biases[:-1], strict=True):
            x = self._dropout(tf.nn.relu(tf.matmul(x, kernel) + bias), training=training)  # (E, B * C, H)
        logits = tf.matmul(x, self.kernels[-1]) + self.biases[-1]  # (E, B * C, 1)
        return tf.transpose(tf.reshape(logits, (-1, batch, n_candidates)), (1, 0, 2))

    def loss_of(self, hidden: Any, logits: Any) -> Any:
        """Compare scores with what was hidden.

        Parameters
        ----------
        hidden : tensor of shape (batch, n_candidates), dtype=float32
            1 where a candidate is on the hidden part of the list.
        logits : tensor of shape (batch, n_networks, n_candidates), dtype=float32

        Returns
        -------
        tensor of shape (batch,), dtype=float32
        """
        wanted = tf.cast(hidden, tf.float32)[:, None, :]  # (B, 1, C)
        n_wanted = tf.reduce_sum(wanted, axis=2)
        log_shares = tf.nn.log_softmax(logits, axis=2)
        # Long lists teach more, but not in proportion to their length.
        listwise = -tf.reduce_sum(wanted * log_shares, axis=2) / tf.sqrt(tf.maximum(n_wanted, 1.0))  # (B, E)
        odds = tf.nn.sigmoid_cross_entropy_with_logits(
            labels=tf.broadcast_to(wanted, tf.shape(logits)), logits=logits
        )
        return tf.reduce_sum(listwise + self._odds_weight * tf.reduce_sum(odds, axis=2), axis=1)


class _TaskBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of lists in an order shuffled anew for every epoch."""

    def __init__(
        self, features: NDArray[np.float16], hidden: NDArray[np.bool_], batch_size: int, rng: np.random.Generator
    ) -> None:
        super().__init__()
        self._features, self._hidden = features, hidden
        self._batch_size = batch_size
        self._rng = rng
        self._order = rng.permutation(len(features))

    def __len__(self) -> int:
        return -(-len(self._order) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float16], NDArray[np.float32]]:
        chosen = np.sort(self._order[index * self._batch_size : (index + 1) * self._batch_size])
        return self._features[chosen], self._hidden[chosen].astype(np.float32)

    def on_epoch_end(self) -> None:
        """Shuffle."""
        self._order = self._rng.permutation(len(self._order))


def fit_network(
    features: NDArray[np.float16], hidden: NDArray[np.bool_], scales: NDArray[np.float32], config: RerankerConfig
) -> tuple[RerankingNetwork, dict[str, list[float]]]:
    """Learn to put on top what was hidden.

    Parameters
    ----------
    features : ndarray of shape (n_tasks, n_candidates, n_features), dtype=float16
        Standardised.
    hidden : ndarray of shape (n_tasks, n_candidates), dtype=bool
        What should come on top; something in every task.
    scales : ndarray of shape (2, n_features), dtype=float32
        What the features were standardised with.
    config : RerankerConfig

    Returns
    -------
    network : RerankingNetwork
    history : dict of str to list of float
        Loss per epoch.
    """
    make_repeatable(config.seed)
    batches = _TaskBatches(features, hidden, config.batch_size, np.random.default_rng(config.seed))
    networks = ParallelNetworks(features.shape[2], config)
    n_steps = config.epochs * len(batches)
    learning_rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, n_steps, alpha=0.02)
    optimizer = keras.optimizers.AdamW(learning_rate, weight_decay=config.weight_decay)
    networks.compile(optimizer=optimizer, loss=networks.loss_of)
    with progress("train re-ranker", n_steps, "steps") as update:
        history = networks.fit(
            batches,
            epochs=config.epochs,
            verbose=0,
            shuffle=False,
            callbacks=[ReportProgress(update, len(batches))],
        )
    layers = [
        np.concatenate([kernel.numpy(), bias.numpy()], axis=1)
        for kernel, bias in zip(networks.kernels, networks.biases, strict=True)
    ]
    network = RerankingNetwork(scales, layers[0], layers[1], layers[2][:, :, 0])
    return network, {name: [float(value) for value in values] for name, values in history.history.items()}
