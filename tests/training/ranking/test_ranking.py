"""Networks that rank: the derivatives written by hand, beside those that TensorFlow finds."""

from typing import Any

import numpy as np
import pytest

from training.embeddings.keras_setup import tf
from training.ranking.backprop import Parameters, RankedList, loss_and_gradients
from training.recommending.config import RerankerConfig
from training.recommending.network import fit_network

N_CANDIDATES, N_FEATURES, N_NETWORKS, N_FIRST, N_SECOND = 30, 5, 3, 8, 4


def draw_parameters(rng: np.random.Generator) -> Parameters:
    shapes = [
        (N_FEATURES, N_NETWORKS * N_FIRST),
        (N_NETWORKS * N_FIRST,),
        (N_NETWORKS, N_FIRST, N_SECOND),
        (N_NETWORKS, N_SECOND),
        (N_NETWORKS, N_SECOND),
        (N_NETWORKS,),
    ]
    return Parameters(*(rng.normal(size=shape).astype(np.float32) for shape in shapes))


def tensorflow_loss(parameters: list[Any], ranked: RankedList, counted: np.ndarray, odds_weight: float) -> Any:
    """The same loss, network by network, with nothing fused."""
    first, first_bias, second, second_bias, last, last_bias = parameters
    loss = tf.constant(0.0)
    for network in range(N_NETWORKS):
        seen = np.flatnonzero(ranked.visible[network])
        wanted = tf.constant(ranked.wanted[network][seen])
        columns = slice(network * N_FIRST, (network + 1) * N_FIRST)
        start = N_NETWORKS * N_FIRST + network * N_SECOND
        units = tf.nn.relu(ranked.features[seen] @ first[:, columns] + first_bias[columns]) * counted[columns]
        units = tf.nn.relu(units @ second[network] + second_bias[network]) * counted[start : start + N_SECOND]
        logits = tf.linalg.matvec(units, last[network]) + last_bias[network]
        listwise = -tf.reduce_sum(wanted * tf.nn.log_softmax(logits))
        is_wanted = tf.cast(wanted > 0.0, tf.float32)
        odds = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(is_wanted, logits))
        loss += tf.math.divide_no_nan(listwise, tf.sqrt(tf.reduce_sum(wanted))) + odds_weight * odds
    return loss


@pytest.mark.parametrize("n_wanted", [0, 1, 7, N_CANDIDATES])
@pytest.mark.parametrize("size", [1.0, 30.0], ids=["ordinary", "far from zero"])
@pytest.mark.parametrize(("share_seen", "odds_weight"), [(1.0, 0.05), (0.5, 0.0), (0.0, 0.05)])
def test_loss_and_gradients_are_those_that_tensorflow_finds(
    n_wanted: int, size: float, share_seen: float, odds_weight: float
) -> None:
    rng = np.random.default_rng(n_wanted)
    parameters = draw_parameters(rng)
    features = (size * rng.normal(size=(N_CANDIDATES, N_FEATURES))).astype(np.float32)
    visible = rng.random((N_NETWORKS, N_CANDIDATES)) < share_seen
    wanted = rng.uniform(0.3, 3.0, visible.shape) * (rng.permutation(N_CANDIDATES) < n_wanted) * visible
    ranked = RankedList(features, wanted.astype(np.float32), visible)
    counted = (rng.integers(0, 2, N_NETWORKS * (N_FIRST + N_SECOND)) * 2).astype(np.float32)
    variables = [tf.Variable(parameter) for parameter in parameters]
    with tf.GradientTape() as tape:
        expected_loss = tensorflow_loss(variables, ranked, counted, odds_weight)
    derivatives = tape.gradient(expected_loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    loss, gradients = loss_and_gradients(parameters, ranked, counted, odds_weight)
    assert loss == pytest.approx(float(expected_loss), rel=1e-5, abs=1e-4)
    for name, found, derivative in zip(Parameters._fields, gradients, derivatives, strict=True):
        expected = tf.convert_to_tensor(derivative).numpy()
        # The derivatives of a bias before a softmax cancel out: what is left of them is rounding.
        atol = max(1e-4 * np.abs(expected).max(), 1e-4)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=atol, err_msg=name)


def test_what_is_learned_does_not_depend_on_the_number_of_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(41, 12, N_FEATURES)).astype(np.float16)
    hidden = features[:, :, 0] > 0.5
    hidden[:, 0] = True
    scales = np.stack([np.zeros(N_FEATURES), np.ones(N_FEATURES)]).astype(np.float32)
    config = RerankerConfig(epochs=2, first_width=8, second_width=4)
    network, _ = fit_network(features, hidden.astype(np.float32), scales, config)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    alone, _ = fit_network(features, hidden.astype(np.float32), scales, config)
    for name in ("first", "second", "last"):
        assert getattr(network, name).tobytes() == getattr(alone, name).tobytes()
