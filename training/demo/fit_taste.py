"""Fit, once, the small tables of numbers from which demo users are drawn.

``python -m training.demo.fit_taste --data DIR`` reads the real lists of a MyAnimeList dump and writes ``taste.csv``
(one row per curated anime) and ``users.json`` (what kinds of viewers there are) beside this module. Only aggregates
leave: no list, no user and no text of the dump can be read back from them.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from training.demo.curated import read_curated

Matrix = NDArray[np.float32]

N_FACTORS: Final = 14
N_KINDS: Final = 32
FEWEST_SEEN: Final = 5
FEWEST_RATINGS: Final = 10
PLAN_TO_WATCH: Final = 6
# Chosen so that titles of one franchise stand on the same lists as often as they really do (mean cosine .59).
FRANCHISE_SHARE: Final = 0.9
# Log share of all list entries held by the anime at a rank; below, one entry in a dump of 100 million.
SMALLEST_LOG_SHARE: Final = -17.0
_FIRST_DECAY: Final = 0.9
_SECOND_DECAY: Final = 0.99


class FactorFit(NamedTuple):
    """Fitted factors, rotated so that tastes have mean 0, variance 1 and no correlation; strongest factor first."""

    # Shapes: (n_users, n_factors), (n_anime, n_factors), (n_anime,)
    tastes: Matrix
    factors: Matrix
    # Log rate of each anime for the average user.
    weights: Matrix


def fit_factors(seen: NDArray[np.bool_], n_factors: int, steps: int = 400) -> FactorFit:
    """Fit taste factors to who has seen what, a row per user; every user and every anime needs at least one entry.

    The model is the one that the simulation draws from. Every anime of a user's list arrives after an exponential
    waiting time with rate ``exp(weight + tastes @ factors)``, and the list holds what arrived before the user
    stopped. A title is therefore on the list with probability ``1 - exp(-exp(patience + weight + tastes @
    factors))``: a factor model with a complementary log-log link, fitted by full-batch Adam on its posterior.

    Raises
    ------
    ValueError
        If a user or an anime has no entry.
    """
    if not (seen.any(axis=0).all() and seen.any(axis=1).all()):
        raise ValueError("expected at least one entry per user and per anime; drop empty rows and columns first")
    found, rng = seen.astype(np.float32), np.random.default_rng(0)
    state: dict[str, Matrix] = {
        "patience": np.log(found.mean(axis=1)),
        "weights": np.log(found.mean(axis=0) / found.mean()),
        "tastes": rng.normal(0, 0.3, (len(seen), n_factors)).astype(np.float32),
        "factors": rng.normal(0, 0.3, (seen.shape[1], n_factors)).astype(np.float32),
    }
    first = {name: np.zeros_like(value) for name, value in state.items()}
    second = {name: np.zeros_like(value) for name, value in state.items()}
    for step in range(1, steps + 1):
        # Falls to nothing over the last third of the steps.
        rate = 0.05 * min(1.0, 3.0 * (steps - step) / steps + 0.02)
        for name, gradient in _gradients(state, found).items():
            first[name] += (1 - _FIRST_DECAY) * (gradient - first[name])
            second[name] += (1 - _SECOND_DECAY) * (gradient**2 - second[name])
            scale = np.sqrt(second[name] / (1 - _SECOND_DECAY**step)) + 1e-6
            state[name] += rate * first[name] / (1 - _FIRST_DECAY**step) / scale
    return _rotate(state)


def _gradients(state: dict[str, Matrix], found: Matrix) -> dict[str, Matrix]:
    log_rates = state["tastes"] @ state["factors"].T + state["patience"][:, None] + state["weights"]
    rates = np.exp(np.clip(log_rates, -12.0, 4.0))  # Shape: (n_users, n_anime)
    slopes = found * (rates / -np.expm1(-rates)) - rates  # Shape: (n_users, n_anime)
    return {
        "patience": slopes.sum(axis=1),
        "weights": slopes.sum(axis=0),
        "tastes": slopes @ state["factors"] - state["tastes"],
        "factors": slopes.T @ state["tastes"] - 2.0 * state["factors"],
    }


def _rotate(state: dict[str, Matrix]) -> FactorFit:
    centre = state["tastes"].mean(axis=0)
    weights = state["weights"] + state["factors"] @ centre
    tastes = state["tastes"] - centre
    variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(tastes.T)))
    deviations = np.sqrt(variances)
    factors = state["factors"] @ (axes * deviations)
    # White tastes stay white under any rotation: this one sorts the factors by strength.
    rotation = np.linalg.svd(factors, full_matrices=False)[2].T
    fitted = (tastes @ axes / deviations @ rotation, factors @ rotation, weights)
    return FactorFit(*(array.astype(np.float32) for array in fitted))


def fit_rating_slopes(
    ratings: Matrix, tastes: Matrix, penalty: float = 150.0
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Fit, per anime, how its ratings (0 where there is none) depend on who gives them, by ridge regression.

    Gives mean distances of an anime's ratings from their users' means, slopes of shape (n_anime, n_factors), and the
    standard deviation of what remains. The penalty was chosen on held-out ratings, where it explains 4 % of the
    variance that user and anime means leave.
    """
    rated = ratings > 0
    counts = rated.sum(axis=1)
    means = ratings.sum(axis=1) / np.maximum(counts, 1)
    rated &= (counts >= FEWEST_RATINGS)[:, None]
    n_anime, n_factors = ratings.shape[1], tastes.shape[1]
    deviations, slopes = np.zeros(n_anime), np.zeros((n_anime, n_factors))
    remaining = 0.0
    for anime_row in range(n_anime):
        users = np.flatnonzero(rated[:, anime_row])
        residuals = ratings[users, anime_row] - means[users]
        # Shrunk by ten ratings of 0, so that a title with three raters is no outlier.
        deviations[anime_row] = residuals.sum() / (len(users) + 10)
        residuals = residuals - deviations[anime_row]
        own = tastes[users].astype(np.float64)
        slopes[anime_row] = np.linalg.solve(own.T @ own + penalty * np.eye(n_factors), own.T @ residuals)
        remaining += float(((residuals - own @ slopes[anime_row]) ** 2).sum())
    return deviations, slopes, float(np.sqrt(remaining / max(int(rated.sum()), 1)))


