"""Fit, once, the small tables of numbers from which demo users are drawn.

``python -m training.demo.fit_taste --data DIR`` reads the real lists of a MyAnimeList dump and writes ``taste.csv``
(one row per curated anime) and ``users.json`` (what kinds of viewers there are) beside this module. Only aggregates
leave: no list, no user and no text of the dump can be read back from them.
"""

import argparse
import csv
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from training.demo.curated import read_curated
from training.demo.factor_fit import FactorFit, fit_factors, fit_rating_slopes
from training.demo.mixture import Mixture, fit_mixture

N_FACTORS: Final = 14
N_KINDS: Final = 32
FEWEST_SEEN: Final = 5
PLAN_TO_WATCH: Final = 6
# Chosen so that titles of one franchise stand on the same lists as often as they really do (mean cosine .59).
FRANCHISE_SHARE: Final = 0.9
# Log share of all list entries held by the anime at a rank; below, one entry in a dump of 100 million.
SMALLEST_LOG_SHARE: Final = -17.0


@dataclass(frozen=True, slots=True)
class RealLists:
    """What the fit needs from the real lists.

    Attributes
    ----------
    seen : ndarray of shape (n_users, n_anime), dtype=bool
        Curated anime on the lists, plan-to-watch left out.
    ratings : ndarray of shape (n_users, n_anime), dtype=float32
        0 where there is none.
    curated_share : float
        Share of all entries that the curated anime hold.
    """

    seen: NDArray[np.bool_]
    ratings: NDArray[np.float32]
    curated_share: float


def read_lists(folder: Path, anime_ids: NDArray[np.int64]) -> RealLists:
    """Read the entries of the curated anime.

    Parameters
    ----------
    folder : Path
        Holds ``animelist.csv`` or ``animelist.csv.gz``.
    anime_ids : ndarray of shape (n_anime,), dtype=int64
        Ascending.

    Returns
    -------
    RealLists
        Of the users with at least ``FEWEST_SEEN`` curated anime.

    Raises
    ------
    FileNotFoundError
        If the folder holds neither file.
    """
    found = [path for name in ("animelist.csv", "animelist.csv.gz") if (path := folder / name).is_file()]
    if not found:
        raise FileNotFoundError(f"{folder}: expected animelist.csv or animelist.csv.gz of a MyAnimeList dump")
    columns = ["user_id", "anime_id", "rating", "watching_status"]
    table = pa_csv.read_csv(found[0], convert_options=pa_csv.ConvertOptions(include_columns=columns))
    table = table.filter(pc.not_equal(table["watching_status"], PLAN_TO_WATCH))
    n_entries = len(table)
    table = table.filter(pc.is_in(table["anime_id"], value_set=pa.array(anime_ids)))
    _, user_rows = np.unique(table["user_id"].to_numpy(), return_inverse=True)
    anime_rows = np.searchsorted(anime_ids, table["anime_id"].to_numpy())
    ratings = np.zeros((int(user_rows.max()) + 1, len(anime_ids)), dtype=np.float32)
    seen = np.zeros(ratings.shape, dtype=np.bool_)
    seen[user_rows, anime_rows] = True
    ratings[user_rows, anime_rows] = table["rating"].to_numpy()
    enough = seen.sum(axis=1) >= FEWEST_SEEN
    return RealLists(seen=seen[enough], ratings=ratings[enough], curated_share=len(table) / n_entries)


