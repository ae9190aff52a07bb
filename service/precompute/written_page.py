"""A page of recommendations in the form it is kept in: bytes, without what every answer about these anime says."""

from typing import NamedTuple


class WrittenPage(NamedTuple):
    """One page of recommendations for a user the model knows.

    Attributes
    ----------
    fields : bytes
        A JSON object: what the answer says besides its rows, its paging and the model.
    anime_rows : list of int
        What is recommended, in order of rank.
    rows : list of bytes
        A JSON object for each: what the answer says of it besides its card.
    offset, limit, total : int
        As in :class:`service.recommending.paging.RankedPage`.
    """

    fields: bytes
    anime_rows: list[int]
    rows: list[bytes]
    offset: int
    limit: int
    total: int
