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
from training.networks.loop import fit_batches
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
        widths = [n_features, config.first_width, config.second_width, 1]
        self.kernels, self.biases = [], []
        for number, (rows, columns) in enumerate(itertools.pairwise(widths)):
            # He et al., 2015: what a layer of rectifiers wants; the batch of networks is no fan-in.
            start = keras.initializers.RandomNormal(stddev=(2.0 / rows) ** 0.5, seed=config.seed + number)
            shape = (config.n_networks, rows, columns)
            self.kernels.append(self.add_weight(shape=shape, initializer=start, name=f"kernel_{number}"))
            bias_shape = (config.n_networks, 1, columns)
            self.biases.append(self.add_weight(shape=bias_shape, initializer="zeros", name=f"bias_{number}"))

    def call(self, inputs: tuple[Any, Any]) -> Any:
        """Score the candidates of a batch of lists.

        Parameters
        ----------
        inputs : tuple of tensor
            Features, of shape (batch, n_candidates, n_features), and what each hidden unit of each network counts for
            each list, of shape (batch, n_networks * (n_first + n_second)): 0 for those dropped.

        Returns
        -------
        tensor of shape (batch, n_networks, n_candidates), dtype=float32
        """
        features, counted = inputs
        n_candidates, n_features = features.shape[1:]
        n_networks, n_first, n_second = self.kernels[1].shape
        rows = tf.reshape(tf.cast(features, tf.float32), (-1, n_features))  # (B * C, F)
        # The first layers of all networks see the same, so they are one product.
        first = tf.reshape(tf.transpose(self.kernels[0], (1, 0, 2)), (n_features, -1))
        wide = tf.nn.relu(rows @ first + tf.reshape(self.biases[0], (1, -1)))  # (B * C, E * H)
        wide = _count(wide, counted[:, : n_networks * n_first], n_candidates)
        logits = []
        for number in range(n_networks):
            x = wide[:, number * n_first : (number + 1) * n_first]
            x = tf.nn.relu(x @ self.kernels[1][number] + self.biases[1][number])  # (B * C, H)
            start = n_networks * n_first + number * n_second
            x = _count(x, counted[:, start : start + n_second], n_candidates)
            x = x @ self.kernels[2][number] + self.biases[2][number]  # (B * C, 1)
            logits.append(tf.reshape(x, (-1, 1, n_candidates)))
        return tf.concat(logits, axis=1)

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


def _count(units: Any, counted: Any, n_candidates: int) -> Any:
    """Multiply the hidden units of all candidates of a list by what they count for it."""
    by_list = tf.reshape(units, (-1, n_candidates, units.shape[1])) * counted[:, None, :]
    return tf.reshape(by_list, (-1, units.shape[1]))


class _TaskBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of lists, asked for in order, shuffled anew for every epoch.

    Units are dropped by the list: all its candidates are scored by the same network. That ranks as well as a mask
    for every candidate, of which there are three hundred times as many to draw.
    """

    def __init__(self, features: NDArray[np.float16], hidden: NDArray[np.bool_], config: RerankerConfig) -> None:
        super().__init__()
        self._features, self._hidden = features, hidden
        self._batch_size, self._dropout = config.batch_size, config.hidden_dropout
        self._n_units = config.n_networks * (config.first_width + config.second_width)
        self._rng = np.random.default_rng(config.seed)
        self._order = np.arange(len(features))

    def __len__(self) -> int:
        return -(-len(self._order) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[tuple[NDArray[np.float16], NDArray[np.float32]], NDArray[np.float32]]:
        if index == 0:
            self._order = self._rng.permutation(len(self._order))
        chosen = np.sort(self._order[index * self._batch_size : (index + 1) * self._batch_size])
        kept = self._rng.random((len(chosen), self._n_units), dtype=np.float32) >= self._dropout
        # What is left counts more, so that sums stay what they are when nothing is dropped.
        counted = kept.astype(np.float32) / np.float32(1.0 - self._dropout)
        return (self._features[chosen], counted), self._hidden[chosen].astype(np.float32)


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
    batches = _TaskBatches(features, hidden, config)
    networks = ParallelNetworks(features.shape[2], config)
    n_steps = config.epochs * len(batches)
    learning_rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, n_steps, alpha=0.02)
    optimizer = keras.optimizers.AdamW(learning_rate, weight_decay=config.weight_decay)
    networks.compile(optimizer=optimizer, loss=networks.loss_of)
    with progress("train re-ranker", n_steps, "steps") as update:
        history = fit_batches(networks, batches, config.epochs, [ReportProgress(update, len(batches))])
    layers = [
        np.concatenate([kernel.numpy(), bias.numpy()], axis=1)
        for kernel, bias in zip(networks.kernels, networks.biases, strict=True)
    ]
    network = RerankingNetwork(scales, layers[0], layers[1], layers[2][:, :, 0])
    return network, history
