"""Keras' training loop for batches that are made while it trains, and the callbacks of every network."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from training.embeddings.keras_setup import keras
from training.support.terminal import ProgressUpdate


def fit_batches(
    network: Any, batches: Any, epochs: int, callbacks: Sequence[Any], steps_per_epoch: int | None = None
) -> dict[str, list[float]]:
    """Train a compiled network; a thread makes each batch while the network learns from the one before.

    Keras' own ``fit`` makes them in between and copies each a few times, which doubles the time here.

    Returns
    -------
    dict of str to list of float
        The means over the batches of the loss, and of whatever else is measured, per epoch.
    """
    n_steps = steps_per_epoch or len(batches)
    listeners = keras.callbacks.CallbackList(list(callbacks), model=network, epochs=epochs, steps=n_steps)
    history: dict[str, list[float]] = {}
    listeners.on_train_begin()
    with ThreadPoolExecutor(1) as pool:
        upcoming = pool.submit(batches.__getitem__, 0)
        for epoch in range(epochs):
            listeners.on_epoch_begin(epoch)
            measured: list[dict[str, Any]] = []
            for step in range(n_steps):
                batch = upcoming.result()
                upcoming = pool.submit(batches.__getitem__, (step + 1) % n_steps)
                listeners.on_train_batch_begin(step)
                # Of this batch alone.
                measured.append(network.train_on_batch(*batch, return_dict=True))
                listeners.on_train_batch_end(step, measured[-1])
            means = {name: float(np.mean([each[name] for each in measured])) for name in measured[0]}
            listeners.on_epoch_end(epoch, means)
            for name, mean in means.items():
                history.setdefault(name, []).append(mean)
    listeners.on_train_end()
    return history


class ReportProgress(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports the number of steps done, and the loss."""

    def __init__(self, update: ProgressUpdate, steps_per_epoch: int) -> None:
        super().__init__()
        self._update = update
        self._steps_per_epoch = steps_per_epoch
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Remember the epoch."""
        del logs
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Report one more step."""
        done = self._epoch * self._steps_per_epoch + batch + 1
        self._update(done, f"epoch {self._epoch + 1}, loss {(logs or {}).get('loss', float('nan')):.4f}")


def tensorboard(log_folder: Path | None) -> list[Any]:
    """Return the callback that writes TensorBoard logs, if they are wanted."""
    return [keras.callbacks.TensorBoard(str(log_folder))] if log_folder else []
