"""Reads what anime are called elsewhere: further titles (synonyms.csv) and the ids of other sites (idmap.csv)."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.layout import SITES
from training.dump.catalogue import MAL_ID, identified_rows
from training.dump.list_values import read_whole
from training.dump.rejects import RejectedRows

#: The arrays of the bundle that come of it.
ARRAYS: Final = ("synonym_ids", "synonyms", "id_map")
# Every synonym takes as much room as the longest.
MAX_TITLE: Final = 200


def read_elsewhere(synonym_file: Path | None, id_file: Path | None, rejects: RejectedRows) -> dict[str, NDArray[Any]]:
    """Read the files that are there; without one its arrays are empty.

    Raises
    ------
    InputError
        If a file is empty or broken, or lacks a column: anime_id and title, or mal_id.
    """
    synonyms = _read_synonyms(synonym_file, rejects) if synonym_file else []
    id_map = _read_id_map(id_file, rejects) if id_file else []
    return {
        "synonym_ids": np.array([anime_id for anime_id, _ in synonyms], dtype=np.int64),
        "synonyms": np.array([title for _, title in synonyms], dtype=np.str_ if synonyms else "U1"),
        "id_map": np.array(id_map, dtype=np.int64).reshape(-1, 1 + len(SITES)),
    }


def _read_synonyms(path: Path, rejects: RejectedRows) -> list[tuple[int, str]]:
    synonyms = []
    for file, line, anime_id, row in identified_rows(path, (MAL_ID, "name"), rejects):
        # A null ends a text of numpy.
        title = row["name"].replace("\0", " ").strip()
        if 0 < len(title) <= MAX_TITLE:
            synonyms.append((anime_id, title))
        else:
            rejects.add(file, line, f"title is empty or longer than {MAX_TITLE} characters", ",".join(row.values()))
    return synonyms


def _read_id_map(path: Path, rejects: RejectedRows) -> list[tuple[int, ...]]:
    """Read rows of ids, MyAnimeList's first; several of another site may stand for one of MyAnimeList."""
    return [
        (anime_id, *(read_whole(row.get(f"{site}_id", "")) or 0 for site in SITES))
        for _, _, anime_id, row in identified_rows(path, (MAL_ID,), rejects)
    ]
