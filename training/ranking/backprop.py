"""What a list says of how networks that rank should change: their loss, differentiated by hand.

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

from training.support.compiled import compiled

Floats = NDArray[np.float32]


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

    first: Floats
    first_bias: Floats
    second: Floats
    second_bias: Floats
    last: Floats
    last_bias: Floats

    def first_by_network(self) -> Floats:
        """Give the first layers apart from each other, of shape (n_networks, n_features, n_first)."""
        n_networks, n_first, _ = self.second.shape
        return np.ascontiguousarray(self.first.reshape(-1, n_networks, n_first).transpose(1, 0, 2))


class RankedList(NamedTuple):
    """A list that networks learn from, each perhaps from a part of it.

    Attributes
    ----------
    features : ndarray of shape (n_candidates, n_features), dtype=float32
        Of what is to be ranked, standardised.
    wanted : ndarray of shape (n_networks, n_candidates), dtype=float32
        How much each network should want each candidate on top, not below 0; 0 for what it does not see.
    visible : ndarray of shape (n_networks, n_candidates), dtype=bool
        Which candidates each network sees.
    """

    features: Floats
    wanted: Floats
    visible: NDArray[np.bool_]


def loss_and_gradients(
    parameters: Parameters, ranked: RankedList, counted: Floats, odds_weight: float
) -> tuple[float, Parameters]:
    """Compare the scores of a list's candidates with what is wanted.

    Gives the loss, summed over networks, and its gradients. ``counted``, of shape (n_networks * (n_first +
    n_second),), is what each hidden unit of each network counts, those of all first layers before those of the
    second: 0 where it is dropped. ``odds_weight`` is that of the loss that makes scores probabilities of being wanted
    at all, beside the one that orders them.
    """
    first, first_bias, second, second_bias, last, last_bias = parameters
    n_networks, n_first, n_second = second.shape
    n_wide = n_networks * n_first
    gradients = Parameters(*map(np.zeros_like, parameters))
    wide = ranked.features @ first  # (C, E * H)
    _activate(wide, first_bias, counted[:n_wide])
    wide_gradients = np.empty_like(wide)
    loss = 0.0
    for network, counted_units in enumerate(counted[n_wide:].reshape(n_networks, n_second)):
        columns = slice(network * n_first, (network + 1) * n_first)
        units = wide[:, columns] @ second[network]  # (C, H)
        _activate(units, second_bias[network], counted_units)
        logits = units @ last[network] + last_bias[network]  # (C,)
        along = np.empty_like(logits)
        wanted, visible = ranked.wanted[network], ranked.visible[network]
        loss += _listwise_and_odds(logits, wanted, visible, np.float32(odds_weight), along)
        gradients.last[network] = along @ units
        gradients.last_bias[network] = along.sum()
        unit_gradients = along[:, None] * last[network]  # (C, H)
        _pass_back(unit_gradients, units, counted_units, gradients.second_bias[network])
        np.matmul(wide[:, columns].T, unit_gradients, out=gradients.second[network])
        np.matmul(unit_gradients, second[network].T, out=wide_gradients[:, columns])
    _pass_back(wide_gradients, wide, counted[:n_wide], gradients.first_bias)
    np.matmul(ranked.features.T, wide_gradients, out=gradients.first)
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
def _listwise_and_odds(
    logits: Any, wanted: Any, visible: Any, odds_weight: Any, gradients: Any
) -> float:  # pragma: no cover - compiled
    """Give the loss of one network's logits, and write its gradients."""
    zero, one = np.float32(0), np.float32(1)
    best, total, n_wanted, loss = np.float32(-np.inf), zero, zero, 0.0
    for candidate in range(len(logits)):
        if visible[candidate]:
            best = max(best, logits[candidate])
            n_wanted += wanted[candidate]
    for candidate in range(len(logits)):
        if visible[candidate]:
            total += np.exp(logits[candidate] - best)
    # What is wanted much teaches more, but not in proportion.
    weight = one / np.sqrt(n_wanted) if n_wanted > 0 else zero
    log_total = np.log(total) + best if n_wanted > 0 else zero
    for candidate in range(len(logits)):
        if not visible[candidate]:
            gradients[candidate] = zero
            continue
        logit, share = logits[candidate], zero
        if n_wanted > 0:
            share = np.exp(logit - log_total)
            loss -= weight * wanted[candidate] * (logit - log_total)
        gradients[candidate] = weight * (n_wanted * share - wanted[candidate])
        if odds_weight > 0:
            is_wanted = one if wanted[candidate] > 0 else zero
            shrunk = np.exp(-abs(logit))  # so that neither sign overflows
            probability = (one if logit > 0 else shrunk) / (one + shrunk)
            loss += odds_weight * (max(logit, zero) - logit * is_wanted + np.log(one + shrunk))
            gradients[candidate] += odds_weight * (probability - is_wanted)
    return loss