def main(arguments: list[str] | None = None) -> None:
    """Fit and save the tables."""
    from sklearn.mixture import GaussianMixture  # noqa: PLC0415 - takes a second to import

    parser = argparse.ArgumentParser(description="Fit the demo's taste tables to real lists.")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the MyAnimeList dump")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, metavar="DIR", help="where to save")
    options = parser.parse_args(arguments)
    anime_ids = np.array([title.anime_id for title in read_curated()])
    seen, ratings, curated_share = _read_lists(options.data, anime_ids)
    fit = fit_factors(seen, N_FACTORS)
    # The order of list lengths is real, their tail is cut where crawlers stopped: hence their normal scores.
    heaviness = norm.ppf((rankdata(seen.sum(axis=1)) - 0.5) / len(seen))
    # What is added to every variance keeps a kind from shrinking to one point.
    kinds = GaussianMixture(N_KINDS, covariance_type="diag", reg_covar=0.05, max_iter=40, random_state=0)
    kinds.fit(np.column_stack([fit.tastes, heaviness]).astype(np.float64))
    order = np.argsort(-kinds.weights_)
    deviations, slopes, spread = fit_rating_slopes(ratings, fit.tastes)
    table = pd.DataFrame(
        np.column_stack([fit.weights, deviations, fit.factors, slopes]),
        index=pd.Index(anime_ids, name="MAL_ID"),
        columns=[
            "weight",
            "rating",
            *(f"{kind}_{n}" for kind in ("taste", "rating") for n in range(1, N_FACTORS + 1)),
        ],
    )
    table.to_csv(options.out / "taste.csv", float_format="%.2f", lineterminator="\n")
    counts, sums = (ratings > 0).sum(axis=1), ratings.sum(axis=1)
    means = sums[counts >= FEWEST_RATINGS] / counts[counts >= FEWEST_RATINGS]
    ranks = np.unique(np.round(np.geomspace(1, 17_562, 16)).astype(np.int64))
    members = np.sort(pd.read_csv(options.data / "anime.csv", usecols=["Members"])["Members"])[::-1]
    sizes = members[np.minimum(ranks, len(members)) - 1] / members.sum()
    users = {
        "franchise_share": FRANCHISE_SHARE,
        "curated_share": round(curated_share, 3),
        "seen_share": round(float(seen.mean()), 4),
        "ranks": ranks.tolist(),
        "log_shares": np.log(np.maximum(sizes, np.exp(SMALLEST_LOG_SHARE))).round(3).tolist(),
        "rating_mean": round(float(means.mean()), 3),
        "rating_mean_deviation": round(float(means.std()), 3),
        "rating_spread": round(spread, 3),
        "shares": kinds.weights_[order].round(4).tolist(),
        "centres": kinds.means_[order].round(2).tolist(),
        "deviations": np.sqrt(kinds.covariances_[order]).round(2).tolist(),
    }
    # A line for each row of numbers.
    text = json.dumps(users).replace(', "', ',\n  "').replace("[[", "[\n    [").replace("], [", "],\n    [")
    text = text.replace("]]", "]\n  ]").replace("{", "{\n  ").replace("}", "\n}\n")
    (options.out / "users.json").write_text(text, encoding="utf-8")
    sys.stdout.write(f"fitted {N_FACTORS} factors of {len(anime_ids)} anime to {len(seen):,} lists\n")


def _read_lists(folder: Path, anime_ids: NDArray[np.int64]) -> tuple[NDArray[np.bool_], Matrix, float]:
    """Read what users with enough curated anime have seen and rated, and the share of entries of curated anime."""
    plain = folder / "animelist.csv"
    path = plain if plain.is_file() else folder / "animelist.csv.gz"
    columns = {"user_id": np.int32, "anime_id": np.int32, "rating": np.int8, "watching_status": np.int8}
    table = pd.read_csv(path, usecols=list(columns), dtype=columns, engine="pyarrow")
    table = table[table["watching_status"] != PLAN_TO_WATCH]
    curated = table[table["anime_id"].isin(anime_ids)]
    user_rows, _ = pd.factorize(curated["user_id"], sort=True)
    anime_rows = np.searchsorted(anime_ids, curated["anime_id"])
    ratings = np.zeros((user_rows.max() + 1, len(anime_ids)), dtype=np.float32)
    seen = np.zeros(ratings.shape, dtype=np.bool_)
    seen[user_rows, anime_rows] = True
    ratings[user_rows, anime_rows] = curated["rating"]
    enough = seen.sum(axis=1) >= FEWEST_SEEN
    return seen[enough], ratings[enough], len(curated) / len(table)


if __name__ == "__main__":
    main()
