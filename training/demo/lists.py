"""Simulate the lists of a block of users: which anime, in what status, how rated, how far watched.

A user's list holds the anime with the largest keys, where a key is the log rate of the anime for this user plus
Gumbel noise: the first arrivals of the waiting-time model to which the tastes were fitted.

References
----------
Kool, van Hoof, Welling: Stochastic Beams and Where to Find Them. ICML 2019 (the Gumbel top-k trick).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.demo.population import Population
from training.demo.world import World

STATUSES: Final = np.array([1, 2, 3, 4, 6], dtype=np.int64)
_WATCHING, _COMPLETED, _DROPPED, _PLANNED = 0, 1, 3, 4
# Relative chances of watching, completed, on hold, dropped and plan to watch, by length of the anime. Chosen so that
# over all lists the shares come out as on MyAnimeList: 6, 64, 3, 3 and 24 %.
_STATUS_SHARES: Final = np.array(
    [
        [0.020, 0.765, 0.020, 0.015, 0.215],  # one episode
        [0.055, 0.630, 0.028, 0.030, 0.305],  # up to 13
        [0.070, 0.590, 0.035, 0.040, 0.315],  # up to 26
        [0.120, 0.520, 0.055, 0.065, 0.285],  # longer
        [0.500, 0.000, 0.120, 0.120, 0.260],  # still running: cannot be completed
    ],
    dtype=np.float32,
)
_RATED_SHARES: Final = np.array([0.32, 1.0, 0.17, 0.30, 0.006], dtype=np.float32)
_POOL_SIZE: Final = 1 << 22
_FAVOURITE_SHARE: Final = 0.12


@dataclass(frozen=True, slots=True)
class ListBlock:
    """The lists of consecutive users; row i of every array is one entry, users and then anime ascending."""

    # Into the whole population.
    user_rows: NDArray[np.int64]
    anime_rows: NDArray[np.int64]
    # 1..10, 0 for unrated.
    ratings: NDArray[np.int64]
    # Places in STATUSES.
    statuses: NDArray[np.int64]
    # Episodes.
    watched: NDArray[np.int64]
    favourites: NDArray[np.bool_]


class ListSimulator:
    """Simulates lists; holds only what all blocks share, so that blocks can be made in any order and in threads."""

    def __init__(self, world: World, population: Population, rng: np.random.Generator) -> None:
        n_anime = len(world.titles)
        self._world = world
        self._population = population
        # Noise costs more than all else when drawn per user and anime. Users read it from one long strip instead,
        # each from a place of their own, so that no two anime of two users meet the same noise systematically.
        self._pool = _gumbel(rng, (_POOL_SIZE + n_anime,))
        self._in_franchise = np.flatnonzero(world.franchises >= 0)
        episodes = np.array([title.episodes for title in world.titles], dtype=np.int64)
        self._status_rows = np.select([episodes == 0, episodes == 1, episodes <= 13, episodes <= 26], [4, 0, 1, 2], 3)
        guesses = [_aired_so_far(title.facts["Aired"]) for title in world.titles]
        self._aired = np.where(episodes > 0, episodes, guesses)

    def simulate(self, first: int, stop: int, rng: np.random.Generator) -> ListBlock:
        """Simulate the lists of users ``first`` to ``stop - 1`` with the block's own generator."""
        population, taste = self._population, self._world.taste
        anime_rows = self._choose(first, stop, rng)
        user_rows = np.repeat(np.arange(first, stop), population.lengths[first:stop])
        means = population.rating_means[user_rows]
        opinions = population.rating_spreads[user_rows] * rng.standard_normal(len(user_rows), dtype=np.float32)
        opinions += means
        opinions += taste.rating_deviations[anime_rows]
        opinions += np.einsum("rf,rf->r", population.tastes[user_rows], taste.rating_slopes[anime_rows])
        # Shape: (n_rows, 5)
        chances = population.habits[user_rows] * _STATUS_SHARES[self._status_rows[anime_rows]]
        chances[:, _DROPPED] *= np.exp(0.6 * (means - opinions) - 0.4)
        chances = np.cumsum(chances, axis=1)
        # A draw at the very top may round past the last sum, hence the minimum.
        draws = rng.random(len(user_rows), dtype=np.float32) * chances[:, -1]
        statuses = np.minimum((draws[:, None] >= chances).sum(axis=1), _PLANNED)
        rated_shares = (1 - population.unrated_shares[user_rows]) * _RATED_SHARES[statuses]
        rated = rng.random(len(user_rows), dtype=np.float32) < rated_shares
        ratings = np.where(rated, np.clip(np.rint(opinions), 1, 10).astype(np.int64), 0)
        favourites = (ratings == 10) & (rng.random(len(ratings), dtype=np.float32) < _FAVOURITE_SHARE)
        episodes = self._aired[anime_rows]
        begun = (rng.random(len(anime_rows), dtype=np.float32) ** 2 * episodes).astype(np.int64)
        watched = np.select([statuses == _COMPLETED, statuses == _PLANNED], [episodes, 0], begun)
        return ListBlock(user_rows, anime_rows, ratings, statuses, watched, favourites)

    def _choose(self, first: int, stop: int, rng: np.random.Generator) -> NDArray[np.int64]:
        taste = self._world.taste
        keys = self._population.tastes[first:stop] @ taste.factors.T  # Shape: (n_users, n_anime)
        keys += taste.weights
        # Shape: (n_users, n_in_franchise)
        in_franchise = keys[:, self._in_franchise] + self._franchise_noise(stop - first, rng)
        starts = rng.integers(0, _POOL_SIZE, stop - first)
        chosen = []
        for row, (start, length) in enumerate(zip(starts, self._population.lengths[first:stop], strict=True)):
            own = keys[row]
            own += self._pool[start : start + len(own)]
            own[self._in_franchise] = in_franchise[row]
            chosen.append(np.sort(np.argpartition(own, -length)[-length:]))
        return np.concatenate(chosen)

    def _franchise_noise(self, n_users: int, rng: np.random.Generator) -> NDArray[np.float32]:
        numbers = self._world.franchises[self._in_franchise]
        own = _gumbel(rng, (n_users, len(numbers)))
        shared = _gumbel(rng, (n_users, int(numbers.max(initial=-1)) + 1))[:, numbers]
        together = rng.random(own.shape, dtype=np.float32) < self._world.viewers.franchise_share
        # Either noise is Gumbel by itself, so popularity stays as it is: only sequels come in company.
        return np.where(together, shared, own)


def _gumbel(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    waits = rng.standard_exponential(shape, dtype=np.float32)
    # A wait of exactly 0 would be infinitely eager.
    noise: NDArray[np.float32] = -np.log(np.maximum(waits, np.float32(1e-30)))
    return noise


def _aired_so_far(aired: str) -> int:
    """Guess the episodes of a series that still runs in 2020, at 45 a year."""
    years = [int(word) for word in aired.replace(",", " ").split() if len(word) == 4 and word.isdigit()]
    return max(12, 45 * (2020 - years[0])) if years else 12