def read_log_shares(folder: Path, ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Read how popularity falls with rank over the whole catalogue.

    Parameters
    ----------
    folder : Path
        Holds ``anime.csv``.
    ranks : ndarray of shape (n_ranks,), dtype=int64
        From 1.

    Returns
    -------
    ndarray of shape (n_ranks,), dtype=float64
        Log of the share of all memberships held by the anime at each rank.
    """
    options = pa_csv.ConvertOptions(include_columns=["Members"])
    parsing = pa_csv.ParseOptions(newlines_in_values=True)
    members = pa_csv.read_csv(folder / "anime.csv", convert_options=options, parse_options=parsing)["Members"]
    sizes = np.sort(members.to_numpy())[::-1]
    shares: NDArray[np.float64] = np.log(sizes / sizes.sum())[np.minimum(ranks, len(sizes)) - 1]
    return np.maximum(shares, SMALLEST_LOG_SHARE)


def main(arguments: list[str] | None = None) -> None:
    """Fit and save the tables.

    Parameters
    ----------
    arguments : list of str, optional
        Of the command line.
    """
    parser = argparse.ArgumentParser(description="Fit the demo's taste tables to real lists.")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the MyAnimeList dump")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, metavar="DIR", help="where to save")
    options = parser.parse_args(arguments)
    anime_ids = np.array([title.anime_id for title in read_curated()])
    lists = read_lists(options.data, anime_ids)
    fit = fit_factors(lists.seen, N_FACTORS)
    mixture = fit_mixture(np.column_stack([fit.tastes, _heaviness(lists.seen)]).astype(np.float64), N_KINDS)
    deviations, slopes, spread = fit_rating_slopes(lists.ratings, fit.tastes)
    _save_taste(options.out / "taste.csv", anime_ids, fit, deviations, slopes)
    ranks = np.unique(np.round(np.geomspace(1, 17_562, 16)).astype(np.int64))
    log_shares = read_log_shares(options.data, ranks)
    _save_users(
        options.out / "users.json",
        {
            "franchise_share": FRANCHISE_SHARE,
            "curated_share": round(lists.curated_share, 3),
            "seen_share": round(float(lists.seen.mean()), 4),
            "ranks": ranks.tolist(),
            "log_shares": np.round(log_shares, 3).tolist(),
            **_rating_habits(lists.ratings, spread),
            **_kinds(mixture),
        },
    )
    sys.stdout.write(f"fitted {N_FACTORS} factors of {len(anime_ids)} anime to {len(lists.seen):,} lists\n")


def _heaviness(seen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Give the normal scores of list lengths: their order is real, their tail is cut where crawlers stopped."""
    ranks = rankdata(seen.sum(axis=1))
    heaviness: NDArray[np.float64] = norm.ppf((ranks - 0.5) / len(ranks))
    return heaviness


def _rating_habits(ratings: NDArray[np.float32], spread: float) -> dict[str, float]:
    counts = (ratings > 0).sum(axis=1)
    sums = ratings.sum(axis=1)
    means = sums[counts >= 10] / counts[counts >= 10]
    return {
        "rating_mean": round(float(means.mean()), 3),
        "rating_mean_deviation": round(float(means.std()), 3),
        "rating_spread": round(spread, 3),
    }


def _kinds(mixture: Mixture) -> dict[str, object]:
    order = np.argsort(-mixture.shares)
    return {
        "shares": np.round(mixture.shares, 4)[order].tolist(),
        "centres": np.round(mixture.centres, 2)[order].tolist(),
        "deviations": np.round(mixture.deviations, 2)[order].tolist(),
    }


def _save_taste(
    path: Path,
    anime_ids: NDArray[np.int64],
    fit: FactorFit,
    deviations: NDArray[np.float64],
    slopes: NDArray[np.float64],
) -> None:
    numbers = range(1, N_FACTORS + 1)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["MAL_ID", "weight", "rating", *(f"taste_{n}" for n in numbers), *(f"rating_{n}" for n in numbers)]
        )
        for row, anime_id in enumerate(anime_ids):
            values = np.concatenate([[fit.weights[row], deviations[row]], fit.factors[row], slopes[row]])
            writer.writerow([anime_id, *(f"{value:.2f}" for value in values)])


def _save_users(path: Path, values: dict[str, object]) -> None:
    lines = []
    for name, value in values.items():
        if isinstance(value, list) and value and isinstance(value[0], list):
            rows = ",\n    ".join(json.dumps(row) for row in value)
            lines.append(f'  "{name}": [\n    {rows}\n  ]')
        else:
            lines.append(f'  "{name}": {json.dumps(value)}')
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
