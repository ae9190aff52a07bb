"""One page of a ranking."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RankedPage:
    """One page of a ranking.

    Attributes
    ----------
    rows : list of int
        Anime or user rows, in order of rank.
    scores : list of float
        Their scores or similarities.
    offset, limit : int
        As asked for; the first row has rank ``offset + 1``.
    total : int
        Length of the whole ranking.
    scored_rows : list of int
        Whose score stands beside each row: its own, unless a franchise is shown as another of its entries.
    """

    rows: list[int]
    scores: list[float]
    offset: int
    limit: int
    total: int
    scored_rows: list[int]
