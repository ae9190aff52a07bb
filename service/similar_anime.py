"""Which anime are similar to this one."""

from typing import Final

from models.bundle import Bundle
from models.scoring.embedding import cosine_scores
from service.catalogue import Catalogue
from service.nearest import NearestRows
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
        self._embeddings = bundle.anime_embeddings
        self._catalogue = catalogue
        self._nearest = NearestRows(bundle.anime_embeddings, depth=DEPTH, capacity=bundle.n_anime)

    def recall_page(self, anime_row: int, query: SimilarAnimeQuery) -> RankedPage | None:
        """Answer from what is remembered, if that is enough to answer exactly.

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
        nearest = self._nearest.recall(anime_row)
        if nearest is None or query.order == "least":
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
            self._nearest.of_row(anime_row)
            page = self.recall_page(anime_row, query)
            if page is not None:
                return page
        allowed = self._catalogue.allowed(query.filters).mask.copy()
        allowed[anime_row] = False
        similarities = cosine_scores(self._embeddings, self._embeddings[anime_row])
        return rank(similarities, allowed, query.offset, query.limit, query.order)
