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
        [0.500, 0.000, 0.120, 0.120, 0.260],  # still running: nobody has completed it
    ],
    dtype=np.float32,
)
_RATED_SHARES: Final = np.array([0.32, 1.0, 0.17, 0.30, 0.006], dtype=np.float32)
_POOL_SIZE: Final = 1 << 22
_SAMPLE_STRIDE: Final = 8
_FAVOURITE_SHARE: Final = 0.12


@dataclass(frozen=True, slots=True)
class ListBlock:
    """The lists of consecutive users; row i of every array is one entry, users ascending.

    Attributes
    ----------
    user_rows : ndarray of shape (n_rows,), dtype=int64
        Into the whole population.
    anime_rows : ndarray of shape (n_rows,), dtype=int64
        Ascending within a user.
    ratings : ndarray of shape (n_rows,), dtype=int64
        1..10, 0 for unrated.
    statuses : ndarray of shape (n_rows,), dtype=int64
        Places in ``STATUSES``.
    watched : ndarray of shape (n_rows,), dtype=int64
        Episodes.
    favourites : ndarray of shape (n_rows,), dtype=bool
    """

    user_rows: NDArray[np.int64]
    anime_rows: NDArray[np.int64]
    ratings: NDArray[np.int64]
    statuses: NDArray[np.int64]
    watched: NDArray[np.int64]
    favourites: NDArray[np.bool_]


