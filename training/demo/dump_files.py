"""The files of a simulated dump, in the format of the Anime Recommendation Database 2020."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from training.demo.curated import UNKNOWN, Title
from training.demo.lists import STATUSES, ListBlock

NAME: Final = "osusume-demo"
LISTS_FILE: Final = "animelist.csv"
DATASET_FILE: Final = "dataset.json"
LIST_COLUMNS: Final = ("user_id", "anime_id", "rating", "watching_status", "watched_episodes")
_STATUS_COLUMNS: Final = ("Watching", "Completed", "On-Hold", "Dropped", "Plan to Watch")
ANIME_COLUMNS: Final = (
    "MAL_ID", "Name", "Score", "Genres", "English name", "Japanese name", "Type", "Episodes", "Aired", "Premiered",
    "Producers", "Licensors", "Studios", "Source", "Duration", "Rating", "Ranked", "Popularity", "Members",
    "Favorites", *_STATUS_COLUMNS, *(f"Score-{points}" for points in range(10, 0, -1)),
)  # fmt: skip
SYNOPSIS_COLUMNS: Final = ("MAL_ID", "Name", "Score", "Genres", "sypnopsis")
_SCHEMA: Final = pa.schema([(name, pa.int32()) for name in LIST_COLUMNS])
# A score appears from this many ratings on, and is drawn towards the mean of all like MyAnimeList's own.
_FEWEST_RATINGS: Final = 10
_WEIGHT_OF_THE_MEAN: Final = 10
_README: Final = """\
The users of this folder are simulated: no list in it belongs to a real person.

animelist.csv            {n_rows:,} list entries of {n_users:,} simulated users
anime.csv                {n_anime:,} anime; scores, members and ranks are counted from the simulated lists
anime_with_synopsis.csv  one sentence about each, written for this project

Anime with ids from 9,000,001 are made up; the others are real, and so are their facts.
Made with seed {seed}: the same options give the same bytes.
"""


class AnimeStatistics:
    """Counts over all lists, block by block."""

    def __init__(self, n_anime: int) -> None:
        self.statuses: NDArray[np.int64] = np.zeros((n_anime, len(STATUSES)), dtype=np.int64)
        self.ratings: NDArray[np.int64] = np.zeros((n_anime, 11), dtype=np.int64)
        self.favourites: NDArray[np.int64] = np.zeros(n_anime, dtype=np.int64)

    def add(self, block: ListBlock) -> None:
        """Count one block."""
        np.add.at(self.statuses, (block.anime_rows, block.statuses), 1)
        np.add.at(self.ratings, (block.anime_rows, block.ratings), 1)
        self.favourites += np.bincount(block.anime_rows[block.favourites], minlength=len(self.favourites))

    def columns(self, titles: list[Title]) -> list[dict[str, str]]:
        """Give every column of anime.csv that depends on the lists, one row per title."""
        members, scores = self.statuses.sum(axis=1), self._scores()
        # Adult titles have a score but no rank, as on MyAnimeList.
        ranked = np.array([not title.is_adult for title in titles]) & np.isfinite(scores)
        popularity, ranks = _places(members), _places(np.where(ranked, scores, np.nan))
        return [
            {
                "Score": f"{scores[row]:.2f}" if np.isfinite(scores[row]) else UNKNOWN,
                "Ranked": f"{ranks[row]}.0" if ranked[row] else UNKNOWN,
                "Popularity": str(popularity[row]),
                "Members": str(members[row]),
                "Favorites": str(self.favourites[row]),
                **dict(zip(_STATUS_COLUMNS, map(str, self.statuses[row]), strict=True)),
                **{f"Score-{n}": f"{count}.0" if count else UNKNOWN for n, count in enumerate(self.ratings[row])},
            }
            for row in range(len(titles))
        ]

    def _scores(self) -> NDArray[np.float64]:
        """Compute weighted scores, NaN where there are too few ratings: shape (n_anime,)."""
        counts, sums = self.ratings[:, 1:].sum(axis=1), self.ratings @ np.arange(11)
        mean = float(sums.sum()) / max(int(counts.sum()), 1)
        scores: NDArray[np.float64] = (sums + _WEIGHT_OF_THE_MEAN * mean) / (counts + _WEIGHT_OF_THE_MEAN)
        return np.where(counts < _FEWEST_RATINGS, np.nan, scores)


def _places(values: NDArray[np.number]) -> NDArray[np.int64]:
    """Give each value's place from 1, the largest first; NaN comes last."""
    places = np.empty(len(values), dtype=np.int64)
    places[np.argsort(-values, kind="stable")] = np.arange(1, len(values) + 1)
    return places


def write_lists(path: Path, anime_ids: NDArray[np.int64], blocks: Iterable[ListBlock]) -> None:
    """Write animelist.csv block by block; user ids are user rows counted from 1."""
    options = pa_csv.WriteOptions(include_header=False)
    with path.open("wb") as file:
        # The real file quotes no header, and pyarrow would.
        file.write((",".join(LIST_COLUMNS) + "\n").encode())
        with pa_csv.CSVWriter(file, _SCHEMA, write_options=options) as writer:
            for block in blocks:
                ids, statuses = anime_ids[block.anime_rows], STATUSES[block.statuses]
                columns = (block.user_rows + 1, ids, block.ratings, statuses, block.watched)
                arrays = [pa.array(column.astype(np.int32)) for column in columns]
                writer.write_batch(pa.record_batch(arrays, schema=_SCHEMA))


def write_catalogue(folder: Path, titles: list[Title], statistics: AnimeStatistics) -> None:
    """Write anime.csv and anime_with_synopsis.csv."""
    rows = [
        {"MAL_ID": str(title.anime_id), "Producers": UNKNOWN, "Licensors": UNKNOWN, **title.facts, **counted}
        for title, counted in zip(titles, statistics.columns(titles), strict=True)
    ]
    _write_csv(folder / "anime.csv", ANIME_COLUMNS, rows)
    synopses = zip(rows, (title.synopsis for title in titles), strict=True)
    with_synopsis = ({**row, "sypnopsis": synopsis} for row, synopsis in synopses if synopsis is not None)
    _write_csv(folder / "anime_with_synopsis.csv", SYNOPSIS_COLUMNS, with_synopsis)


def write_labels(folder: Path, *, n_users: int, n_anime: int, n_rows: int, seed: int) -> None:
    """Write dataset.json and README.txt, which name the users as simulated."""
    description = f"{n_rows:,} list entries of {n_users:,} simulated users for {n_anime:,} anime"
    label = {"name": NAME, "simulated": True, "description": description}
    (folder / DATASET_FILE).write_text(json.dumps(label, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    readme = _README.format(n_users=n_users, n_anime=n_anime, n_rows=n_rows, seed=seed)
    (folder / "README.txt").write_text(readme, encoding="utf-8")


def _write_csv(path: Path, columns: tuple[str, ...], rows: Iterable[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
