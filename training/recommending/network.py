"""The network that re-ranks: a few small ones, learned side by side and averaged."""

import numpy as np
from numpy.typing import NDArray

from models.scoring.reranker import RerankingNetwork
from training.ranking.backprop import Parameters, RankedList
from training.ranking.learn import Learning, learn_networks
from training.recommending.config import RerankerConfig
from training.support.terminal import progress


def fit_network(
    features: NDArray[np.float16], gains: NDArray[np.float32], scales: NDArray[np.float32], config: RerankerConfig
) -> tuple[RerankingNetwork, dict[str, list[float]]]:
    """Learn to put on top what was hidden, half of the networks without looking at how much it is wanted.

    ``features``, standardised with ``scales``, are of shape (n_tasks, n_candidates, n_features), dtype=float16.
    ``gains``, of shape (n_tasks, n_candidates), say how much each candidate is wanted on top, 0 for what was not
    hidden; something is wanted in every task. The history has the loss per epoch: a list's mean, summed over the
    networks.
    """
    n_tasks, n_candidates, n_features = features.shape
    all_see = np.ones((config.n_networks, n_candidates), dtype=bool)

    def list_at(task: int) -> RankedList:
        half = config.n_networks // 2
        wanted = np.repeat([gains[task] > 0.0, gains[task]], half, axis=0).astype(np.float32)
        return RankedList(features[task].astype(np.float32), wanted, all_see)

    learning = Learning(
        n_networks=config.n_networks,
        first_width=config.first_width,
        second_width=config.second_width,
        dropout=config.hidden_dropout,
        epochs=config.epochs,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        odds_weight=config.odds_weight,
        seed=config.seed,
    )
    with progress("train re-ranker", learning.n_steps(n_tasks), "steps") as update:
        parameters, losses = learn_networks(
            n_tasks, n_features, list_at, learning, lambda done, loss: update(done, f"loss {loss:.3f}")
        )
    return _network_of(parameters, scales), {"loss": losses}


def _network_of(parameters: Parameters, scales: NDArray[np.float32]) -> RerankingNetwork:
    n_networks, n_first, _ = parameters.second.shape
    first_bias = parameters.first_bias.reshape(n_networks, 1, n_first)
    return RerankingNetwork(
        scales,
        np.concatenate([parameters.first_by_network(), first_bias], axis=1),
        np.concatenate([parameters.second, parameters.second_bias[:, None, :]], axis=1),
        np.concatenate([parameters.last, parameters.last_bias[:, None]], axis=1),
    )
