"""Which anime are similar to this one."""

import numpy as np
from numpy.typing import NDArray

from models.bundle.manifest import SimilarAnimeMethod
from models.bundle.reader import Bundle
from models.scoring.embedding import cosine_scores, ranked_scores
from models.scoring.franchises import rank_franchises
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

    @property
    def methods(self) -> frozenset[SimilarAnimeMethod]:
        """The methods of this model."""
        return frozenset({"embedding", "ranked"} if self._bundle.similar_rows.shape[1] else {"embedding"})

    def method_of(self, request: SimilarAnimeRequest) -> SimilarAnimeMethod:
        """Give the method by which a request is answered."""
        return request.method or self._default

    def page(self, anime_row: int, request: SimilarAnimeRequest) -> RankedPage:
        """Rank the anime that pass the request's filters by their similarity to another, and cut one page out.

        Raises
        ------
        InvalidRequestError
            If a filter names an unknown type or genre, or the method one that this model has not.
        """
        if request.method and request.method not in self.methods:
            known = ", ".join(sorted(self.methods))
            raise InvalidRequestError([Issue("method", f"one that this model has: {known}", request.method)])
        allowed = self._catalogue.allowed(request.filters)
        by_neighbours = self.method_of(request) == "ranked"
        if by_neighbours and request.order == "most":
            read = self._read_franchises if request.collapse_franchise else self._read_anime
            page = read(anime_row, request, allowed)
            if page is not None:
                return page
        scores = self._scores(anime_row, by_neighbours=by_neighbours)
        if request.collapse_franchise:
            own = self._catalogue.first_rows[anime_row]
            candidates = allowed.with_first & (self._catalogue.first_rows != own)
            total = self._n_franchises(anime_row, allowed)
            return rank_franchises(scores, candidates, self._catalogue.first_rows, total, request)
        others = allowed.mask.copy()
        others[anime_row] = False
        return rank(scores, others, request)

    def _read_anime(self, anime_row: int, request: SimilarAnimeRequest, allowed: Allowed) -> RankedPage | None:
        """Cut the page out of the neighbours that the bundle holds; None where they are too few to fill it."""
        neighbours = self._bundle.similar_rows[anime_row]
        places = np.flatnonzero(allowed.mask[neighbours])[: request.offset + request.limit]
        total = allowed.count - bool(allowed.mask[anime_row])
        if len(places) < min(request.offset + request.limit, total):
            return None
        places = places[request.offset :]
        rows: list[int] = neighbours[places].tolist()
        scores: list[float] = self._bundle.similar_scores[anime_row][places].tolist()
        return RankedPage(rows, scores, request.offset, request.limit, total, rows)

    def _read_franchises(self, anime_row: int, request: SimilarAnimeRequest, allowed: Allowed) -> RankedPage | None:
        """Do the same for franchises: each stands where the nearest of its entries that pass stands."""
        # Plain loops over a few dozen numbers: numpy's calls would cost more.
        first_rows, passes = self._catalogue.first_rows.data, allowed.with_first.data
        neighbours = self._bundle.similar_rows[anime_row].data
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
        similarities = self._bundle.similar_scores[anime_row].data
        scores = [similarities[place] for place in kept]
        return RankedPage(rows, scores, request.offset, request.limit, total, [neighbours[place] for place in kept])

    def _n_franchises(self, anime_row: int, allowed: Allowed) -> int:
        """Count the other franchises that can be shown."""
        return allowed.first_count - bool(allowed.mask[self._catalogue.first_rows[anime_row]])

    def _scores(self, anime_row: int, *, by_neighbours: bool) -> NDArray[np.float32]:
        bundle = self._bundle
        if by_neighbours:
            return ranked_scores(bundle.similar_rows, bundle.similar_scores, bundle.anime_embeddings, anime_row)
        return cosine_scores(bundle.anime_embeddings, bundle.anime_embeddings[anime_row])
