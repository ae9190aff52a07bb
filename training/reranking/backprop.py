"""What a list says of how the networks that re-rank should change: their loss, differentiated by hand.

The networks are so small that a framework spends more of its time between their products than on them. The products
are numpy's, of a list's few hundred candidates, which stay in a core's own cache; what lies between is one compiled
loop each, with the interpreter's lock released, so that lists can be looked at side by side.

References
----------
The listwise loss is the softmax cross-entropy of Cao et al., "Learning to Rank: From Pairwise Approach to Listwise
Approach" (ListNet), ICML 2007. Dropout: Srivastava et al., JMLR 2014.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.compiled import compiled

Matrix = NDArray[np.float32]
Vector = NDArray[np.float32]


class Parameters(NamedTuple):
    """What the networks learn; also the shape of its gradients.

    Attributes
    ----------
    first : ndarray of shape (n_features, n_networks * n_first), dtype=float32
        The first layers side by side: they see the same, so they are one product.
    first_bias : ndarray of shape (n_networks * n_first,), dtype=float32
    second : ndarray of shape (n_networks, n_first, n_second), dtype=float32
    second_bias : ndarray of shape (n_networks, n_second), dtype=float32
    last : ndarray of shape (n_networks, n_second), dtype=float32
    last_bias : ndarray of shape (n_networks,), dtype=float32
    """

    first: Matrix
    first_bias: Matrix
    second: Matrix
    second_bias: Matrix
    last: Matrix
    last_bias: Matrix


def loss_and_gradients(
    parameters: Parameters, features: Matrix, hidden: NDArray[np.bool_], counted: Vector, odds_weight: float
) -> tuple[float, Parameters]:
    """Compare the scores of a list's candidates with what was hidden.

    Parameters
    ----------
    parameters : Parameters
    features : ndarray of shape (n_candidates, n_features), dtype=float32
        Standardised.
    hidden : ndarray of shape (n_candidates,), dtype=bool
        What should come on top.
    counted : ndarray of shape (n_networks * (n_first + n_second),), dtype=float32
        What each hidden unit of each network counts, those of all first layers before those of the second: 0 where it
        is dropped.
    odds_weight : float
        Of the loss that makes scores probabilities, beside the one that orders them.

    Returns
    -------
    loss : float
        Summed over networks.
    gradients : Parameters
        Of that sum.
    """
    first, first_bias, second, second_bias, last, last_bias = parameters
    n_networks, n_first, n_second = second.shape
    n_wide = n_networks * n_first
    gradients = Parameters(*map(np.zeros_like, parameters))
    wide = features @ first  # (C, E * H)
    _activate(wide, first_bias, counted[:n_wide])
    wide_gradients = np.empty_like(wide)
    loss = 0.0
    for network, counted_units in enumerate(counted[n_wide:].reshape(n_networks, n_second)):
        columns = slice(network * n_first, (network + 1) * n_first)
        units = wide[:, columns] @ second[network]  # (C, H)
        _activate(units, second_bias[network], counted_units)
        logits = units @ last[network] + last_bias[network]  # (C,)
        along = np.empty_like(logits)
        loss += _listwise_and_odds(logits, hidden, np.float32(odds_weight), along)
        gradients.last[network] = along @ units
        gradients.last_bias[network] = along.sum()
        unit_gradients = along[:, None] * last[network]  # (C, H)
        _pass_back(unit_gradients, units, counted_units, gradients.second_bias[network])
        np.matmul(wide[:, columns].T, unit_gradients, out=gradients.second[network])
        np.matmul(unit_gradients, second[network].T, out=wide_gradients[:, columns])
    _pass_back(wide_gradients, wide, counted[:n_wide], gradients.first_bias)
    np.matmul(features.T, wide_gradients, out=gradients.first)
    return loss, gradients


@compiled
def _activate(units: Any, bias: Any, counted: Any) -> None:  # pragma: no cover - compiled
    """Add the bias, leave out what is below 0, and multiply by what each unit counts, in place."""
    for row in range(units.shape[0]):
        for unit in range(units.shape[1]):
            units[row, unit] = max(units[row, unit] + bias[unit], np.float32(0)) * counted[unit]


@compiled
def _pass_back(gradients: Any, units: Any, counted: Any, bias_gradients: Any) -> None:  # pragma: no cover - compiled
    """Take the gradients of units back to before :func:`_activate`, in place, and add up those of the bias."""
    for row in range(units.shape[0]):
        for unit in range(units.shape[1]):
            gradient = gradients[row, unit] * counted[unit] if units[row, unit] > 0 else np.float32(0)
            gradients[row, unit] = gradient
            bias_gradients[unit] += gradient


@compiled
def _listwise_and_odds(logits: Any, hidden: Any, odds_weight: Any, gradients: Any) -> float:  # pragma: no cover
    """Give the loss of one network's logits, and write its gradients."""
    zero, one = np.float32(0), np.float32(1)
    n_hidden, total, loss = np.float32(hidden.sum()), zero, 0.0
    best = logits.max()
    for candidate in range(len(logits)):
        total += np.exp(logits[candidate] - best)
    log_total = np.log(total) + best
    # Long lists teach more, but not in proportion to their length.
    weight = one / np.sqrt(max(n_hidden, one))
    for candidate in range(len(logits)):
        logit, wanted = logits[candidate], np.float32(hidden[candidate])
        shrunk = np.exp(-abs(logit))  # so that neither sign overflows
        probability = (one if logit > 0 else shrunk) / (one + shrunk)
        loss -= weight * wanted * (logit - log_total)
        loss += odds_weight * (max(logit, zero) - logit * wanted + np.log(one + shrunk))
        share = np.exp(logit - log_total)
        gradients[candidate] = weight * (n_hidden * share - wanted) + odds_weight * (probability - wanted)
    return loss
