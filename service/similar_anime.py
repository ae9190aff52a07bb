"""Which anime are similar to this one."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.scoring.embedding import cosine_scores
from models.scoring.similar_anime import ranked_scores
from service.catalogue import Catalogue
from service.nearest import Nearest, NearestRows
from service.query import SimilarAnimeQuery
from service.ranked_page import RankedPage, rank

# A hundred per page, and room for what the adult filter takes out. 17,562 anime x 128 x 8 bytes are 18 MB.
DEPTH: Final = 128


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
        passing = allowed.mask[nearest.rows]
        end = query.offset + query.limit
        total = allowed.count - bool(allowed.mask[anime_row])
        rows = nearest.rows[passing][query.offset : end].tolist()
        if len(rows) < query.limit and query.offset + len(rows) < total:
            return None
        scores = nearest.similarities[passing][query.offset : end].tolist()
        return RankedPage(rows, scores, query.offset, query.limit, total)

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
        return rank(self._scores(anime_row, query), allowed, query.offset, query.limit, query.order)

    def _method(self, query: SimilarAnimeQuery) -> str:
        return query.method or self._default

    def _neighbours(self, anime_row: int, query: SimilarAnimeQuery) -> Nearest | None:
        """Give the head of the ranking without any filter, where it is at hand."""
        if self._method(query) == "embedding":
            return self._nearest.recall(anime_row)
        return Nearest(self._bundle.similar_rows[anime_row], self._bundle.similar_scores[anime_row])

    def _scores(self, anime_row: int, query: SimilarAnimeQuery) -> NDArray[np.float32]:
        bundle = self._bundle
        if self._method(query) == "embedding":
            return cosine_scores(bundle.anime_embeddings, bundle.anime_embeddings[anime_row])
        return ranked_scores(bundle.similar_rows, bundle.similar_scores, bundle.anime_embeddings, anime_row)
