"""Which anime are similar to this one."""

import numpy as np
from numpy.typing import NDArray

from models.bundle.manifest import SimilarAnimeMethod
from models.bundle.reader import Bundle
from models.scoring.embedding import cosine_scores, ranked_scores
from models.scoring.franchises import rank_franchises
from models.scoring.new_anime import score_by_content
from models.scoring.ranking import RankedPage, rank
from service.recommending.catalogue import Allowed, Catalogue
from service.recommending.errors import InvalidRequestError, Issue
from service.recommending.requests import SimilarAnimeRequest


class SimilarAnime:
    """Ranks anime by their similarity to one of them."""

    def __init__(self, bundle: Bundle, catalogue: Catalogue) -> None:
        self._bundle = bundle
        self._catalogue = catalogue
        self._default = bundle.manifest.default_methods.similar_anime
        self._neighbours = bundle.similar_anime_neighbours
        self._of_known: frozenset[SimilarAnimeMethod] = frozenset(["embedding", *self._neighbours])
        self._of_new: frozenset[SimilarAnimeMethod] = frozenset(["content"] if bundle.n_new else [])

    @property
    def methods(self) -> frozenset[SimilarAnimeMethod]:
        """The methods of this model."""
        return self._of_known | self._of_new

    def method_of(self, anime_row: int, request: SimilarAnimeRequest) -> SimilarAnimeMethod:
        """Give the method by which a request is answered.

        Raises
        ------
        InvalidRequestError
            If it names a method that there is not for this anime.
        """
        new = self._catalogue.is_new(anime_row)
        possible = self._of_new if new else self._of_known
        if request.method and request.method not in possible:
            expected = "content, since it is new to the model" if new else ", ".join(sorted(possible))
            raise InvalidRequestError(
                [Issue("method", f"one that this model has for this anime: {expected}", request.method)]
            )
        return request.method or ("content" if new else self._default)

    def page(self, anime_row: int, request: SimilarAnimeRequest) -> RankedPage:
        """Rank the anime that pass the request's filters by their similarity to another, and cut one page out.

        Raises
        ------
        InvalidRequestError
            If a filter names an unknown type or genre, or as for :meth:`method_of`.
        """
        method = self.method_of(anime_row, request)
        catalogue = self._catalogue
        allowed = (catalogue.allowed_everywhere if method == "content" else catalogue.allowed)(request.filters)
        if method in self._neighbours and request.order == "most":
            read = self._read_franchises if request.collapse_franchise else self._read_anime
            page = read(anime_row, method, request, allowed)
            if page is not None:
                return page
        scores = self._scores(anime_row, method)
        if request.collapse_franchise:
            first_rows = catalogue.first_rows[: len(scores)]
            candidates = allowed.with_first & (first_rows != first_rows[anime_row])
            total = self._n_franchises(anime_row, allowed)
            return rank_franchises(scores, candidates, first_rows, total, request)
        others = allowed.mask.copy()
        others[anime_row] = False
        return rank(scores, others, request)

    def _neighbours_of(
        self, anime_row: int, method: SimilarAnimeMethod
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Give the rows of the neighbours that the bundle holds, and their scores, which are above 0."""
        rows, scores = (array[anime_row] for array in self._neighbours[method])
        n_neighbours = np.count_nonzero(scores)
        return rows[:n_neighbours], scores[:n_neighbours]

    def _read_anime(
        self, anime_row: int, method: SimilarAnimeMethod, request: SimilarAnimeRequest, allowed: Allowed
    ) -> RankedPage | None:
        """Cut the page out of the neighbours that the bundle holds; None where they are too few to fill it."""
        neighbours, similarities = self._neighbours_of(anime_row, method)
        places = np.flatnonzero(allowed.mask[neighbours])[: request.offset + request.limit]
        total = allowed.count - bool(allowed.mask[anime_row])
        if len(places) < min(request.offset + request.limit, total):
            return None
        places = places[request.offset :]
        rows: list[int] = neighbours[places].tolist()
        scores: list[float] = similarities[places].tolist()
        return RankedPage(rows, scores, request.offset, request.limit, total, rows)

    def _read_franchises(
        self, anime_row: int, method: SimilarAnimeMethod, request: SimilarAnimeRequest, allowed: Allowed
    ) -> RankedPage | None:
        """Do the same for franchises: each stands where the nearest of its entries that pass stands."""
        # Plain loops over a few dozen numbers: numpy's calls would cost more.
        first_rows, passes = self._catalogue.first_rows.data, allowed.with_first.data
        neighbours, similarities = (array.data for array in self._neighbours_of(anime_row, method))
        total = self._n_franchises(anime_row, allowed)
        end = min(request.offset + request.limit, total)
        own = first_rows[anime_row]
        place_of: dict[int, int] = {}
        for place, row in enumerate(neighbours):
            if len(place_of) >= end:
                break
            if passes[row] and (shown := first_rows[row]) != own:
                place_of.setdefault(shown, place)
        if len(place_of) < end:
            return None
        rows = list(place_of)[request.offset :]
        kept = list(place_of.values())[request.offset :]
        scores: list[float] = [similarities[place] for place in kept]
        return RankedPage(rows, scores, request.offset, request.limit, total, [neighbours[place] for place in kept])

    def _n_franchises(self, anime_row: int, allowed: Allowed) -> int:
        """Count the other franchises that can be shown."""
        return allowed.first_count - bool(allowed.mask[self._catalogue.first_rows[anime_row]])

    def _scores(self, anime_row: int, method: SimilarAnimeMethod) -> NDArray[np.float32]:
        bundle = self._bundle
        if method == "content":
            return score_by_content(bundle, anime_row)
        if method in self._neighbours:
            return ranked_scores(*self._neighbours[method], bundle.anime_embeddings, anime_row)
        return cosine_scores(bundle.anime_embeddings, bundle.anime_embeddings[anime_row])
