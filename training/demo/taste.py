"""The fitted tables: how popular each anime is and whom it appeals to, and what kinds of viewers there are."""

import json
from dataclasses import dataclass
from importlib import resources
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.demo.curated import read_rows


class TasteTable(NamedTuple):
    """What is known about each anime; row i belongs to one anime."""

    # Shape: (n_anime,). Log rate at which the average user comes to it.
    weights: NDArray[np.float32]
    # Shape: (n_anime,). Points by which it is rated above its raters' means.
    rating_deviations: NDArray[np.float32]
    # Shape: (n_anime, n_factors). Added to the weight in proportion to the user's tastes.
    factors: NDArray[np.float32]
    # Shape: (n_anime, n_factors). Further points in proportion to the user's tastes.
    rating_slopes: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Viewers:
    """What is known about viewers as a whole."""

    # A mixture of Gaussians over points (tastes..., heaviness), a row per kind of viewer; heaviness is the normal
    # score of the list's length. Shapes: (n_kinds,), then (n_kinds, n_factors + 1) for means and standard deviations.
    shares: NDArray[np.float64]
    centres: NDArray[np.float64]
    deviations: NDArray[np.float64]
    # How often two titles of a franchise are found together rather than apart.
    franchise_share: float
    # Share of the list entries of a full catalogue that falls to the curated anime.
    curated_share: float
    # Share of the curated anime that stands on a list on average.
    seen_share: float
    # Mean and standard deviation of users' mean ratings; standard deviation of a single rating.
    rating_mean: float
    rating_mean_deviation: float
    rating_spread: float
    # Shape: (n_ranks,). Popularity ranks, and the log of the share of all list entries held by the anime at each.
    ranks: NDArray[np.float64]
    log_shares: NDArray[np.float64]

    def draw(self, n_users: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw users: shape (n_users, n_factors + 1)."""
        kinds = rng.choice(len(self.shares), size=n_users, p=self.shares)
        noise = rng.standard_normal((n_users, self.centres.shape[1]))
        points: NDArray[np.float64] = self.centres[kinds] + self.deviations[kinds] * noise
        return points

    def log_share_at(self, ranks: NDArray[np.float64]) -> NDArray[np.float64]:
        """Interpolate the log share of list entries at popularity ranks, from 1."""
        return np.interp(np.log(ranks), np.log(self.ranks), self.log_shares)

    def rank_of(self, log_shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the popularity ranks, not rounded, at which anime have these shares: the inverse of log_share_at."""
        return np.exp(np.interp(log_shares, self.log_shares[::-1], np.log(self.ranks)[::-1]))


def read_taste(anime_ids: NDArray[np.int64]) -> TasteTable:
    """Read the fitted table of the curated anime, in the order wanted.

    Raises
    ------
    ValueError
        If an anime of the catalogue was not there when the table was fitted.
    """
    rows = {int(row.pop("MAL_ID")): list(map(float, row.values())) for row in read_rows("taste.csv")}
    missing = sorted(set(anime_ids.tolist()) - rows.keys())
    if missing:
        raise ValueError(f"taste.csv has no row for anime {missing}; run python -m training.demo.fit_taste again")
    table = np.array([rows[anime_id] for anime_id in anime_ids.tolist()], dtype=np.float32)
    factors, slopes = np.split(table[:, 2:], 2, axis=1)
    return TasteTable(table[:, 0], table[:, 1], np.ascontiguousarray(factors), np.ascontiguousarray(slopes))


def read_viewers() -> Viewers:
    """Read what was fitted about viewers."""
    values = json.loads((resources.files("training.demo") / "users.json").read_text(encoding="utf-8"))
    values = {name: np.array(value, float) if isinstance(value, list) else value for name, value in values.items()}
    return Viewers(**values | {"shares": values["shares"] / values["shares"].sum()})
