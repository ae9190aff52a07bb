"""The autoencoder: a linear model of all pairs of anime, reduced to two narrow matrices and a gain per anime.

The embedding u of a list is the sum of its rows of ``list_embeddings`` B, scaled to length 1; the scores are
``anime_gains[j] * (u @ anime_embeddings[j])`` with unit rows A. Nothing is stored per user.

The teacher is EDLAE, with weights W (n_anime x n_anime). Its scores XW for the lists X are approximated: for given
directions A' (A with its gains as lengths) the best B is ``W A'(A'^T A')^-1``, and the loss depends only on the space
that A' spans. The network uses that freedom: it moves A so that cosines of anime reflect how alike they are (by the
teacher's weights, genres and synopses), at almost no loss for lists. A third term keeps the relative strength of
directions, which similarities of users depend on.

References
----------
Steck, "Autoencoders that don't overfit towards the Identity" (EDLAE), NeurIPS 2020: the teacher.
Jin et al., "Towards a Better Understanding of Linear Models for Recommendation", KDD 2021: low-rank regression.
Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015: soft targets.
"""

import time
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.embeddings.config import AutoencoderConfig
from training.embeddings.content import Content
from training.embeddings.keras_setup import keras, make_repeatable, tf
from training.embeddings.loop import ReportProgress, fit_batches, tensorboard
from training.embeddings.principal import principal_directions
from training.embeddings.similar_targets import SimilarTargets
from training.embeddings.teacher import Teacher
from training.embeddings.trained import TrainedNetwork, unit_rows
from training.errors import InputError
from training.lists.interactions import Interactions
from training.lists.split import some_users
from training.support.terminal import progress

Matrix = NDArray[np.float32]

# Directions beyond the width of the embeddings, so that the network sees what it would lose to them.
_N_SPARE_DIRECTIONS: Final = 64
_START_TEMPERATURE: Final = 12.0
# No direction counts as weaker than this share of the strongest.
_LEAST_ENERGY: Final = 1e-6
# Keeps the solved systems regular where there are fewer anime than columns.
_RIDGE: Final = 1e-6
# Larger than any logit: an anime is not similar to itself.
_EXCLUDED: Final = 60.0


class UnitEmbeddings(keras.Model):  # type: ignore[misc]
    """The network: rows of anime go in, the similarity of every anime to each comes out."""

    def __init__(
        self, start: Matrix, directions: Matrix, energies: NDArray[np.float32], config: AutoencoderConfig
    ) -> None:
        super().__init__()
        # Shapes: start (N, D), with lengths; directions (N, K), the teacher's principal ones; energies (K,).
        n_anime, embedding_size = start.shape
        lengths = np.maximum(np.linalg.norm(start, axis=1), 1e-6)
        self.embeddings = self.add_weight(
            shape=(n_anime, embedding_size), initializer="zeros", name="anime_embeddings"
        )
        self.log_lengths = self.add_weight(shape=(n_anime, 1), initializer="zeros", name="log_lengths")
        self.log_temperature = self.add_weight(shape=(), initializer="zeros", name="log_temperature")
        self.embeddings.assign(unit_rows(start))
        self.log_lengths.assign(np.log(lengths)[:, None])
        self.log_temperature.assign(np.log(_START_TEMPERATURE))
        self._directions = tf.constant(directions)
        shares = energies / max(float(energies[:embedding_size].sum()), 1e-30)
        self._shares = tf.constant(shares.astype(np.float32)[:, None])
        self._strong = tf.constant(directions[:, :embedding_size] / _strengths(energies[:embedding_size], config))
        self._config = config

    def call(self, anime_rows: Any) -> Any:
        """Return logits of shape (batch, n_anime): cosines times a learned temperature."""
        unit = tf.math.l2_normalize(self.embeddings, axis=1)  # (N, D)
        embeddings = unit * tf.exp(self.log_lengths)  # (N, D)
        self.add_loss(self._config.list_weight * self.lost_share(embeddings))
        self.add_loss(self._config.user_weight * self.unevenness(embeddings))
        itself = tf.one_hot(anime_rows, tf.shape(unit)[0])  # (B, N)
        # A product is quicker than gathering rows, whose gradient has to be put together in a repeatable order.
        cosines = tf.matmul(tf.matmul(itself, unit), unit, transpose_b=True)  # (B, N)
        return tf.exp(self.log_temperature) * cosines - _EXCLUDED * itself

    def lost_share(self, embeddings: Any) -> Any:
        """Return the share of the teacher's scores outside the span of the embeddings: from 0, the best, to 1."""
        along = tf.matmul(self._directions, embeddings, transpose_a=True)  # (K, D)
        gram = tf.matmul(embeddings, embeddings, transpose_a=True)  # (D, D)
        size = tf.shape(gram)[0]
        ridge = _RIDGE * tf.linalg.trace(gram) / tf.cast(size, tf.float32) * tf.eye(size)
        kept = tf.linalg.solve(gram + ridge, tf.matmul(along, along * self._shares, transpose_a=True))
        return 1.0 - tf.linalg.trace(kept)

    def unevenness(self, embeddings: Any) -> Any:
        """Return how far the directions are from the wanted strengths: 0 where they agree and are orthogonal."""
        along = tf.matmul(self._strong, embeddings, transpose_a=True)  # (D, D)
        gram = tf.matmul(along, along, transpose_b=True)  # (D, D)
        size = tf.cast(tf.shape(gram)[0], tf.float32)
        return size * tf.reduce_sum(tf.square(gram)) / tf.square(tf.linalg.trace(gram)) - 1.0


