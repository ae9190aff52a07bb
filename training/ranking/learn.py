"""Learns small networks that rank, side by side, from lists with what should come on top.

References
----------
Adam: Kingma and Ba, ICLR 2015. Starting values: He et al., ICCV 2015.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from models.cores import usable_cores
from training.ranking.backprop import Parameters, RankedList, loss_and_gradients

# Of the learning rate, in the end.
_LAST_RATE: Final = 0.02


@dataclass(frozen=True)
class Learning:
    """How networks are learned.

    Attributes
    ----------
    n_networks : int
    first_width, second_width : int
        Of the hidden layers.
    dropout : float
        Share of the hidden units that are dropped, by the list: all its candidates are scored by the same network.
        That ranks as well as a mask for every candidate, of which there are hundreds of times as many to draw.
    epochs : int
        Passes over the lists.
    batch_size : int
        Lists per step.
    learning_rate : float
        Of Adam, at first; falls to a fiftieth.
    odds_weight : float
        As for :func:`training.ranking.backprop.loss_and_gradients`.
    seed : int
        Of everything random.
    """

    n_networks: int
    first_width: int
    second_width: int
    dropout: float
    epochs: int
    batch_size: int
    learning_rate: float
    odds_weight: float
    seed: int

    def n_steps(self, n_lists: int) -> int:
        """Count the steps of learning from so many lists."""
        return self.epochs * -(-n_lists // self.batch_size)


def learn_networks(
    n_lists: int,
    n_features: int,
    list_at: Callable[[int], RankedList],
    learning: Learning,
    report: Callable[[int, float], None],
) -> tuple[Parameters, list[float]]:
    """Learn to put on top what is wanted.

    ``list_at`` gives the list of a number below ``n_lists``, asked by several threads at once. ``report`` is told
    after each step how many are done, and the mean loss of the lists of this epoch so far. Gives the parameters, the
    same however many cores there are, and per epoch a list's mean loss, summed over the networks.

    Raises
    ------
    ValueError
        If there are no lists.
    """
    if n_lists < 1:
        raise ValueError("there are no lists to learn from")
    rng = np.random.default_rng(learning.seed)
    parameters = _start(n_features, learning, rng)
    adam = _Adam(parameters)
    n_steps = learning.n_steps(n_lists)
    losses = []

    def look_at(number: int, counted: NDArray[np.float32]) -> tuple[float, Parameters]:
        return loss_and_gradients(parameters, list_at(number), counted, learning.odds_weight)

    # Each thread's products are small: more threads for one of them would wait for each other.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(usable_cores()) as pool:
        for _ in range(learning.epochs):
            order = rng.permutation(n_lists)
            lost, n_seen = 0.0, 0
            for start in range(0, n_lists, learning.batch_size):
                numbers = np.sort(order[start : start + learning.batch_size])
                # In the order of the lists, so that sums are the same however many threads there are.
                seen = list(pool.map(look_at, numbers, _draw_counted(len(numbers), learning, rng)))
                gradients = [sum(parts) / len(numbers) for parts in zip(*(each for _, each in seen), strict=True)]
                adam.step(gradients, learning.learning_rate * _share_of_rate(adam.n_steps / n_steps))
                lost += sum(loss for loss, _ in seen)
                n_seen += len(numbers)
                report(adam.n_steps, lost / n_seen)
            losses.append(lost / n_lists)
    return parameters, losses


def _start(n_features: int, learning: Learning, rng: np.random.Generator) -> Parameters:
    n_networks, n_first, n_second = learning.n_networks, learning.first_width, learning.second_width

    def draw(n_inputs: int, *shape: int) -> NDArray[np.float32]:
        return (rng.standard_normal(shape) * math.sqrt(2.0 / n_inputs)).astype(np.float32)

    def zeros(*shape: int) -> NDArray[np.float32]:
        return np.zeros(shape, dtype=np.float32)

    return Parameters(
        first=draw(n_features, n_features, n_networks * n_first),
        first_bias=zeros(n_networks * n_first),
        second=draw(n_first, n_networks, n_first, n_second),
        second_bias=zeros(n_networks, n_second),
        last=draw(n_second, n_networks, n_second),
        last_bias=zeros(n_networks),
    )


def _draw_counted(n_lists: int, learning: Learning, rng: np.random.Generator) -> NDArray[np.float32]:
    n_units = learning.n_networks * (learning.first_width + learning.second_width)
    kept = rng.random((n_lists, n_units), dtype=np.float32) >= learning.dropout
    # What is left counts more, so that sums stay what they are when nothing is dropped.
    return kept.astype(np.float32) / np.float32(1.0 - learning.dropout)


def _share_of_rate(done: float) -> float:
    """Fall along half a wave of the cosine."""
    return _LAST_RATE + (1.0 - _LAST_RATE) * (1.0 + math.cos(math.pi * done)) / 2.0


class _Adam:
    """Changes parameters in place."""

    _FIRST_DECAY, _SECOND_DECAY, _LEAST_SPREAD = 0.9, 0.999, 1e-7

    def __init__(self, parameters: Parameters) -> None:
        self.n_steps = 0
        self._parameters = parameters
        self._means = [np.zeros_like(parameter) for parameter in parameters]
        self._squares = [np.zeros_like(parameter) for parameter in parameters]

    def step(self, gradients: list[NDArray[np.float32]], rate: float) -> None:
        self.n_steps += 1
        # Means that start at 0 are too small at first.
        mended = math.sqrt(1.0 - self._SECOND_DECAY**self.n_steps) / (1.0 - self._FIRST_DECAY**self.n_steps)
        for parameter, gradient, mean, square in zip(
            self._parameters, gradients, self._means, self._squares, strict=True
        ):
            mean += (1.0 - self._FIRST_DECAY) * (gradient - mean)  # noqa: PLW2901 - in place
            square += (1.0 - self._SECOND_DECAY) * (np.square(gradient) - square)  # noqa: PLW2901
            parameter -= rate * mended * mean / (np.sqrt(square) + self._LEAST_SPREAD)  # noqa: PLW2901
