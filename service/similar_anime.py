"""Which anime are similar to this one."""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.scoring.embedding import cosine_scores
from models.scoring.similar_anime import ranked_scores
from service.catalogue import Allowed, Catalogue
from service.franchise_page import Cut, franchises_of, rank_similar_franchises
from service.nearest import Nearest, NearestRows
from service.query import SimilarAnimeQuery
from service.ranked_page import RankedPage, rank

# A hundred per page, and room for what the adult filter takes out. 17,562 anime x 128 x 8 bytes are 18 MB.
DEPTH: Final = 128
# Of 60 franchises each, that are 10 MB.
N_REMEMBERED_FRANCHISES: Final = 8_192


class _Collapsed(NamedTuple):
    """The franchises among the nearest anime, best first."""

    rows: NDArray[np.int32]
    similarities: NDArray[np.float32]
    scored_rows: NDArray[np.int32]


class SimilarAnime:
    """Ranks anime by their similarity to one of them.

    Parameters
    ----------
    bundle : Bundle
    catalogue : Catalogue
    """

    def __init__(self, bundle: Bundle, catalogue: Catalogue) -> None:
        self._bundle = bundle
        self._catalogue = catalogue
        self._default = bundle.manifest.default_methods.similar_anime
        self._nearest = NearestRows(bundle.anime_embeddings, depth=DEPTH, capacity=bundle.n_anime)
        self._franchises = franchises_of(bundle)
        self._first_rows = _first_rows(bundle)
        self._collapsed = lru_cache(maxsize=N_REMEMBERED_FRANCHISES)(self._collapse)

    def recall_page(self, anime_row: int, query: SimilarAnimeQuery) -> RankedPage | None:
        """Answer from the neighbours that are at hand, if that is enough to answer exactly.

        Parameters
        ----------
        anime_row : int
        query : SimilarAnimeQuery

        Returns
        -------
        RankedPage or None
            None where only :meth:`page` can tell. Otherwise the same as :meth:`page`.

        Raises
        ------
        InvalidRequestError
            If a filter names an unknown type or genre.
        """
        if query.order == "least":
            return None
        nearest = self._neighbours(anime_row, query)
        if nearest is None:
            return None
        allowed = self._catalogue.allowed(query.filters)
        if query.collapse_franchise:
            return self._recall_franchises(anime_row, query, allowed)
        passing = allowed.mask[nearest.rows]
        end = query.offset + query.limit
        total = allowed.count - bool(allowed.mask[anime_row])
        rows = nearest.rows[passing][query.offset : end].tolist()
        if len(rows) < query.limit and query.offset + len(rows) < total:
            return None
        scores = nearest.similarities[passing][query.offset : end].tolist()
        return RankedPage(rows, scores, query.offset, query.limit, total, rows)

    def _recall_franchises(self, anime_row: int, query: SimilarAnimeQuery, allowed: Allowed) -> RankedPage | None:
        """Answer with franchises: each stands where the nearest of its entries that pass stands."""
        collapsed = self._collapsed(anime_row, self._method(query), allowed)
        end = query.offset + query.limit
        total = allowed.first_count - bool(allowed.mask[self._first_rows[anime_row]])
        if len(collapsed.rows) < min(end, total):
            return None
        rows = collapsed.rows[query.offset : end].tolist()
        scored_rows = collapsed.scored_rows[query.offset : end].tolist()
        similarities = collapsed.similarities[query.offset : end].tolist()
        return RankedPage(rows, similarities, query.offset, query.limit, total, scored_rows)

    def _collapse(self, anime_row: int, method: str, allowed: Allowed) -> _Collapsed:
        nearest = self._ranked(anime_row) if method == "ranked" else self._nearest.of_row(anime_row)
        shown = self._first_rows[nearest.rows]
        passing = allowed.mask[nearest.rows] & allowed.mask[shown] & (shown != self._first_rows[anime_row])
        places = np.flatnonzero(passing)
        _, firsts = np.unique(shown[places], return_index=True)
        kept = places[np.sort(firsts)]
        return _Collapsed(shown[kept], nearest.similarities[kept], nearest.rows[kept])

    def page(self, anime_row: int, query: SimilarAnimeQuery) -> RankedPage:
        """Rank the anime that pass the query's filters by similarity, and cut one page out.

        Parameters
        ----------
        anime_row : int
            The anime to compare with; it is never in the answer.
        query : SimilarAnimeQuery

        Returns
        -------
        RankedPage

        Raises
        ------
        InvalidRequestError
            If a filter names an unknown type or genre.
        """
        if query.order == "most":
            if self._method(query) == "embedding":
                self._nearest.of_row(anime_row)
            page = self.recall_page(anime_row, query)
            if page is not None:
                return page
        allowed = self._catalogue.allowed(query.filters).mask.copy()
        allowed[anime_row] = False
        similarities = self._scores(anime_row, query)
        if query.collapse_franchise:
            cut = Cut(query.offset, query.limit, query.order)
            return rank_similar_franchises(similarities, self._franchises, anime_row, allowed, cut)
        return rank(similarities, allowed, query.offset, query.limit, query.order)

    def _method(self, query: SimilarAnimeQuery) -> str:
        return query.method or self._default

    def _neighbours(self, anime_row: int, query: SimilarAnimeQuery) -> Nearest | None:
        """Give the head of the ranking without any filter, where it is at hand."""
        if self._method(query) == "embedding":
            return self._nearest.recall(anime_row)
        return self._ranked(anime_row)

    def _ranked(self, anime_row: int) -> Nearest:
        return Nearest(self._bundle.similar_rows[anime_row], self._bundle.similar_scores[anime_row])

    def _scores(self, anime_row: int, query: SimilarAnimeQuery) -> NDArray[np.float32]:
        bundle = self._bundle
        if self._method(query) == "embedding":
            return cosine_scores(bundle.anime_embeddings, bundle.anime_embeddings[anime_row])
        return ranked_scores(bundle.similar_rows, bundle.similar_scores, bundle.anime_embeddings, anime_row)


def _first_rows(bundle: Bundle) -> NDArray[np.int32]:
    """Give, for each anime, the row of the first entry of its franchise."""
    first = np.flatnonzero(bundle.franchise_positions == 0).astype(np.int32)
    of_franchise = np.empty(len(first), dtype=np.int32)
    of_franchise[bundle.franchise_codes[first]] = first
    return of_franchise[bundle.franchise_codes]
