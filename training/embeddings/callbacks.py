"""Keras callbacks that every network uses."""

from pathlib import Path
from typing import Any

from training.embeddings.keras_setup import keras
from training.support.terminal import ProgressUpdate


class ReportProgress(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells a progress bar how many steps are done, and the loss."""

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
    """Give the callback that writes TensorBoard logs, where they are wanted.

    Returns
    -------
    list
        Empty, or with one callback.
    """
    return [keras.callbacks.TensorBoard(str(log_folder))] if log_folder else []
