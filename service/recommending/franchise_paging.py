"""What a card tells of its franchise; the rule by which franchises are ranked is in models/scoring/franchises.py."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.franchises import Cut, FranchiseOrder, Role, rank_franchises, rank_next_entries

__all__ = ["Cut", "Place", "franchises_of", "places_of", "rank_franchises", "rank_next_entries"]


def franchises_of(bundle: Bundle) -> FranchiseOrder:
    """Give the franchises of a bundle. Make them once per model: they remember what every request needs."""
    return FranchiseOrder(bundle.franchise_codes, bundle.franchise_positions, bundle.franchise_roles)


@dataclass(frozen=True)
class Place:
    """What an anime is to its franchise and to a user.

    Attributes
    ----------
    role : Role
    next_after : list of int
        Row of the last entry before it that the user has seen, one of the main line if there is one; else empty.
    """

    role: Role
    next_after: list[int]


def places_of(anime_rows: list[int], seen_rows: NDArray[np.int32], franchises: FranchiseOrder) -> list[Place]:
    """Tell what the anime of a page are to their franchises.

    Parameters
    ----------
    anime_rows : list of int
    seen_rows : ndarray of shape (n_seen,), dtype=int32
        What the user has seen.
    franchises : FranchiseOrder

    Returns
    -------
    list of Place
        One per anime.
    """
    if not anime_rows:
        return []
    positions = franchises.positions[seen_rows].astype(np.int64)
    # One key to take the greatest of: the main line before everything else, then the later position.
    keys = 1 + positions + np.where(franchises.roles[seen_rows] == int(Role.MAIN), 1 << 16, 0)
    # Shape: (n_page, n_seen)
    before = franchises.codes[seen_rows] == franchises.codes[anime_rows][:, None]
    before &= positions < franchises.positions[anime_rows][:, None]
    keyed = np.where(before, keys, 0)
    last = seen_rows[keyed.argmax(axis=1)].tolist() if len(seen_rows) else anime_rows
    roles = franchises.roles[anime_rows].tolist()
    found = before.any(axis=1).tolist()
    return [Place(Role(role), [row] if any_ else []) for role, row, any_ in zip(roles, last, found, strict=True)]
