"""The autoencoder: a linear model of all pairs of anime, squeezed into two narrow matrices and a gain per anime.

A list goes in as the sum of its rows of ``list_embeddings`` B, scaled to length 1: the user's embedding u. What comes
out is ``anime_gains[j] * (u @ anime_embeddings[j])`` with unit rows A. Nothing is stored per user, so an unseen user
costs a sum.

The teacher is EDLAE, whose weights W (n_anime x n_anime) say what each anime on a list tells of every other. Its
scores XW for the lists X are squeezed to the width of the embeddings: for given directions A' (A with its gains as
lengths) the B that loses least is ``W A'(A'^T A')^-1``, and what is lost depends on the space that A' spans alone,
not on where in it each anime points. The network uses that freedom: it turns and bends A so that the cosine of two
anime tells how alike they are (by the teacher's weights, genres and synopses), at almost no loss for lists. How A
lies in its space also decides which users come out similar, so a third term keeps the strong directions of taste as
strong, beside each other, as users with similar lists need.

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

from training.embeddings.callbacks import ReportProgress, tensorboard
from training.embeddings.config import AutoencoderConfig
from training.embeddings.content import Content
from training.embeddings.keras_setup import keras, make_repeatable, tf
from training.embeddings.loop import fit_batches
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
    """The network: rows of anime go in, how similar every anime is to each comes out.

    Parameters
    ----------
    start : ndarray of shape (n_anime, embedding_size), dtype=float32
        Where the embeddings start: directions with lengths.
    directions : ndarray of shape (n_anime, n_directions), dtype=float32
        Principal directions of the teacher's scores.
    energies : ndarray of shape (n_directions,), dtype=float32
        How much lies along each.
    config : AutoencoderConfig
    """

    def __init__(
        self, start: Matrix, directions: Matrix, energies: NDArray[np.float32], config: AutoencoderConfig
    ) -> None:
        super().__init__()
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
        """Tell how similar every anime is to each of a batch.

        Parameters
        ----------
        anime_rows : tensor of shape (batch,), dtype=int32

        Returns
        -------
        tensor of shape (batch, n_anime), dtype=float32
            Logits: cosines times a learned temperature.
        """
        unit = tf.math.l2_normalize(self.embeddings, axis=1)  # (N, D)
        embeddings = unit * tf.exp(self.log_lengths)  # (N, D)
        self.add_loss(self._config.list_weight * self.lost_share(embeddings))
        self.add_loss(self._config.user_weight * self.unevenness(embeddings))
        itself = tf.one_hot(anime_rows, tf.shape(unit)[0])  # (B, N)
        # A product is quicker than gathering rows, whose gradient has to be put together in a repeatable order.
        cosines = tf.matmul(tf.matmul(itself, unit), unit, transpose_b=True)  # (B, N)
        return tf.exp(self.log_temperature) * cosines - _EXCLUDED * itself

    def lost_share(self, embeddings: Any) -> Any:
        """Tell how much of the teacher's scores embeddings cannot say.

        Parameters
        ----------
        embeddings : tensor of shape (n_anime, embedding_size), dtype=float32
            With their lengths.

        Returns
        -------
        tensor, dtype=float32
            0 where the embeddings span the strongest directions, 1 where they span none.
        """
        along = tf.matmul(self._directions, embeddings, transpose_a=True)  # (K, D)
        gram = tf.matmul(embeddings, embeddings, transpose_a=True)  # (D, D)
        size = tf.shape(gram)[0]
        ridge = _RIDGE * tf.linalg.trace(gram) / tf.cast(size, tf.float32) * tf.eye(size)
        kept = tf.linalg.solve(gram + ridge, tf.matmul(along, along * self._shares, transpose_a=True))
        return 1.0 - tf.linalg.trace(kept)

    def unevenness(self, embeddings: Any) -> Any:
        """Tell how far the strengths of the directions are from those that suit the similarity of users.

        Parameters
        ----------
        embeddings : tensor of shape (n_anime, embedding_size), dtype=float32
            With their lengths.

        Returns
        -------
        tensor, dtype=float32
            0 where each direction is as strong as wanted and none leans on another.
        """
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
    """Learn embeddings of anime from lists and from what the catalogue says.

    Parameters
    ----------
    train : Interactions
        The lists to learn from; plan-to-watch is left out.
    teacher : Teacher
        Learned from the same lists.
    config : AutoencoderConfig
    log_folder : Path, optional
        For TensorBoard.
    content : Content, optional
        Of every anime. Without it, similar anime follow from the lists alone.

    Returns
    -------
    TrainedNetwork
        With ``normalised_sum`` users.

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
    """Say how long the embeddings are along directions: 1 for the strongest.

    Along a direction of energy e, users spread by e to the power (1 - energy_power) / 2: all alike at 1, and as the
    teacher's scores do at 0.
    """
    shares = np.maximum(energies / max(float(energies.max()), 1e-30), _LEAST_ENERGY)
    strengths: NDArray[np.float32] = (shares ** (config.energy_power / 2)).astype(np.float32)
    return strengths


def _start(
    directions: Matrix, energies: NDArray[np.float32], config: AutoencoderConfig, rng: np.random.Generator
) -> Matrix:
    """Start from the strongest directions, each as long as it should be."""
    n_anime, n_directions = directions.shape
    embedding_size = config.embedding_size
    n_used = min(embedding_size, n_directions)
    start = np.zeros((n_anime, embedding_size), dtype=np.float32)
    start[:, :n_used] = directions[:, :n_used] * _strengths(energies[:n_used], config)
    typical = float(np.sqrt(np.mean(np.sum(np.square(start), axis=1)))) or 1.0
    # A little noise gives a direction to anime that the lists say nothing of, and to columns without one.
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
            # What has no numbers any more, or lost a direction, is solved for in the loss.
            raise InputError(
                "the autoencoder network diverged (a matrix of its loss cannot be inverted); lower "
                "autoencoder.learning_rate, autoencoder.list_weight or autoencoder.target_sharpness"
            ) from error


def _list_embeddings(teacher: Teacher, embeddings: Matrix) -> Matrix:
    """Solve for what each anime on a list adds to the user, so that the teacher's scores come out best."""
    exact = embeddings.astype(np.float64)
    gram = exact.T @ exact
    gram[np.diag_indices_from(gram)] += _RIDGE * np.trace(gram) / len(gram)
    solved = np.linalg.solve(gram, teacher.times(embeddings).T.astype(np.float64)).T
    # Only the direction of a sum counts, so any common scale will do: rows of length 1 on average.
    typical = np.linalg.norm(solved, axis=1).mean() or 1.0
    list_embeddings: Matrix = (solved / typical).astype(np.float32)
    return list_embeddings
