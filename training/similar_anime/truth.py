"""The truth for similar anime: MyAnimeList users' own "if you liked A, watch B"."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.dump import columns
from training.dump.files import DumpFiles, find_dump
from training.errors import InputError
from training.lists.prepared import Prepared
from training.lists.split import may_choose_weights

MIN_VOTES: Final = 2
MIN_PAIRS: Final = 3
# A pair with a single vote is one person's opinion: worth a hint, not log(2).
SINGLE_VOTE_GAIN: Final = 0.3
_SINGLE: Final = float(np.log1p(1.0)) + 1e-6


@dataclass(frozen=True)
class SimilarQuery:
    """One anime and what people recommend to those who liked it."""

    anime_row: int
    similar_rows: NDArray[np.int64]
    # Shape: (n_similar,). log(1 + votes).
    gains: NDArray[np.float64]
    # True where the query may choose weights; False where it measures.
    may_choose: bool

    def weighted_gains(self) -> NDArray[np.float64]:
        """Give the gains with less for a single vote: what is learned from."""
        return np.where(self.gains > _SINGLE, self.gains, SINGLE_VOTE_GAIN)


def read_similar_truth(
    dump: DumpFiles, anime_ids: NDArray[np.int64], *, min_votes: int = MIN_VOTES, min_pairs: int = MIN_PAIRS
) -> list[SimilarQuery]:
    """Read the pairs that people voted for, between anime the model knows; none without recommendations.csv.

    With franchises.csv, pairs within a franchise are left out: a second season is no recommendation. Measuring asks
    for the default least numbers of votes of a pair and of pairs of a query; learning may take less. Ids ascend.

    Raises
    ------
    InputError
        If a file lacks a column or holds something else than numbers.
    """
    if dump.recommendations is None:
        return []
    row_of = {anime_id: row for row, anime_id in enumerate(anime_ids.tolist())}
    franchise_rows = read_numbers(dump.franchises, "anime_id", "franchise_id") if dump.franchises else ()
    franchise_of = {row[0]: row[1] for row in franchise_rows}
    votes: dict[int, dict[int, int]] = {}
    for anime_id, similar_id, count in read_numbers(dump.recommendations, "anime_id", "similar_anime_id", "votes"):
        same = anime_id in franchise_of and franchise_of[anime_id] == franchise_of.get(similar_id)
        if count >= min_votes and not same and anime_id in row_of and similar_id in row_of and anime_id != similar_id:
            votes.setdefault(anime_id, {})[similar_id] = count
    return [
        _make_query(anime_id, pairs, row_of) for anime_id, pairs in sorted(votes.items()) if len(pairs) >= min_pairs
    ]


def read_queries(prepared: Prepared, **least: int) -> list[SimilarQuery]:
    """Read the pairs of a prepared dump: :func:`read_similar_truth` where the dump is."""
    return read_similar_truth(find_dump(Path(prepared.report.data_folder)), prepared.interactions.anime_ids, **least)


def _make_query(anime_id: int, pairs: dict[int, int], row_of: dict[int, int]) -> SimilarQuery:
    return SimilarQuery(
        row_of[anime_id],
        np.array([row_of[similar_id] for similar_id in pairs], dtype=np.int64),
        np.log1p(np.array(list(pairs.values()), dtype=np.float64)),
        bool(may_choose_weights(np.array([anime_id]))[0]),
    )


def read_numbers(path: Path, *names: str) -> Iterator[tuple[int, ...]]:
    """Read columns of whole numbers, by their plain names, from CSV or Parquet: a tuple per row.

    Raises
    ------
    InputError
        If a column lacks or holds something else than whole numbers.
    """
    try:
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read as a table ({error})") from error
    frame.columns = pd.Index([columns.plain(str(name)) for name in frame.columns])
    columns.require_columns(path, list(frame.columns), names)
    wanted = frame[list(names)]
    try:
        numbers = wanted.astype(np.int64)
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(f"{path}: columns {', '.join(names)} must hold whole numbers ({error})") from error
    if not (numbers == wanted.astype(np.float64)).to_numpy().all():
        raise InputError(f"{path}: columns {', '.join(names)} must hold whole numbers; there are fractions")
    yield from numbers.itertuples(index=False, name=None)
