"""The training loop with batches made beside it."""

import numpy as np
import pytest

from training.embeddings.keras_setup import keras
from training.embeddings.loop import fit_batches


class _Numbers(keras.utils.PyDataset):  # type: ignore[misc]
    """Batch i wants the number i of a network that says 0."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        self.asked.append(index)
        return np.ones((2, 1), dtype=np.float32), np.full((2, 1), index, dtype=np.float32)


def _silent_network() -> keras.Model:
    network = keras.Sequential([keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    network.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse")
    return network


def test_the_history_holds_the_mean_over_the_batches_of_each_pass() -> None:
    batches = _Numbers()
    history = fit_batches(_silent_network(), batches, 2, [])
    assert history["loss"] == pytest.approx([(0 + 1 + 4 + 9) / 4] * 2)
    assert batches.asked[:8] == [0, 1, 2, 3] * 2


def test_a_pass_may_end_before_the_last_batch() -> None:
    history = fit_batches(_silent_network(), _Numbers(), 1, [], steps_per_epoch=3)
    assert history["loss"] == pytest.approx([(0 + 1 + 4) / 3])
