"""The notebook's own way, to be compared with: its preparation in pandas and an epoch of its network in Keras.

``python -m benchmarks.notebook_way --data DIR --batches 400`` times that many batches and extrapolates to the epoch;
without ``--batches`` it trains the whole epoch. It prints JSON.

What it does is what the notebook does, step by step, in our own words: users with 400 ratings or more, ratings scaled
by a Python function per row, ids encoded by dicts, shuffled, 10,000 rows held out; the network with two embeddings of
128, their normalised dot product, a dense layer, batch normalisation and a sigmoid; batches of 10,000.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MIN_RATINGS: Final = 400
HELD_OUT_ROWS: Final = 10_000
BATCH_SIZE: Final = 10_000
EMBEDDING_SIZE: Final = 128
# Until it settles: the first batches compile the graph and meet cold memory.
WARM_UP_BATCHES: Final = 20

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class EpochTime:
    """What a whole epoch takes, and a batch of it after warming up.

    ``unmeasured_seconds`` of ``seconds`` were not spent, but follow from ``seconds_per_batch``: 0 for a whole epoch.
    """

    seconds: float
    seconds_per_batch: float
    n_batches: int
    n_timed: int
    unmeasured_seconds: float


def extrapolate(moments: NDArray[np.float64], n_batches: int, n_warm_up: int) -> EpochTime:
    """Tell an epoch from its first batches.

    Parameters
    ----------
    moments : ndarray of shape (n_trained,), dtype=float64
        When each trained batch ended, in seconds since the epoch began.
    n_batches : int
        Batches in the epoch.
    n_warm_up : int
        So many batches come first that do not count for ``seconds_per_batch``; their seconds do count. Half of the
        epoch at most.

    Raises
    ------
    ValueError
        If nothing is left to time after warming up, or more batches were trained than there are.
    """
    n_warm_up = min(n_warm_up, n_batches // 2)
    n_timed = len(moments) - n_warm_up
    if n_timed < 1 or n_warm_up < 1 or len(moments) > n_batches:
        raise ValueError(
            f"cannot tell an epoch of {n_batches} batches from {len(moments)}, {n_warm_up} of them to warm up"
        )
    per_batch = float(moments[-1] - moments[n_warm_up - 1]) / n_timed
    unmeasured = (n_batches - len(moments)) * per_batch
    return EpochTime(float(moments[-1]) + unmeasured, per_batch, n_batches, n_timed, unmeasured)


@dataclass(frozen=True)
class RatedPairs:
    """What the network learns from: encoded ids, with ratings in [0, 1]."""

    users: NDArray[np.int64]
    anime: NDArray[np.int64]
    ratings: NDArray[np.float64]
    n_users: int
    n_anime: int


@dataclass
class Parts:
    """Seconds of every part, in their order."""

    seconds: dict[str, float] = field(default_factory=dict)

    def time(self, name: str, work: Callable[[], Answer]) -> Answer:
        """Do a part and note what it took; give what it gives."""
        started = time.perf_counter()
        answer = work()
        self.seconds[name] = time.perf_counter() - started
        return answer


def prepare(lists: Path, parts: Parts) -> RatedPairs:
    """Prepare ``animelist.csv`` as the notebook does, without the rows that are held out."""
    frame = parts.time("read", lambda: pd.read_csv(lists, usecols=["user_id", "anime_id", "rating"]))
    frame = parts.time("filter", lambda: _keep_long_lists(frame))
    parts.time("scale", lambda: _scale(frame))
    n_users, n_anime = parts.time("encode", lambda: (_encode(frame, "user"), _encode(frame, "anime")))
    frame = parts.time("shuffle", lambda: frame.sample(frac=1, random_state=1))
    return parts.time("split", lambda: _split(frame, n_users, n_anime))


def _keep_long_lists(frame: pd.DataFrame) -> pd.DataFrame:
    n_ratings = frame["user_id"].value_counts()
    return frame[frame["user_id"].isin(n_ratings[n_ratings >= MIN_RATINGS].index)].copy()


def _scale(frame: pd.DataFrame) -> None:
    lowest, highest = frame["rating"].min(), frame["rating"].max()
    frame["rating"] = frame["rating"].apply(lambda rating: (rating - lowest) / (highest - lowest)).astype(np.float64)


def _encode(frame: pd.DataFrame, name: str) -> int:
    codes = {identity: code for code, identity in enumerate(frame[f"{name}_id"].unique().tolist())}
    frame[name] = frame[f"{name}_id"].map(codes)
    return len(codes)


def _split(frame: pd.DataFrame, n_users: int, n_anime: int) -> RatedPairs:
    pairs, ratings = frame[["user", "anime"]].to_numpy(), frame["rating"].to_numpy()
    kept = slice(None, -HELD_OUT_ROWS)
    return RatedPairs(pairs[kept, 0], pairs[kept, 1], ratings[kept], n_users, n_anime)


def train(examples: RatedPairs, n_batches: int | None, parts: Parts) -> tuple[EpochTime, EpochTime]:
    """Train the notebook's network for an epoch, or for as many batches as tell how long one takes.

    Parameters
    ----------
    examples : RatedPairs
    n_batches : int or None
        To time, after warming up; None trains the whole epoch.
    parts : Parts
        Takes the import of TensorFlow and the making of the network.

    Returns
    -------
    tuple of EpochTime
        By the clock on the wall, and in processor time.
    """
    keras = parts.time("import tensorflow", _import_keras)
    network = parts.time("make network", lambda: _network(keras, examples.n_users, examples.n_anime))
    watch = _watch(keras, WARM_UP_BATCHES + n_batches if n_batches else None)
    started = time.perf_counter(), time.process_time()
    network.fit(
        [examples.users, examples.anime],
        examples.ratings,
        batch_size=BATCH_SIZE,
        epochs=1,
        shuffle=True,
        verbose=0,
        callbacks=[watch, keras.callbacks.LearningRateScheduler(_learning_rate)],
    )
    n_in_epoch = -(-len(examples.ratings) // BATCH_SIZE)
    wall, cpu = (np.array(watch.moments) - started).T
    return extrapolate(wall, n_in_epoch, WARM_UP_BATCHES), extrapolate(cpu, n_in_epoch, WARM_UP_BATCHES)


def _import_keras() -> Any:
    from training.embeddings.keras_setup import keras  # noqa: PLC0415 - timed as a part

    return keras


def _network(keras: Any, n_users: int, n_anime: int) -> Any:
    layers = keras.layers
    user, anime = layers.Input(shape=(1,)), layers.Input(shape=(1,))
    user_vector = layers.Embedding(n_users, EMBEDDING_SIZE)(user)  # (B, 1, D)
    anime_vector = layers.Embedding(n_anime, EMBEDDING_SIZE)(anime)  # (B, 1, D)
    cosine = layers.Flatten()(layers.Dot(normalize=True, axes=2)([user_vector, anime_vector]))  # (B, 1)
    logit = layers.BatchNormalization()(layers.Dense(1, kernel_initializer="he_normal")(cosine))  # (B, 1)
    network = keras.Model([user, anime], layers.Activation("sigmoid")(logit))
    network.compile(loss="binary_crossentropy", metrics=["mae", "mse"], optimizer="adam")
    return network


def _learning_rate(epoch: int) -> float:
    """Rise from 1e-5 to 5e-5 in five epochs."""
    return 1e-5 + min(epoch, 5) / 5 * 4e-5


def _watch(keras: Any, last_batch: int | None) -> Any:
    class Watch(keras.callbacks.Callback):  # type: ignore[misc]
        """Notes when each batch ends, and stops after the last one wanted."""

        def __init__(self) -> None:
            super().__init__()
            self.moments: list[tuple[float, float]] = []

        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
            self.moments.append((time.perf_counter(), time.process_time()))
            if batch + 1 == last_batch:
                self.model.stop_training = True

    return Watch()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.notebook_way", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="Folder with animelist.csv.")
    parser.add_argument("--batches", type=int, help="Time this many and extrapolate. [default: the whole epoch]")
    options = parser.parse_args()
    parts = Parts()
    examples = prepare(options.data / "animelist.csv", parts)
    epoch, cpu = train(examples, options.batches, parts)
    print(
        json.dumps(
            {
                "seconds": parts.seconds | {"epoch": epoch.seconds},
                "epoch_is_extrapolated": epoch.unmeasured_seconds > 0,
                "unmeasured_seconds": epoch.unmeasured_seconds,
                "unmeasured_cpu_seconds": cpu.unmeasured_seconds,
                "batches_timed": epoch.n_timed,
                "batches_in_epoch": epoch.n_batches,
                "seconds_per_batch": epoch.seconds_per_batch,
                "n_rows": len(examples.ratings),
                "n_users": examples.n_users,
                "n_anime": examples.n_anime,
                "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
