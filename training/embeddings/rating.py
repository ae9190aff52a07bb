"""The rating network of the notebook this project grew out of, kept as a baseline.

Two embeddings, their normalised dot product, Dense(1), batch normalisation, sigmoid; binary cross-entropy on
min-max scaled ratings, unrated being 0. It predicts ratings, and ranks far below popularity: docs/experiments.md.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.embeddings.config import RatingConfig
from training.embeddings.keras_setup import keras, make_repeatable
from training.embeddings.loop import ReportProgress, tensorboard
from training.embeddings.trained import TrainedNetwork, unit_rows
from training.lists.interactions import Interactions
from training.support.terminal import progress


def build_rating_network(n_users: int, n_anime: int, embedding_size: int) -> Any:
    """Build the notebook's network: user rows and anime rows of shape (batch, 1) to scaled ratings of that shape."""
    user = keras.layers.Input(shape=(1,), name="user", dtype="int32")
    anime = keras.layers.Input(shape=(1,), name="anime", dtype="int32")
    user_vector = keras.layers.Embedding(n_users, embedding_size, name="user_embedding")(user)
    anime_vector = keras.layers.Embedding(n_anime, embedding_size, name="anime_embedding")(anime)
    product = keras.layers.Dot(axes=2, normalize=True, name="dot_product")([user_vector, anime_vector])
    x = keras.layers.Flatten()(product)
    x = keras.layers.Dense(1, kernel_initializer="he_normal", name="dense")(x)
    x = keras.layers.BatchNormalization(name="batch_normalization")(x)
    return keras.Model([user, anime], keras.layers.Activation("sigmoid")(x))


def fit_rating(interactions: Interactions, config: RatingConfig, log_folder: Path | None = None) -> TrainedNetwork:
    """Train the notebook's network on every row, plan-to-watch too, as in the notebook."""
    started = time.monotonic()
    make_repeatable(config.seed)
    train, held_out = _examples(interactions, config)
    network = build_rating_network(interactions.n_users, interactions.n_anime, config.embedding_size)
    network.compile(loss="binary_crossentropy", metrics=["mae", "mse"], optimizer=keras.optimizers.Adam())
    n_steps = -(-len(train[1]) // config.batch_size)
    with (
        tempfile.TemporaryDirectory() as folder,
        progress("train rating network", config.epochs * n_steps, "steps") as update,
    ):
        best = Path(folder) / "best.weights.h5"
        history = network.fit(
            *train,
            batch_size=config.batch_size,
            epochs=config.epochs,
            verbose=0,
            validation_data=held_out,
            callbacks=[
                keras.callbacks.LearningRateScheduler(config.learning_rate_at),
                keras.callbacks.ModelCheckpoint(
                    str(best), save_weights_only=True, monitor="val_loss", mode="min", save_best_only=True
                ),
                keras.callbacks.EarlyStopping(monitor="val_loss", mode="min", patience=config.patience),
                ReportProgress(update, n_steps),
                *tensorboard(log_folder),
            ],
        )
        if best.exists():
            network.load_weights(str(best))
    anime_embeddings = unit_rows(network.get_layer("anime_embedding").get_weights()[0])
    return TrainedNetwork(
        network="rating",
        anime_embeddings=anime_embeddings,
        # It knows nothing of unseen users: the sum of what they have seen is the next best thing.
        list_embeddings=anime_embeddings,
        anime_gains=np.ones(len(anime_embeddings), dtype=np.float32),
        # Half of all random starts make the dense layer's weight negative, and a high cosine a low rating.
        # Turning the users round leaves their similarities to each other as they are.
        user_embeddings=unit_rows(network.get_layer("user_embedding").get_weights()[0]) * _sign_of_cosine(network),
        user_embedding_rule="trained",
        config=config.model_dump(),
        history={name: [float(value) for value in values] for name, values in history.history.items()},
        seconds=time.monotonic() - started,
    )


Examples = tuple[list[NDArray[np.int32]], NDArray[np.float32]]


def _examples(interactions: Interactions, config: RatingConfig) -> tuple[Examples, Examples]:
    """Shuffle the rows into training and validation examples."""
    n_rows = len(interactions.anime_rows)
    order = np.random.default_rng(config.seed).permutation(n_rows)
    # A tenth at most, so that a small dump keeps something to learn from.
    n_held_out = max(1, min(config.held_out_rows, n_rows // 10))
    user_rows = interactions.user_rows()
    lowest, highest = int(interactions.ratings.min()), int(interactions.ratings.max())
    scaled = ((interactions.ratings - lowest) / max(1, highest - lowest)).astype(np.float32)

    def pick(rows: NDArray[np.int64]) -> Examples:
        return [user_rows[rows][:, None], interactions.anime_rows[rows][:, None]], scaled[rows]

    return pick(order[:-n_held_out] if n_rows > 1 else order), pick(order[-n_held_out:])


def _sign_of_cosine(network: Any) -> np.float32:
    """Return 1 if a higher cosine means a higher predicted rating, or -1."""
    kernel = network.get_layer("dense").get_weights()[0]
    gamma = network.get_layer("batch_normalization").get_weights()[0]
    return np.float32(-1.0 if kernel.ravel()[0] * gamma.ravel()[0] < 0.0 else 1.0)
