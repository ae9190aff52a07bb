"""Put a catalogue together: curated titles, made-up ones past them, and the tastes of users for all of them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.demo.curated import Title, read_curated
from training.demo.made_up import make_up_titles
from training.demo.taste import TasteTable, Viewers, read_taste, read_viewers

# How much of its parent's taste a made-up title keeps, and how much of its own it adds.
_INHERITED: Final = 0.8
_OWN: Final = 0.5
# Obscure titles are rated lower: with this the mean rating at Kaggle's size is 7.6.
_MADE_UP_RATING: Final = -0.9
# Leaves the curated titles 23 % of all entries at Kaggle's size, as real lists of that length do.
_MADE_UP_WEIGHT: Final = -2.0
# Curated titles make up the head of the curve, whatever their fitted ranks.
_FIRST_MADE_UP_RANK: Final = 100
_N_SAMPLED_USERS: Final = 1000


@dataclass(frozen=True, slots=True)
class World:
    """A catalogue and its viewers; row i of ``taste`` and ``franchises`` belongs to ``titles[i]``, ids ascending."""

    titles: list[Title]
    taste: TasteTable
    # Shape: (n_anime,). A number for each franchise, -1 for titles that stand alone.
    franchises: NDArray[np.int64]
    viewers: Viewers
    # Share of a full catalogue's list entries that falls to these titles, 0..1.
    covered: float


def build_world(n_anime: int | None, rng: np.random.Generator) -> World:
    """Build a catalogue: all curated titles, or the most popular of them, or made-up ones past them."""
    curated, viewers = read_curated(), read_viewers()
    taste = read_taste(np.array([title.anime_id for title in curated]))
    users = viewers.draw(_N_SAMPLED_USERS, rng)[:, :-1].astype(np.float32)
    rates = taste.weights + _log_mean_lift(users, taste.factors)
    shares, offset = _list_shares(rates, viewers)
    n_curated = len(curated) if n_anime is None else min(n_anime, len(curated))
    kept = np.sort(np.argsort(-shares, kind="stable")[:n_curated])
    titles, log_shares = [curated[row] for row in kept], np.log(shares[kept])
    taste = TasteTable(*(column[kept] for column in taste))
    n_made_up = 0 if n_anime is None else n_anime - n_curated
    if n_made_up:
        made_up, parents = make_up_titles(n_made_up, titles, rng)
        free = _free_ranks(viewers.rank_of(log_shares), viewers)
        ranks = free[np.linspace(0, len(free) - 1, n_made_up).round().astype(np.int64)]
        made_up_shares = rng.permutation(viewers.log_share_at(ranks))
        theirs = _inherit(taste, parents, made_up_shares + offset + _MADE_UP_WEIGHT, users, rng)
        taste = TasteTable(*map(np.concatenate, zip(taste, theirs, strict=True)))
        log_shares = np.concatenate([log_shares, made_up_shares])
        titles += made_up
    numbers = {name: number for number, name in enumerate(sorted({title.franchise for title in titles} - {""}))}
    franchises = np.array([numbers.get(title.franchise, -1) for title in titles], dtype=np.int64)
    return World(titles, taste, franchises, viewers, covered=min(1.0, float(np.exp(log_shares).sum())))


def _list_shares(log_rates: NDArray[np.float64], viewers: Viewers) -> tuple[NDArray[np.float64], float]:
    """Turn rates into shares of a full catalogue's list entries: shape (n_anime,), and log rate less log share."""
    rates = np.exp(log_rates)
    low, high = 0.0, 1e6
    for _ in range(100):
        # How long the average user goes on; popular titles are on nearly all lists by then, hence not their rates.
        patience = (low + high) / 2
        seen = -np.expm1(-rates * patience)
        low, high = (patience, high) if seen.mean() < viewers.seen_share else (low, patience)
    entries_per_share = float(seen.sum()) / viewers.curated_share
    return seen / entries_per_share, float(np.log(entries_per_share / patience))


def _log_mean_lift(users: NDArray[np.float32], factors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Log of how much users' tastes raise the rate of each anime on average: shape (n_anime,)."""
    parts = np.array_split(factors, 1 + len(factors) // 2048)
    lifts = [np.log(np.exp(users @ part.T).mean(axis=0)) for part in parts]
    return np.concatenate(lifts).astype(np.float64)


def _free_ranks(taken: NDArray[np.float64], viewers: Viewers) -> NDArray[np.float64]:
    free = np.ones(int(viewers.ranks[-1]) + 1, dtype=np.bool_)
    free[:_FIRST_MADE_UP_RANK] = False
    for rank in np.sort(taken.round().astype(np.int64)):
        # Two curated titles may fall on one rank; the second takes the next.
        free[rank + int(np.argmax(free[rank:]))] = False
    return np.flatnonzero(free).astype(np.float64)


def _inherit(
    taste: TasteTable,
    parents: NDArray[np.int64],
    popularity: NDArray[np.float64],
    users: NDArray[np.float32],
    rng: np.random.Generator,
) -> TasteTable:
    scale = taste.factors.std(axis=0)
    own = rng.standard_normal((len(parents), len(scale)))
    factors = (_INHERITED * taste.factors[parents] + _OWN * scale * own).astype(np.float32)
    return TasteTable(
        weights=(popularity - _log_mean_lift(users, factors)).astype(np.float32),
        factors=factors,
        rating_deviations=(_MADE_UP_RATING + 0.5 * rng.standard_normal(len(parents))).astype(np.float32),
        rating_slopes=taste.rating_slopes[parents],
    )
