"""The network that re-ranks: a few small ones, learned side by side and averaged.

References
----------
Adam: Kingma and Ba, ICLR 2015. Starting values: He et al., ICCV 2015.
"""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from models.scoring.reranker import RerankingNetwork
from training.reranking.backprop import Parameters, loss_and_gradients
from training.reranking.config import RerankerConfig
from training.terminal import progress

_LAST_RATE: Final = 0.02


def fit_network(
    features: NDArray[np.float16], hidden: NDArray[np.bool_], scales: NDArray[np.float32], config: RerankerConfig
) -> tuple[RerankingNetwork, dict[str, list[float]]]:
    """Learn to put on top what was hidden.

    Hidden units are dropped by the list: all its candidates are scored by the same network. That ranks as well as a
    mask for every candidate, of which there are three hundred times as many to draw.

    Parameters
    ----------
    features : ndarray of shape (n_tasks, n_candidates, n_features), dtype=float16
        Standardised.
    hidden : ndarray of shape (n_tasks, n_candidates), dtype=bool
        What should come on top; something in every task.
    scales : ndarray of shape (2, n_features), dtype=float32
        What the features were standardised with.
    config : RerankerConfig

    Returns
    -------
    network : RerankingNetwork
    history : dict of str to list of float
        Loss per epoch: a list's mean, summed over the networks.
    """
    n_tasks, _, n_features = features.shape
    rng = np.random.default_rng(config.seed)
    parameters = _start(n_features, config, rng)
    adam = _Adam(parameters)
    n_steps = config.epochs * -(-n_tasks // config.batch_size)
    losses: list[float] = []

    def look_at(task: int, counted: NDArray[np.float32]) -> tuple[float, Parameters]:
        table = features[task].astype(np.float32)
        return loss_and_gradients(parameters, table, hidden[task], counted, config.odds_weight)

    # Each thread's products are small: more threads for one of them would wait for each other.
    with (
        progress("train re-ranker", n_steps, "steps") as update,
        threadpool_limits(1, "blas"),
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
    ):
        for _ in range(config.epochs):
            order = rng.permutation(n_tasks)
            lost = 0.0
            for start in range(0, n_tasks, config.batch_size):
                tasks = np.sort(order[start : start + config.batch_size])
                # In the order of the tasks, so that sums are the same however many threads there are.
                seen = list(pool.map(look_at, tasks, _draw_counted(len(tasks), config, rng)))
                lost += sum(loss for loss, _ in seen)
                gradients = [sum(parts) / len(tasks) for parts in zip(*(each for _, each in seen), strict=True)]
                adam.step(gradients, config.learning_rate * _share_of_rate(adam.n_steps / n_steps))
                update(adam.n_steps, f"loss {losses[-1]:.3f}" if losses else "")
            losses.append(lost / n_tasks)
    return _network_of(parameters, scales), {"loss": losses}


def _start(n_features: int, config: RerankerConfig, rng: np.random.Generator) -> Parameters:
    n_networks, n_first, n_second = config.n_networks, config.first_width, config.second_width

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


def _draw_counted(n_tasks: int, config: RerankerConfig, rng: np.random.Generator) -> NDArray[np.float32]:
    n_units = config.n_networks * (config.first_width + config.second_width)
    kept = rng.random((n_tasks, n_units), dtype=np.float32) >= config.hidden_dropout
    # What is left counts more, so that sums stay what they are when nothing is dropped.
    return kept.astype(np.float32) / np.float32(1.0 - config.hidden_dropout)


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


def _network_of(parameters: Parameters, scales: NDArray[np.float32]) -> RerankingNetwork:
    n_networks, n_first, _ = parameters.second.shape
    first = parameters.first.reshape(-1, n_networks, n_first).transpose(1, 0, 2)
    first_bias = parameters.first_bias.reshape(n_networks, 1, n_first)
    return RerankingNetwork(
        scales,
        np.concatenate([first, first_bias], axis=1),
        np.concatenate([parameters.second, parameters.second_bias[:, None, :]], axis=1),
        np.concatenate([parameters.last, parameters.last_bias[:, None]], axis=1),
    )
