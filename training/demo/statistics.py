"""Count what the simulated lists say of each anime, and put it in the words of the dump's anime.csv."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.demo.curated import UNKNOWN, Title
from training.demo.lists import STATUSES, ListBlock

# A score appears from this many ratings on, and is drawn towards the mean of all like MyAnimeList's own.
_FEWEST_RATINGS: Final = 10
_WEIGHT_OF_THE_MEAN: Final = 10
_STATUS_COLUMNS: Final = ("Watching", "Completed", "On-Hold", "Dropped", "Plan to Watch")


class AnimeStatistics:
    """Counts over all lists, block by block."""

    def __init__(self, n_anime: int) -> None:
        self.statuses: NDArray[np.int64] = np.zeros((n_anime, len(STATUSES)), dtype=np.int64)
        self.ratings: NDArray[np.int64] = np.zeros((n_anime, 11), dtype=np.int64)
        self.favourites: NDArray[np.int64] = np.zeros(n_anime, dtype=np.int64)

    def add(self, block: ListBlock) -> None:
        """Count one block."""
        self.statuses += _count_pairs(block.anime_rows, block.statuses, self.statuses.shape)
        self.ratings += _count_pairs(block.anime_rows, block.ratings, self.ratings.shape)
        self.favourites += np.bincount(block.anime_rows[block.favourites], minlength=len(self.favourites))

    @property
    def n_rated(self) -> int:
        """Number of rows with a rating."""
        return int(self.ratings[:, 1:].sum())

    def columns(self, titles: list[Title]) -> list[dict[str, str]]:
        """Give every column of anime.csv that depends on the lists.

        Parameters
        ----------
        titles : list of Title
            Row i of the counts belongs to title i. Adult titles have a score but no rank, as on MyAnimeList.

        Returns
        -------
        list of dict of str to str
            One per title.
        """
        members = self.statuses.sum(axis=1)
        popularity = np.empty(len(members), dtype=np.int64)
        popularity[np.argsort(-members, kind="stable")] = np.arange(1, len(members) + 1)
        scores = self._scores()
        ranked = np.array([not title.is_adult for title in titles]) & np.isfinite(scores)
        ranks = _rank(np.where(ranked, scores, np.nan))
        rows = []
        for row in range(len(titles)):
            counts = self.ratings[row, :0:-1]
            values = {
                "Score": f"{scores[row]:.2f}" if np.isfinite(scores[row]) else UNKNOWN,
                "Ranked": f"{ranks[row]}.0" if ranked[row] else UNKNOWN,
                "Popularity": str(popularity[row]),
                "Members": str(members[row]),
                "Favorites": str(self.favourites[row]),
            }
            values.update(zip(_STATUS_COLUMNS, map(str, self.statuses[row]), strict=True))
            for points, count in zip(range(10, 0, -1), counts, strict=True):
                values[f"Score-{points}"] = f"{count}.0" if count else UNKNOWN
            rows.append(values)
        return rows

    def _scores(self) -> NDArray[np.float64]:
        """Compute weighted scores, NaN where too few ratings speak: shape (n_anime,)."""
        points = np.arange(11)
        counts = self.ratings[:, 1:].sum(axis=1)
        sums = self.ratings @ points
        mean = float(sums.sum()) / max(int(counts.sum()), 1)
        scores: NDArray[np.float64] = (sums + _WEIGHT_OF_THE_MEAN * mean) / (counts + _WEIGHT_OF_THE_MEAN)
        scores[counts < _FEWEST_RATINGS] = np.nan
        return scores


def _count_pairs(rows: NDArray[np.int64], values: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
    n_rows, n_values = shape
    return np.bincount(rows * n_values + values, minlength=n_rows * n_values).reshape(shape)


def _rank(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    ranks = np.zeros(len(scores), dtype=np.int64)
    # NaN sorts last, and its ranks are not shown.
    ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return ranks
