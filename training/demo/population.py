"""Draw simulated users: tastes, list lengths and habits."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.demo.taste import Viewers

# Kaggle's lists: median 171, mean 335, 23 % of the users with 400 rows or more hold two thirds of all rows.
_MEDIAN_LENGTH: Final = 171.0
_LENGTH_SPREAD: Final = 1.16
# Lists of a small catalogue are shorter and more alike in length, and hold 60 % of the catalogue at most.
_MEDIAN_EXPONENT: Final = 1.15
_SPREAD_EXPONENT: Final = 0.4
_LARGEST_PART: Final = 0.6
# How unlike each other users are in watching, dropping and planning: shapes of gamma distributions with mean 1.
_HABIT_SHAPES: Final = (0.5, 8.0, 0.7, 0.7, 0.8)
# Most users rate nearly all that they complete, some rate next to nothing; 16 % unrated on the whole.
_UNRATED_SHAPE: Final = (0.16, 0.84)


@dataclass(frozen=True, slots=True)
class Population:
    """Simulated users; row i of every array is one user."""

    # Shape: (n_users, n_factors)
    tastes: NDArray[np.float32]
    # Rows of each list.
    lengths: NDArray[np.int64]
    rating_means: NDArray[np.float32]
    rating_spreads: NDArray[np.float32]
    # Shape: (n_users, 5). How much more than others a user watches, completes, puts on hold, drops and plans.
    habits: NDArray[np.float32]
    # Of completed anime.
    unrated_shares: NDArray[np.float32]


def draw_population(
    viewers: Viewers, n_users: int, n_anime: int, n_rows: int | None, covered: float, rng: np.random.Generator
) -> Population:
    """Draw users whose lists hold ``n_rows`` entries, in a catalogue with a ``covered`` share of a full one's."""
    points = viewers.draw(n_users, rng)
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
    """Scale list lengths, above 0, to whole numbers from 1 to ``n_anime`` that add up to exactly ``n_rows``.

    Raises
    ------
    ValueError
        If no such lengths exist.
    """
    n_users, most = len(wanted), len(wanted) * n_anime
    if not n_users <= n_rows <= most:
        raise ValueError(
            f"n_rows: expected {n_users:,} to {most:,} for {n_users:,} users and {n_anime:,} anime (every list holds "
            f"at least one anime, and none twice), received {n_rows:,}; change the rows, users or anime"
        )
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
