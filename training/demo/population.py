"""Draw simulated users: tastes, list lengths and habits."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.demo.taste import Viewers

# Kaggle's lists: median 171, mean 335, 23 % of the users with 400 rows or more hold two thirds of all rows.
_MEDIAN_LENGTH: Final = 171.0
_LENGTH_SPREAD: Final = 1.16
# Lists of a small catalogue are shorter and more alike in length, and nobody has seen nearly all of it.
_MEDIAN_EXPONENT: Final = 1.15
_SPREAD_EXPONENT: Final = 0.4
_LARGEST_PART: Final = 0.6
# How unlike each other users are in watching, dropping and planning: shapes of gamma distributions with mean 1.
_HABIT_SHAPES: Final = (0.5, 8.0, 0.7, 0.7, 0.8)
# Most users rate nearly all that they complete, some rate next to nothing; 16 % unrated on the whole.
_UNRATED_SHAPE: Final = (0.16, 0.84)


@dataclass(frozen=True, slots=True)
class Population:
    """Simulated users; row i of every array is one user.

    Attributes
    ----------
    tastes : ndarray of shape (n_users, n_factors), dtype=float32
    lengths : ndarray of shape (n_users,), dtype=int64
        Rows of each list.
    rating_means : ndarray of shape (n_users,), dtype=float32
    rating_spreads : ndarray of shape (n_users,), dtype=float32
    habits : ndarray of shape (n_users, 5), dtype=float32
        How much more than others a user watches, completes, puts on hold, drops and plans.
    unrated_shares : ndarray of shape (n_users,), dtype=float32
        Of completed anime.
    """

    tastes: NDArray[np.float32]
    lengths: NDArray[np.int64]
    rating_means: NDArray[np.float32]
    rating_spreads: NDArray[np.float32]
    habits: NDArray[np.float32]
    unrated_shares: NDArray[np.float32]


def draw_population(
    viewers: Viewers, n_users: int, n_anime: int, n_rows: int | None, covered: float, rng: np.random.Generator
) -> Population:
    """Draw users.

    Parameters
    ----------
    viewers : Viewers
    n_users : int
    n_anime : int
        The longest list possible.
    n_rows : int or None
        Exact sum of the lengths; None for what comes naturally.
    covered : float
        Share of the list entries of a full catalogue, 0..1, that falls to this one.
    rng : Generator
    """
    points = viewers.kinds.draw(n_users, rng)
    spread = _LENGTH_SPREAD * covered**_SPREAD_EXPONENT
    wanted = _MEDIAN_LENGTH * covered**_MEDIAN_EXPONENT * np.exp(spread * points[:, -1])
    if n_rows is None:
        lengths = np.clip(np.round(wanted), 1, max(1.0, _LARGEST_PART * n_anime)).astype(np.int64)
    else:
        lengths = scale_lengths(wanted, n_rows, n_anime)
    means = viewers.rating_mean + viewers.rating_mean_deviation * rng.standard_normal(n_users)
    spreads = viewers.rating_spread * np.exp(0.25 * rng.standard_normal(n_users))
    habits = np.stack([rng.gamma(shape, 1 / shape, n_users) for shape in _HABIT_SHAPES], axis=1)
    return Population(
        tastes=points[:, :-1].astype(np.float32),
        lengths=lengths,
        rating_means=means.astype(np.float32),
        rating_spreads=spreads.astype(np.float32),
        habits=habits.astype(np.float32),
        unrated_shares=rng.beta(*_UNRATED_SHAPE, n_users).astype(np.float32),
    )


def scale_lengths(wanted: NDArray[np.float64], n_rows: int, n_anime: int) -> NDArray[np.int64]:
    """Scale list lengths so that they add up to an exact number of rows.

    Parameters
    ----------
    wanted : ndarray of shape (n_users,), dtype=float64
        Lengths before scaling, above 0.
    n_rows : int
        From ``n_users`` to ``n_users * n_anime``.
    n_anime : int
        The longest list possible.

    Returns
    -------
    ndarray of shape (n_users,), dtype=int64
        From 1 to ``n_anime`` each; longer stays longer.

    Raises
    ------
    ValueError
        If no such lengths exist.
    """
    n_users = len(wanted)
    if not n_users <= n_rows <= n_users * n_anime:
        raise ValueError(f"expected {n_users} to {n_users * n_anime} rows for {n_users} users, received {n_rows}")
    low, high = 0.0, 2.0 * n_anime / float(wanted.min())
    for _ in range(100):
        middle = (low + high) / 2
        fits = int(np.clip(np.floor(wanted * middle), 1, n_anime).sum()) <= n_rows
        low, high = (middle, high) if fits else (low, middle)
    lengths = np.clip(np.floor(wanted * low), 1, n_anime).astype(np.int64)
    # What rounding down left over goes to those who lost most by it.
    lost = np.argsort(lengths - wanted * low, kind="stable")
    while (missing := n_rows - int(lengths.sum())) > 0:
        lengths[lost[lengths[lost] < n_anime][:missing]] += 1
    return lengths
