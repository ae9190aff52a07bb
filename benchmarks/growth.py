"""How a cost grows with the rows: a power, and a fixed part with what every row adds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls


@dataclass(frozen=True)
class Growth:
    """A cost as a function of rows: ``fixed + per_row * rows``, neither below 0, with the least relative errors."""

    # Of log cost on log rows: 1 is linear, below 1 is better. NaN where a cost is 0 or there is one size only.
    slope: float
    # That of the two largest sizes, where what is fixed hides the least.
    last_slope: float
    fixed: float
    per_row: float
    worst_error: float


def fit_growth(rows: Sequence[int], costs: Sequence[float], slope_from_rows: int = 0) -> Growth:
    """Fit both.

    Parameters
    ----------
    rows : sequence of int
    costs : sequence of float
    slope_from_rows : int, optional
        Smaller sizes do not count for the slope: what is fixed would flatter it.
    """
    x, y = np.asarray(rows, dtype=np.float64), np.asarray(costs, dtype=np.float64)
    if np.any(y <= 0):
        return Growth(*[math.nan] * 5)
    large = x >= slope_from_rows
    last = np.argsort(x)[-2:]
    # Divided by the cost, so that a small size counts as much as a large one; by the rows, so that both columns are
    # of a size.
    parts, _ = nnls(np.stack([1.0 / y, x / x.max() / y], axis=1), np.ones_like(y))
    fixed, per_row = float(parts[0]), float(parts[1] / x.max())
    worst = float(np.abs((fixed + per_row * x) / y - 1.0).max())
    return Growth(_slope(x[large], y[large]), _slope(x[last], y[last]), fixed, per_row, worst)


def _slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    return float(np.polyfit(np.log(x), np.log(y), 1)[0]) if len(x) > 1 else math.nan
