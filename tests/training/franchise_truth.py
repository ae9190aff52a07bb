"""Measures a grouping against franchises that are known: over pairs of anime that either are or are not related."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.dump.files import DumpFiles
from training.franchises.titles import read_wording
from training.similar_anime.truth import read_numbers

MAX_RELIABLE_SIZE: Final = 20
_TORN: Final = 3


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


def leave_out_unreliable(
    truth: Mapping[int, int], names: Mapping[int, str], max_size: int = MAX_RELIABLE_SIZE
) -> dict[int, int]:
    """Leave out the known franchises that are not to be believed.

    Those of more than 20 entries are several franchises that crossovers hold together. And where one name begins the
    titles of three listed franchises or more (of Detective Conan nearly every film is listed as a franchise of its
    own), the list has lost what held them together.

    Parameters
    ----------
    truth : mapping of int to int
        Franchise id by anime id, from :func:`read_franchise_truth`.
    names : mapping of int to str
        Main title by anime id. Anime without one are left out too.
    max_size : int
        Entries of the largest franchise that is believed.

    Returns
    -------
    dict of int to int
        What is left.
    """
    sizes = Counter(truth.values())
    heads = {anime_id: read_wording(names[anime_id]).head for anime_id in truth if anime_id in names}
    owners: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for anime_id, head in heads.items():
        owners[head].add(truth[anime_id])
    torn = {head for head, found in owners.items() if len(found) >= _TORN}
    return {
        anime_id: truth[anime_id]
        for anime_id, head in heads.items()
        if sizes[truth[anime_id]] <= max_size and not any(head[:length] in torn for length in range(1, len(head) + 1))
    }


def measure_grouping(
    codes: NDArray[np.integer], anime_ids: NDArray[np.integer], truth: Mapping[int, int]
) -> GroupingMeasure:
    """Count pairs. Only pairs of anime whose franchises are both known count; the others say nothing.

    Parameters
    ----------
    codes : ndarray of shape (n_anime,), dtype=integer
        Franchise of each anime, as grouped.
    anime_ids : ndarray of shape (n_anime,), dtype=integer
    truth : mapping of int to int
        Known franchise by anime id.
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
