"""The files of a simulated dump, in the format of the Anime Recommendation Database 2020."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from training.demo.curated import UNKNOWN, Title
from training.demo.lists import STATUSES, ListBlock
from training.demo.statistics import AnimeStatistics

NAME: Final = "osusume-demo"
LISTS_FILE: Final = "animelist.csv"
ANIME_FILE: Final = "anime.csv"
SYNOPSES_FILE: Final = "anime_with_synopsis.csv"
DATASET_FILE: Final = "dataset.json"
LIST_COLUMNS: Final = ("user_id", "anime_id", "rating", "watching_status", "watched_episodes")
ANIME_COLUMNS: Final = (
    "MAL_ID", "Name", "Score", "Genres", "English name", "Japanese name", "Type", "Episodes", "Aired", "Premiered",
    "Producers", "Licensors", "Studios", "Source", "Duration", "Rating", "Ranked", "Popularity", "Members",
    "Favorites", "Watching", "Completed", "On-Hold", "Dropped", "Plan to Watch", "Score-10", "Score-9", "Score-8",
    "Score-7", "Score-6", "Score-5", "Score-4", "Score-3", "Score-2", "Score-1",
)  # fmt: skip
SYNOPSIS_COLUMNS: Final = ("MAL_ID", "Name", "Score", "Genres", "sypnopsis")
_SCHEMA: Final = pa.schema([(name, pa.int32()) for name in LIST_COLUMNS])
_README: Final = """\
The users of this folder are simulated: no list in it belongs to a real person.

animelist.csv            {n_rows:,} list entries of {n_users:,} simulated users
anime.csv                {n_anime:,} anime; scores, members and ranks are counted from the simulated lists
anime_with_synopsis.csv  one sentence about each, written for this project

Anime with ids from 9,000,001 are made up; the others are real, and so are their facts.
Made with seed {seed}: the same options give the same bytes.
"""


class ListFile:
    """An animelist.csv that grows block by block; closes when the with block ends.

    Parameters
    ----------
    path : Path
    anime_ids : ndarray of shape (n_anime,), dtype=int64
        Row i of the catalogue has id i.
    """

    def __init__(self, path: Path, anime_ids: NDArray[np.int64]) -> None:
        self._anime_ids = anime_ids
        self._file = path.open("wb")
        # The real file quotes no header, and pyarrow would.
        self._file.write((",".join(LIST_COLUMNS) + "\n").encode())
        self._writer = pa_csv.CSVWriter(self._file, _SCHEMA, write_options=pa_csv.WriteOptions(include_header=False))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        self._file.close()

    def write(self, block: ListBlock) -> None:
        """Append the rows of a block.

        Parameters
        ----------
        block : ListBlock
            User ids are user rows counted from 1.
        """
        columns = (
            block.user_rows + 1,
            self._anime_ids[block.anime_rows],
            block.ratings,
            STATUSES[block.statuses],
            block.watched,
        )
        arrays = [pa.array(column.astype(np.int32)) for column in columns]
        self._writer.write_batch(pa.record_batch(arrays, schema=_SCHEMA))


def write_catalogue(folder: Path, titles: list[Title], statistics: AnimeStatistics) -> None:
    """Write anime.csv and anime_with_synopsis.csv.

    Parameters
    ----------
    folder : Path
    titles : list of Title
    statistics : AnimeStatistics
        Of all lists.
    """
    rows = []
    for title, counted in zip(titles, statistics.columns(titles), strict=True):
        rows.append(
            {"MAL_ID": str(title.anime_id), "Producers": UNKNOWN, "Licensors": UNKNOWN, **title.facts, **counted}
        )
    _write_csv(folder / ANIME_FILE, ANIME_COLUMNS, rows)
    with_synopsis = (
        {**row, "sypnopsis": title.synopsis}
        for title, row in zip(titles, rows, strict=True)
        if title.synopsis is not None
    )
    _write_csv(folder / SYNOPSES_FILE, SYNOPSIS_COLUMNS, with_synopsis)


def write_labels(folder: Path, *, n_users: int, n_anime: int, n_rows: int, seed: int) -> None:
    """Write dataset.json and README.txt, which say that the users are simulated.

    Parameters
    ----------
    folder : Path
    n_users, n_anime, n_rows : int
        What the dump holds.
    seed : int
    """
    label = {
        "name": NAME,
        "simulated": True,
        "description": f"{n_rows:,} list entries of {n_users:,} simulated users for {n_anime:,} anime",
    }
    text = json.dumps(label, indent=2, ensure_ascii=False) + "\n"
    (folder / DATASET_FILE).write_text(text, encoding="utf-8")
    readme = _README.format(n_users=n_users, n_anime=n_anime, n_rows=n_rows, seed=seed)
    (folder / "README.txt").write_text(readme, encoding="utf-8")


def _write_csv(path: Path, columns: tuple[str, ...], rows: Iterable[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
