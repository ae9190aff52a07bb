"""Which anime are similar to this one, or to several and unlike others."""

from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.manifest import SimilarAnimeMethod
from models.bundle.reader import Bundle
from models.scoring.embedding import cosine_scores, ranked_scores
from models.scoring.franchises import rank_franchises
from models.scoring.new_anime import score_by_content
from models.scoring.ranking import RankedPage, rank
from models.scoring.steering import Steering
from service.recommending.catalogue import Allowed, Catalogue
from service.recommending.errors import InvalidRequestError, Issue
from service.recommending.requests import Filters, SimilarAnimeRequest

# Of what is similar to an anime that the answer should be unlike, so many are left out.
N_COMPANY: Final = 10
# What similarity to those anime takes away, in terms of similarity to the liked ones.
UNLIKE_WEIGHT: Final = 0.5


class SimilarAnime:
    """Ranks anime by their similarity to one of them."""

    def __init__(self, bundle: Bundle, catalogue: Catalogue) -> None:
        self._bundle = bundle
        self._catalogue = catalogue
        self._steering = Steering(bundle)
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
        if request.novelty or request.diversity:
            return self._steering.page(partial(self._page, anime_row), request)
        return self._page(anime_row, request)

    def _page(self, anime_row: int, request: SimilarAnimeRequest) -> RankedPage:
        method = self.method_of(anime_row, request)
        allowed = self._allowed(method, request.filters)
        if method in self._neighbours and request.order == "most":
            read = self._read_franchises if request.collapse_franchise else self._read_anime
            page = read(anime_row, method, request, allowed)
            if page is not None:
                return page
        scores = self._scores(anime_row, method)
        if request.collapse_franchise:
            first_rows = self._catalogue.first_rows[: len(scores)]
            candidates = allowed.with_first & (first_rows != first_rows[anime_row])
            total = self._n_franchises(anime_row, allowed)
            return rank_franchises(scores, candidates, first_rows, total, request)
        others = allowed.mask.copy()
        others[anime_row] = False
        return rank(scores, others, request)

    def method_of_several(self, anime_rows: Sequence[int], request: SimilarAnimeRequest) -> SimilarAnimeMethod:
        """Give the method by which a request about several anime is answered: as for a new one if one of them is.

        Raises
        ------
        InvalidRequestError
            As for :meth:`method_of`.
        """
        return self.method_of(max(anime_rows), request)

    def page_of_several(
        self, liked_rows: Sequence[int], unliked_rows: Sequence[int], request: SimilarAnimeRequest
    ) -> RankedPage:
        """Rank anime by their joint similarity to liked ones, less half of that to unliked ones, and cut a page out.

        Neither those anime are in it (nor their franchises, where these are collapsed), nor the franchises of the
        unliked ones and of the first ten that are similar to each of them.

        Raises
        ------
        InvalidRequestError
            If an anime is both liked and unliked, or as for :meth:`page`.
        """
        both = self._bundle.catalogue_ids[[row for row in unliked_rows if row in liked_rows]].tolist()
        if both:
            raise InvalidRequestError([Issue("unlike", "an anime that like does not name", str(one)) for one in both])
        method = self.method_of_several([*liked_rows, *unliked_rows], request)
        scores = self._joint_scores(liked_rows, method)
        if unliked_rows:
            scores = scores - np.float32(UNLIKE_WEIGHT) * self._joint_scores(unliked_rows, method)
        allowed = self._allowed(method, request.filters)
        first_rows = self._catalogue.first_rows[: len(scores)]
        candidates = (allowed.with_first if request.collapse_franchise else allowed.mask).copy()
        candidates[list(liked_rows)] = False
        avoided = {row for unliked_row in unliked_rows for row in self._company(unliked_row, request)}
        if request.collapse_franchise:
            avoided.update(liked_rows)
        candidates[np.isin(first_rows, first_rows[list(avoided)])] = False
        total = np.count_nonzero(np.bincount(first_rows[candidates]))

        def rank_all(asked: SimilarAnimeRequest) -> RankedPage:
            if asked.collapse_franchise:
                return rank_franchises(scores, candidates, first_rows, int(total), asked)
            return rank(scores, candidates, asked)

        return self._steering.page(rank_all, request) if request.novelty or request.diversity else rank_all(request)

    def _joint_scores(self, anime_rows: Sequence[int], method: SimilarAnimeMethod) -> NDArray[np.float32]:
        """Score all anime by their similarity to several: the mean of cosines, the square of the mean root of others.

        What is somewhat similar to each then stands before what is very similar to one (docs/steering.md).
        """
        scores = [self._scores(row, method) for row in anime_rows]
        if len(scores) == 1:
            return scores[0]
        joint: NDArray[np.float32] = (
            np.mean(np.sqrt(scores), axis=0) ** 2 if method in self._neighbours else np.mean(scores, axis=0)
        )
        return joint

    def _company(self, anime_row: int, request: SimilarAnimeRequest) -> list[int]:
        """Give an anime and the first that are similar to it, filters apart."""
        filters = Filters(include_adult=request.filters.include_adult)
        alike = SimilarAnimeRequest(limit=N_COMPANY, filters=filters, collapse_franchise=request.collapse_franchise)
        return [anime_row, *self._page(anime_row, alike).rows]

    def _allowed(self, method: SimilarAnimeMethod, filters: Filters) -> Allowed:
        return (self._catalogue.allowed_everywhere if method == "content" else self._catalogue.allowed)(filters)

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
