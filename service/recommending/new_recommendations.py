"""Recommends new anime, those that too few lists hold, among the others: only to those who ask for them."""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.embedding import cosine_scores, list_contributions
from models.scoring.franchises import Place, Role
from models.scoring.ranking import Cut, RankedPage, rank
from service.recommending.catalogue import Catalogue
from service.recommending.explanations import Explanation, explain_by_list
from service.recommending.recommendations import RecommendationsPage, Recommender
from service.recommending.requests import RecommendationsRequest
from service.recommending.similar_users import UserProfile

# Every fifth place, as long as there are any; scores of the two kinds cannot be compared.
EVERY: Final = 5
MAX_NEW: Final = 10


class NewAnimeRecommender:
    """Puts new anime between the recommendations of others, where their predicted embeddings are near the user's."""

    def __init__(self, bundle: Bundle, catalogue: Catalogue, recommender: Recommender) -> None:
        self._bundle = bundle
        self._catalogue = catalogue
        self._recommender = recommender
        # What belongs to a franchise that the model knows is to be found there.
        self._alone = bundle.new_first_rows == bundle.n_anime + np.arange(bundle.n_new)

    def page(self, profile: UserProfile, request: RecommendationsRequest) -> RecommendationsPage:
        """Rank as the recommender does, with ten new anime at most: at every fifth place, or the end of a short list.

        Raises
        ------
        InvalidRequestError
            As for :meth:`service.recommending.recommendations.Recommender.page`.
        """
        if not profile.likes_something:
            return self._recommender.page(profile, request)
        scores = cosine_scores(self._bundle.new_anime_embeddings, profile.embedding)
        allowed = self._catalogue.allowed_everywhere(request.filters).mask[self._bundle.n_anime :]
        new = rank(scores, allowed & self._alone & (scores > 0.0), Cut(0, MAX_NEW, request.order))
        first = request.offset - min(len(new.rows), request.offset // EVERY)
        page = self._recommender.page(profile, replace(request, offset=first))
        return self._mix(profile, page, new, request.offset)

    def _mix(
        self, profile: UserProfile, page: RecommendationsPage, new: RankedPage, offset: int
    ) -> RecommendationsPage:
        n_known, n_new = page.ranking.total, len(new.rows)
        total = n_known + n_new
        # How many new anime stand before each place, from the first of the page to the one behind its last.
        places = np.arange(offset, min(offset + page.ranking.limit, total) + 1)
        before = np.minimum(np.maximum(places // EVERY, places - n_known), n_new)
        is_new = np.diff(before) > 0
        chosen = slice(int(before[0]), int(before[-1])) if len(before) else slice(0)
        known = iter(zip(page.ranking.rows, page.ranking.scores, page.ranking.scored_rows, strict=True))
        rows = [row + self._bundle.n_anime for row in new.rows[chosen]]
        of_new = iter(zip(rows, new.scores[chosen], rows, strict=True))
        merged = [next(of_new if this else known) for this in is_new.tolist()]
        explanations = iter(page.explanations), iter(self._explain(profile, new.rows[chosen]))
        where = iter(page.places), iter([Place(Role.MAIN, []) for _ in rows])
        ranking = RankedPage(
            [row for row, _, _ in merged],
            [score for _, score, _ in merged],
            offset,
            page.ranking.limit,
            total,
            [scored for _, _, scored in merged],
        )
        return replace(
            page,
            ranking=ranking,
            explanations=[next(explanations[this]) for this in is_new.tolist()],
            places=[next(where[this]) for this in is_new.tolist()],
        )

    def _explain(self, profile: UserProfile, new_rows: list[int]) -> list[Explanation]:
        directions: NDArray[np.float32] = self._bundle.new_anime_embeddings[new_rows].T
        support = profile.user_list.support
        return explain_by_list(profile, list_contributions(self._bundle.list_embeddings, support, directions).T)