class ListSimulator:
    """Simulates lists; holds only what all blocks share, so that blocks can be made in any order and in threads.

    Parameters
    ----------
    world : World
    population : Population
    rng : Generator
        For the noise that blocks share.
    """

    def __init__(self, world: World, population: Population, rng: np.random.Generator) -> None:
        n_anime = len(world.titles)
        self._world = world
        self._population = population
        # Noise costs more than all else when drawn per user and anime. Users read it from one long strip instead,
        # each from a place of their own, so that no two anime of two users meet the same noise systematically.
        self._pool = _gumbel(rng, (_POOL_SIZE + n_anime,))
        self._sampled = rng.permutation(n_anime)[::_SAMPLE_STRIDE]
        self._in_franchise = np.flatnonzero(world.franchises >= 0)
        episodes = np.array([title.episodes for title in world.titles], dtype=np.int64)
        self._status_rows = np.select([episodes == 0, episodes == 1, episodes <= 13, episodes <= 26], [4, 0, 1, 2], 3)
        guesses = [_aired_so_far(title.facts["Aired"]) for title in world.titles]
        self._aired = np.where(episodes > 0, episodes, guesses)

    def simulate(self, first: int, stop: int, rng: np.random.Generator) -> ListBlock:
        """Simulate the lists of users ``first`` to ``stop - 1``.

        Parameters
        ----------
        first, stop : int
            Rows of the population.
        rng : Generator
            This block's own.
        """
        lengths = self._population.lengths[first:stop]
        anime_rows = self._choose(first, stop, rng)
        user_rows = np.repeat(np.arange(first, stop), lengths)
        opinions = self._opinions(user_rows, anime_rows, rng)
        statuses = self._statuses(user_rows, anime_rows, opinions, rng)
        rated = self._rated(user_rows, statuses, rng)
        ratings = np.where(rated, np.clip(np.rint(opinions), 1, 10).astype(np.int64), 0)
        favourites = (ratings == 10) & (rng.random(len(ratings), dtype=np.float32) < _FAVOURITE_SHARE)
        return ListBlock(
            user_rows=user_rows,
            anime_rows=anime_rows,
            ratings=ratings,
            statuses=statuses,
            watched=self._watched(anime_rows, statuses, rng),
            favourites=favourites,
        )

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
            chosen.append(top_rows(own, int(length), self._sampled))
        return np.concatenate(chosen)

    def _franchise_noise(self, n_users: int, rng: np.random.Generator) -> NDArray[np.float32]:
        numbers = self._world.franchises[self._in_franchise]
        own = _gumbel(rng, (n_users, len(numbers)))
        shared = _gumbel(rng, (n_users, int(numbers.max(initial=-1)) + 1))[:, numbers]
        together = rng.random(own.shape, dtype=np.float32) < self._world.viewers.franchise_share
        # Either noise is Gumbel by itself, so popularity stays as it is: only sequels come in company.
        return np.where(together, shared, own)

    def _opinions(
        self, user_rows: NDArray[np.int64], anime_rows: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        population, taste = self._population, self._world.taste
        noise = rng.standard_normal(len(user_rows), dtype=np.float32)
        opinions: NDArray[np.float32] = population.rating_spreads[user_rows] * noise
        opinions += population.rating_means[user_rows]
        opinions += taste.rating_deviations[anime_rows]
        opinions += np.einsum("rf,rf->r", population.tastes[user_rows], taste.rating_slopes[anime_rows])
        return opinions

    def _statuses(
        self,
        user_rows: NDArray[np.int64],
        anime_rows: NDArray[np.int64],
        opinions: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> NDArray[np.int64]:
        # Shape: (n_rows, 5)
        chances = self._population.habits[user_rows] * _STATUS_SHARES[self._status_rows[anime_rows]]
        chances[:, _DROPPED] *= np.exp(0.6 * (self._population.rating_means[user_rows] - opinions) - 0.4)
        np.cumsum(chances, axis=1, out=chances)
        # A draw at the very top may round past the last sum, hence the minimum.
        draws = rng.random(len(user_rows), dtype=np.float32) * chances[:, -1]
        passed: NDArray[np.int64] = (draws[:, None] >= chances).sum(axis=1)
        return np.minimum(passed, _PLANNED)

    def _rated(
        self, user_rows: NDArray[np.int64], statuses: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.bool_]:
        chances = (1 - self._population.unrated_shares[user_rows]) * _RATED_SHARES[statuses]
        rated: NDArray[np.bool_] = rng.random(len(user_rows), dtype=np.float32) < chances
        return rated

    def _watched(
        self, anime_rows: NDArray[np.int64], statuses: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.int64]:
        episodes = self._aired[anime_rows]
        part = rng.random(len(anime_rows), dtype=np.float32) ** 2
        begun: NDArray[np.int64] = (part * episodes).astype(np.int64)
        return np.select([statuses == _COMPLETED, statuses == _PLANNED], [episodes, 0], begun)


def top_rows(keys: NDArray[np.float32], k: int, sampled: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find the rows of the ``k`` largest keys.

    Parameters
    ----------
    keys : ndarray of shape (n_anime,), dtype=float32
    k : int
        1..n_anime.
    sampled : ndarray of shape (n_sampled,), dtype=int64
        Some random rows: they tell how large a key must be to have a chance, so that few need sorting.

    Returns
    -------
    ndarray of shape (k,), dtype=int64
        Ascending. Ties are broken arbitrarily but always alike.
    """
    expected = k * len(sampled) / len(keys)
    generous = int(expected + 4 * expected**0.5 + 4)
    if generous < len(sampled) // 2:
        floor = np.partition(keys[sampled], len(sampled) - generous)[len(sampled) - generous]
        candidates = np.flatnonzero(keys >= floor)
        if len(candidates) >= k:
            return np.sort(candidates[np.argpartition(keys[candidates], len(candidates) - k)[len(candidates) - k :]])
    return np.sort(np.argpartition(keys, len(keys) - k)[len(keys) - k :])


def _gumbel(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    waits = rng.standard_exponential(shape, dtype=np.float32)
    # A wait of exactly 0 would be infinitely eager.
    noise: NDArray[np.float32] = -np.log(np.maximum(waits, np.float32(1e-30)))
    return noise


def _aired_so_far(aired: str) -> int:
    """Guess the episodes of a series that still runs in 2020, at 45 a year."""
    years = [int(word) for word in aired.replace(",", " ").split() if len(word) == 4 and word.isdigit()]
    return max(12, 45 * (2020 - years[0])) if years else 12
