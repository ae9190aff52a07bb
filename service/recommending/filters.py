"""Which anime may appear in an answer: the filters that every list of anime shares."""

from typing import Final, NamedTuple


class Filters(NamedTuple):
    """What an anime must be to appear. The default lets every anime through that is not adult.

    An unknown value passes no bound: with ``min_score`` set, an anime without a score stays out.

    Attributes
    ----------
    types, genres, excluded_genres : tuple of str
        Any of the types, all of the genres, none of the excluded ones; upper and lower case are the same.
    min_score, min_members, max_members, year_from, year_to : float or int, optional
        Bounds; the bounds themselves pass.
    excluded_ids : tuple of int
        Anime that must not appear. Ids that the model does not know have no effect.
    include_adult : bool
        Whether adult anime may appear.
    """

    types: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    excluded_genres: tuple[str, ...] = ()
    min_score: float | None = None
    min_members: int | None = None
    max_members: int | None = None
    year_from: int | None = None
    year_to: int | None = None
    excluded_ids: tuple[int, ...] = ()
    include_adult: bool = False


NO_FILTERS: Final = Filters()
