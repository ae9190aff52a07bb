"""Measures a grouping against franchises that are known: over pairs of anime that either are or are not related."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.dump import DumpFiles
from training.similar_truth import read_numbers


@dataclass(frozen=True)
class GroupingMeasure:
    """How well a grouping agrees with what is known.

    Attributes
    ----------
    precision : float
        Share of the pairs put together that belong together; NaN where none was.
    recall : float
        Share of the pairs that belong together that were put together; NaN where there are none.
    n_together, n_related : int
        Pairs put together, and pairs that belong together, among the anime of which the truth is known.
    """

    precision: float
    recall: float
    n_together: int
    n_related: int


def read_franchise_truth(dump: DumpFiles) -> dict[int, int]:
    """Read franchises.csv of a dump.

    Parameters
    ----------
    dump : DumpFiles

    Returns
    -------
    dict of int to int
        Franchise id by anime id; empty without the file.

    Raises
    ------
    InputError
        If the file lacks a column or holds something else than numbers.
    """
    if dump.franchises is None:
        return {}
    return {row[0]: row[1] for row in read_numbers(dump.franchises, "anime_id", "franchise_id")}


def measure_grouping(
    codes: NDArray[np.integer], anime_ids: NDArray[np.integer], truth: dict[int, int]
) -> GroupingMeasure:
    """Count pairs. Only pairs of anime whose franchises are both known count; the others say nothing.

    Parameters
    ----------
    codes : ndarray of shape (n_anime,), dtype=integer
        Franchise of each anime, as grouped.
    anime_ids : ndarray of shape (n_anime,), dtype=integer
    truth : dict of int to int
        Known franchise by anime id.

    Returns
    -------
    GroupingMeasure
    """
    known = np.array([anime_id in truth for anime_id in anime_ids.tolist()], dtype=bool)
    grouped = codes[known].astype(np.int64)
    related = np.array([truth[anime_id] for anime_id in anime_ids[known].tolist()], dtype=np.int64)
    together, related_pairs = _count_pairs(grouped), _count_pairs(related)
    right = _count_pairs(np.stack([grouped, related], axis=1))
    return GroupingMeasure(
        right / together if together else float("nan"),
        right / related_pairs if related_pairs else float("nan"),
        together,
        related_pairs,
    )


def _count_pairs(labels: NDArray[np.int64]) -> int:
    """Count the pairs of equal labels (rows)."""
    sizes = np.unique(labels, axis=0, return_counts=True)[1] if len(labels) else np.empty(0, dtype=np.int64)
    return int((sizes * (sizes - 1) // 2).sum())
