"""Keras' training loop for batches that are made while it trains."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from training.embeddings.keras_setup import keras


def fit_batches(
    network: Any, batches: Any, epochs: int, callbacks: Sequence[Any], steps_per_epoch: int | None = None
) -> dict[str, list[float]]:
    """Train a compiled network, each batch made by one other thread while the one before is learned from.

    ``fit`` makes them in between, and copies each a few times on its way: half of the time here.

    Parameters
    ----------
    network : keras.Model
        Compiled.
    batches : keras.utils.PyDataset
        Asked for its batches in order, epoch after epoch.
    epochs : int
    callbacks : sequence of keras.callbacks.Callback
    steps_per_epoch : int, optional
        All batches where it is left out.

    Returns
    -------
    dict of str to list of float
        The mean over the batches of the loss, and of whatever else is measured, per epoch.
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
