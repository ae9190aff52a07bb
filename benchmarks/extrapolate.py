"""From the batches that were timed to the epoch they are a part of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class EpochTime:
    """What an epoch takes.

    Attributes
    ----------
    seconds : float
        Of the whole epoch.
    seconds_per_batch : float
        After warming up.
    n_batches, n_timed : int
        Batches in the epoch, and those ``seconds_per_batch`` comes from.
    unmeasured_seconds : float
        How much of ``seconds`` was not spent, but follows from ``seconds_per_batch``; 0 for a whole epoch.
    """

    seconds: float
    seconds_per_batch: float
    n_batches: int
    n_timed: int
    unmeasured_seconds: float

    @property
    def is_extrapolated(self) -> bool:
        """Whether part of the epoch was not trained."""
        return self.unmeasured_seconds > 0


def extrapolate(moments: NDArray[np.float64], n_batches: int, n_warm_up: int) -> EpochTime:
    """Work out an epoch from its first batches.

    Parameters
    ----------
    moments : ndarray of shape (n_trained,), dtype=float64
        When each trained batch ended, in seconds since the epoch began.
    n_batches : int
        Batches in the epoch.
    n_warm_up : int
        So many batches come first that do not count for ``seconds_per_batch``; their seconds do count. Half of the
        epoch at most.

    Raises
    ------
    ValueError
        If nothing is left to time after warming up, or more batches were trained than there are.
    """
    n_warm_up = min(n_warm_up, n_batches // 2)
    n_timed = len(moments) - n_warm_up
    if n_timed < 1 or n_warm_up < 1 or len(moments) > n_batches:
        raise ValueError(
            f"cannot tell an epoch of {n_batches} batches from {len(moments)}, {n_warm_up} of them to warm up"
        )
    per_batch = float(moments[-1] - moments[n_warm_up - 1]) / n_timed
    unmeasured = (n_batches - len(moments)) * per_batch
    return EpochTime(float(moments[-1]) + unmeasured, per_batch, n_batches, n_timed, unmeasured)
