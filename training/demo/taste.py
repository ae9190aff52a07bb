"""The fitted tables: how popular each anime is and whom it appeals to, and what kinds of viewers there are."""

import csv
import json
from dataclasses import dataclass
from importlib import resources
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.demo.mixture import Mixture


class TasteTable(NamedTuple):
    """What is known about each anime; row i belongs to one anime.

    Attributes
    ----------
    weights : ndarray of shape (n_anime,), dtype=float32
        Log rate at which the average user comes to it.
    factors : ndarray of shape (n_anime, n_factors), dtype=float32
        Added to the weight in proportion to the user's tastes.
    rating_deviations : ndarray of shape (n_anime,), dtype=float32
        Points by which it is rated above its raters' means.
    rating_slopes : ndarray of shape (n_anime, n_factors), dtype=float32
        Further points in proportion to the user's tastes.
    """

    weights: NDArray[np.float32]
    factors: NDArray[np.float32]
    rating_deviations: NDArray[np.float32]
    rating_slopes: NDArray[np.float32]

    def take(self, rows: NDArray[np.int64]) -> "TasteTable":
        """Give the table of some of the anime.

        Parameters
        ----------
        rows : ndarray of shape (n_taken,), dtype=int64

        Returns
        -------
        TasteTable
            In the order of ``rows``.
        """
        return TasteTable(*(column[rows] for column in self))

    def append(self, other: "TasteTable") -> "TasteTable":
        """Put another table's anime after this one's.

        Parameters
        ----------
        other : TasteTable
            With as many factors.
        """
        return TasteTable(*map(np.concatenate, zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class Viewers:
    """What is known about viewers as a whole.

    Attributes
    ----------
    kinds : Mixture
        Of points (tastes..., heaviness): heaviness is the normal score of the list's length.
    franchise_share : float
        How often two titles of a franchise are come to together rather than apart.
    curated_share : float
        Share of the list entries of a full catalogue that falls to the curated anime.
    seen_share : float
        Share of the curated anime that stands on a list on average.
    rating_mean, rating_mean_deviation, rating_spread : float
        Mean and standard deviation of users' mean ratings; standard deviation of a single rating.
    ranks : ndarray of shape (n_ranks,), dtype=float64
    log_shares : ndarray of shape (n_ranks,), dtype=float64
        Log of the share of all list entries held by the anime at each popularity rank.
    """

    kinds: Mixture
    franchise_share: float
    curated_share: float
    seen_share: float
    rating_mean: float
    rating_mean_deviation: float
    rating_spread: float
    ranks: NDArray[np.float64]
    log_shares: NDArray[np.float64]

    def log_share_at(self, ranks: NDArray[np.float64]) -> NDArray[np.float64]:
        """Interpolate the share of list entries at popularity ranks.

        Parameters
        ----------
        ranks : ndarray of shape (n,), dtype=float64
            From 1.

        Returns
        -------
        ndarray of shape (n,), dtype=float64
            Logarithms.
        """
        return np.interp(np.log(ranks), np.log(self.ranks), self.log_shares)

    def rank_of(self, log_shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the popularity ranks at which anime have these shares: the inverse of ``log_share_at``.

        Parameters
        ----------
        log_shares : ndarray of shape (n,), dtype=float64

        Returns
        -------
        ndarray of shape (n,), dtype=float64
            From 1, not rounded.
        """
        return np.exp(np.interp(log_shares, self.log_shares[::-1], np.log(self.ranks)[::-1]))


def read_taste(anime_ids: NDArray[np.int64]) -> TasteTable:
    """Read the fitted table of the curated anime from the package.

    Parameters
    ----------
    anime_ids : ndarray of shape (n_anime,), dtype=int64
        Which, in the order wanted.

    Raises
    ------
    ValueError
        If an anime of the catalogue was not there when the table was fitted.
    """
    lines = (resources.files("training.demo") / "taste.csv").read_text(encoding="utf-8").splitlines()
    rows = {int(row[0]): [float(value) for value in row[1:]] for row in csv.reader(lines[1:])}
    missing = [int(anime_id) for anime_id in anime_ids if int(anime_id) not in rows]
    if missing:
        raise ValueError(f"taste.csv knows nothing of anime {missing}; run python -m training.demo.fit_taste again")
    table = np.array([rows[int(anime_id)] for anime_id in anime_ids], dtype=np.float32)
    n_factors = (table.shape[1] - 2) // 2
    return TasteTable(
        weights=table[:, 0],
        rating_deviations=table[:, 1],
        factors=np.ascontiguousarray(table[:, 2 : 2 + n_factors]),
        rating_slopes=np.ascontiguousarray(table[:, 2 + n_factors :]),
    )


def read_viewers() -> Viewers:
    """Read what was fitted about viewers from the package."""
    text = (resources.files("training.demo") / "users.json").read_text(encoding="utf-8")
    values = json.loads(text)
    shares, centres, deviations, ranks, log_shares = (
        np.array(values.pop(name), dtype=np.float64)
        for name in ("shares", "centres", "deviations", "ranks", "log_shares")
    )
    return Viewers(
        kinds=Mixture(shares / shares.sum(), centres, deviations), ranks=ranks, log_shares=log_shares, **values
    )
