"""Keras' training loop for batches that are made while it trains."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from training.networks.keras_setup import keras


def fit_batches(network: Any, batches: Any, epochs: int, callbacks: Sequence[Any]) -> dict[str, list[float]]:
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

    Returns
    -------
    dict of str to list of float
        The mean of the loss, and of whatever else is measured, per epoch.
    """
    told = keras.callbacks.CallbackList(list(callbacks), model=network, epochs=epochs, steps=len(batches))
    history: dict[str, list[float]] = {}
    told.on_train_begin()
    with ThreadPoolExecutor(1) as pool:
        upcoming = pool.submit(batches.__getitem__, 0)
        for epoch in range(epochs):
            told.on_epoch_begin(epoch)
            network.reset_metrics()
            logs: dict[str, Any] = {}
            for step in range(len(batches)):
                batch = upcoming.result()
                upcoming = pool.submit(batches.__getitem__, (step + 1) % len(batches))
                told.on_train_batch_begin(step)
                logs = network.train_on_batch(*batch, return_dict=True)
                told.on_train_batch_end(step, logs)
            told.on_epoch_end(epoch, logs)
            for name, value in logs.items():
                history.setdefault(name, []).append(float(value))
    told.on_train_end()
    return history
