"""Finds the anime of a model that somebody means, by all that they are called."""

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.ranking import RankedPage
from service.recommending.catalogue import Catalogue
from service.recommending.title_search import SURE, TitleSearch
from service.recommending.typed_titles import read_link, readings_of


def make_title_search(bundle: Bundle, catalogue: Catalogue) -> TitleSearch:
    """Index the names of the catalogue and the bundle's synonyms."""
    # New anime come behind all others, among themselves by their members.
    known = bundle.popularity.astype(np.int64) + bundle.new_members.max(initial=0) + 1
    popularity = np.concatenate([known, bundle.new_members])
    titles = catalogue.titles.copy()
    rows = catalogue.rows_of(bundle.synonym_ids.tolist())
    for row, title in zip(rows, bundle.synonyms.tolist(), strict=True):
        if row is not None:
            titles[row] = (*titles[row], title)
    years = np.concatenate([bundle.years, bundle.new_years])
    members = np.concatenate([bundle.members, bundle.new_members])
    return TitleSearch(titles, popularity, years, members if members.any() else None)


def find_titles(
    search: TitleSearch, catalogue: Catalogue, typed: str, allowed: NDArray[np.bool_], offset: int, limit: int
) -> RankedPage:
    """Rank the allowed anime that somebody may mean by a title, marks and ratings around it, or by a link.

    ``typed`` is not blank.
    """
    anime_id = read_link(typed).anime_id
    if anime_id is not None:
        rows = [row for row in catalogue.rows_of([anime_id]) if row is not None and allowed[row]]
        shown = rows[offset : offset + limit]
        return RankedPage(shown, [1.0] * len(shown), offset, limit, len(rows), shown)
    readings = [reading.title for reading in readings_of(typed)]
    if len(readings) > 1:
        sure = (title for title in readings if (best := search.best(title)) and best.relevance >= SURE)
        typed = next(sure, typed)
    return search.page(typed, allowed, offset, limit)
