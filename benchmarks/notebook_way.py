"""``python -m benchmarks.notebook_way --data DIR [--batches N]``: the notebook's own way, timed, as JSON.

Step by step what the notebook does: users with 400 ratings or more, ratings scaled by a Python function per row, ids
encoded by dicts, shuffled, 10,000 rows held out; a network of two embeddings of 128, their normalised dot product, a
dense layer, batch normalisation and a sigmoid; an epoch in batches of 10,000. ``--batches`` times that many batches
and extrapolates to the epoch.
"""

import argparse
import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MIN_RATINGS: Final = 400
HELD_OUT_ROWS: Final = 10_000
BATCH_SIZE: Final = 10_000
EMBEDDING_SIZE: Final = 128
# The first batches compile the graph and read cold memory.
WARM_UP_BATCHES: Final = 20


@contextlib.contextmanager
def _timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[part] = time.perf_counter() - started


def prepare(lists: Path, seconds: dict[str, float]) -> pd.DataFrame:
    """Prepare ``animelist.csv`` as the notebook does, without the held-out rows; note the seconds of every part.

    The result has the columns user and anime (encoded ids) and rating, in [0, 1].
    """
    with _timed(seconds, "read"):
        frame = pd.read_csv(lists, usecols=["user_id", "anime_id", "rating"])
    with _timed(seconds, "filter"):
        n_ratings = frame["user_id"].value_counts()
        frame = frame[frame["user_id"].isin(n_ratings[n_ratings >= MIN_RATINGS].index)].copy()
    with _timed(seconds, "scale"):
        low, high = frame["rating"].min(), frame["rating"].max()
        frame["rating"] = frame["rating"].apply(lambda rating: (rating - low) / (high - low)).astype(np.float64)
    with _timed(seconds, "encode"):
        for name in ("user", "anime"):
            codes = {identity: code for code, identity in enumerate(frame[f"{name}_id"].unique().tolist())}
            frame[name] = frame[f"{name}_id"].map(codes)
    with _timed(seconds, "shuffle"):
        frame = frame.sample(frac=1, random_state=1)
    with _timed(seconds, "split"):
        return frame[["user", "anime", "rating"]].iloc[:-HELD_OUT_ROWS]


def train(examples: pd.DataFrame, n_batches: int, seconds: dict[str, float]) -> NDArray[np.float64]:
    """Train the notebook's network for one epoch, or stop after ``n_batches``.

    Gives when each batch ended, in seconds since the epoch began: by the clock on the wall, and in processor time.
    """
    with _timed(seconds, "import tensorflow"):
        from training.embeddings.keras_setup import keras  # noqa: PLC0415 - timed as a part
    with _timed(seconds, "make network"):
        network = _network(keras, examples["user"].max() + 1, examples["anime"].max() + 1)
    moments = [(time.perf_counter(), time.process_time())]

    def note_batch(batch: int, logs: object) -> None:  # noqa: ARG001 - Keras passes it by name
        moments.append((time.perf_counter(), time.process_time()))
        network.stop_training = batch + 1 == n_batches

    # The learning rate of the first epoch; it rises to 5e-5 in five.
    network.optimizer.learning_rate = 1e-5
    network.fit(
        [examples["user"].to_numpy(), examples["anime"].to_numpy()],
        examples["rating"].to_numpy(),
        batch_size=BATCH_SIZE,
        shuffle=True,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=note_batch)],
    )
    return np.array(moments[1:]) - moments[0]


def _network(keras: Any, n_users: int, n_anime: int) -> Any:
    layers = keras.layers
    user, anime = layers.Input(shape=(1,)), layers.Input(shape=(1,))
    user_vector = layers.Embedding(int(n_users), EMBEDDING_SIZE)(user)  # (B, 1, D)
    anime_vector = layers.Embedding(int(n_anime), EMBEDDING_SIZE)(anime)  # (B, 1, D)
    cosine = layers.Flatten()(layers.Dot(normalize=True, axes=2)([user_vector, anime_vector]))  # (B, 1)
    logit = layers.BatchNormalization()(layers.Dense(1, kernel_initializer="he_normal")(cosine))  # (B, 1)
    network = keras.Model([user, anime], layers.Activation("sigmoid")(logit))
    network.compile(loss="binary_crossentropy", metrics=["mae", "mse"], optimizer="adam")
    return network


def seconds_per_batch(moments: NDArray[np.float64], n_batches: int, n_warm_up: int) -> NDArray[np.float64]:
    """Return the mean of the batches after the ones that warm up (half of the epoch's ``n_batches`` at most).

    Raises
    ------
    ValueError
        If no batch is left to time.
    """
    n_warm_up = min(n_warm_up, n_batches // 2)
    if not 0 < n_warm_up < len(moments):
        raise ValueError(f"cannot time an epoch of {n_batches} batches by {len(moments)}, {n_warm_up} to warm up")
    mean: NDArray[np.float64] = (moments[-1] - moments[n_warm_up - 1]) / (len(moments) - n_warm_up)
    return mean


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.notebook_way", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="Folder with animelist.csv.")
    parser.add_argument("--batches", type=int, help="Time this many and extrapolate. [default: the whole epoch]")
    options = parser.parse_args()
    seconds: dict[str, float] = {}
    examples = prepare(options.data / "animelist.csv", seconds)
    n_batches = -(-len(examples) // BATCH_SIZE)
    wanted = min(n_batches, WARM_UP_BATCHES + options.batches) if options.batches else n_batches
    moments = train(examples, wanted, seconds)
    per_batch = seconds_per_batch(moments, n_batches, WARM_UP_BATCHES)
    unmeasured_s, unmeasured_cpu_s = ((n_batches - len(moments)) * per_batch).tolist()
    seconds["epoch"] = float(moments[-1, 0]) + unmeasured_s
    found = {
        "seconds": seconds,
        "unmeasured_s": unmeasured_s,
        "unmeasured_cpu_s": unmeasured_cpu_s,
        "batches_timed": len(moments) - min(WARM_UP_BATCHES, n_batches // 2),
        "batches_in_epoch": n_batches,
        "seconds_per_batch": float(per_batch[0]),
        "n_rows": len(examples),
    }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