def fit_autoencoder(
    train: Interactions,
    teacher: Teacher,
    config: AutoencoderConfig,
    log_folder: Path | None = None,
    content: Content | None = None,
) -> TrainedNetwork:
    """Learn embeddings of anime from lists, of which plans are left out, and from the catalogue.

    ``teacher`` was learned from the same lists. Without ``content``, similar anime follow from the lists alone.

    Raises
    ------
    InputError
        If the training diverged.
    """
    started = time.monotonic()
    make_repeatable(config.seed)
    rng = np.random.default_rng(config.seed)
    some = some_users(train, config.max_users, "embeddings")
    directions, energies = principal_directions(
        some.seen_matrix(), teacher, config.length_power, config.embedding_size + _N_SPARE_DIRECTIONS, rng
    )
    network = UnitEmbeddings(_start(directions, energies, config, rng), directions, energies, config)
    likeness = content.weighted(config.genre_weight, config.synopsis_weight) if content else None
    counts = train.popularity()
    targets = SimilarTargets(teacher, likeness, counts, config.target_sharpness, config.batch_size, rng)
    history = _train(network, targets, config, log_folder)
    anime_embeddings = unit_rows(network.embeddings.numpy())
    gains = np.exp(network.log_lengths.numpy()[:, 0])
    gains /= gains.max()
    return TrainedNetwork(
        network="autoencoder",
        anime_embeddings=anime_embeddings,
        list_embeddings=_list_embeddings(teacher, anime_embeddings * gains[:, None]),
        anime_gains=gains,
        user_embeddings=None,
        user_embedding_rule="normalised_sum",
        config=config.model_dump(),
        history=history,
        seconds=time.monotonic() - started,
    )


def _strengths(energies: NDArray[np.float32], config: AutoencoderConfig) -> NDArray[np.float32]:
    """Return how long the embeddings are along directions: 1 for the strongest.

    Along a direction of energy e, users spread by e to the power (1 - energy_power) / 2: all alike at 1, and as the
    teacher's scores do at 0.
    """
    shares = np.maximum(energies / max(float(energies.max()), 1e-30), _LEAST_ENERGY)
    strengths: NDArray[np.float32] = (shares ** (config.energy_power / 2)).astype(np.float32)
    return strengths


def _start(
    directions: Matrix, energies: NDArray[np.float32], config: AutoencoderConfig, rng: np.random.Generator
) -> Matrix:
    """Start from the strongest directions, with their wanted lengths."""
    n_anime, n_directions = directions.shape
    embedding_size = config.embedding_size
    n_used = min(embedding_size, n_directions)
    start = np.zeros((n_anime, embedding_size), dtype=np.float32)
    start[:, :n_used] = directions[:, :n_used] * _strengths(energies[:n_used], config)
    typical = float(np.sqrt(np.mean(np.sum(np.square(start), axis=1)))) or 1.0
    # A little noise gives a direction to anime on no list, and to columns without one.
    noise = rng.normal(scale=1e-3 / np.sqrt(embedding_size), size=start.shape)
    scaled: Matrix = (start / typical + noise).astype(np.float32)
    return scaled


def _train(
    network: UnitEmbeddings, targets: SimilarTargets, config: AutoencoderConfig, log_folder: Path | None
) -> dict[str, list[float]]:
    steps_per_epoch = min(len(targets), config.max_steps)
    n_steps = config.epochs * steps_per_epoch
    learning_rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, n_steps, alpha=0.01)
    # Keras' own function warns where there is a single anime.
    network.compile(optimizer=keras.optimizers.Adam(learning_rate), loss=tf.nn.softmax_cross_entropy_with_logits)
    with progress("train autoencoder", n_steps, "steps") as update:
        callbacks = [ReportProgress(update, steps_per_epoch), *tensorboard(log_folder)]
        try:
            return fit_batches(network, targets, config.epochs, callbacks, steps_per_epoch)
        except tf.errors.InvalidArgumentError as error:
            # The loss solves a system that may contain NaN or have lost a direction.
            raise InputError(
                "the autoencoder network diverged (a matrix of its loss cannot be inverted); lower "
                "autoencoder.learning_rate, autoencoder.list_weight or autoencoder.target_sharpness"
            ) from error


def _list_embeddings(teacher: Teacher, embeddings: Matrix) -> Matrix:
    """Solve for the list embeddings that approximate the teacher's scores best."""
    exact = embeddings.astype(np.float64)
    gram = exact.T @ exact
    gram[np.diag_indices_from(gram)] += _RIDGE * np.trace(gram) / len(gram)
    solved = np.linalg.solve(gram, teacher.times(embeddings).T.astype(np.float64)).T
    # Only the direction of a sum counts, so any common scale will do: rows of length 1 on average.
    typical = np.linalg.norm(solved, axis=1).mean() or 1.0
    list_embeddings: Matrix = (solved / typical).astype(np.float32)
    return list_embeddings
