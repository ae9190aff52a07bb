"""What should this user watch next, because of what they have seen and of whom they resemble."""

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.embedding import embed_list
from models.scoring.neighbours import DEFAULT_RULE, N_NEIGHBOURS_OF_RULE, NeighbourRule
from models.scoring.user_index import Nearest
from models.scoring.user_list import UserList, list_of_user
from service.recommending.catalogue import Catalogue
from service.recommending.errors import InvalidRequestError, Issue
from service.recommending.explanations import Explanation, explain
from service.recommending.franchise_paging import Cut, Place, franchises_of, places_of, rank_next_entries
from service.recommending.methods import MethodKey, Scoring, make_methods
from service.recommending.paging import RankedPage, rank
from service.recommending.requests import MethodName, RecommendationsRequest
from service.recommending.similar_users import SimilarUsers
from service.recommending.user_profile import UserProfile

MAX_NEIGHBOURS: Final = max(N_NEIGHBOURS_OF_RULE.values())


@dataclass(frozen=True)
class RecommendationsPage:
    """One page of recommendations, with the reasons for each.

    Attributes
    ----------
    ranking : RankedPage
    explanations : list of Explanation
        One per row of the ranking.
    places : list of Place
        What each is to its franchise.
    method : str
        How the anime were scored: "popular" where the list says nothing, whatever was asked for.
    rule : str or None
        Which rule of the method, where it has several.
    has_evidence : bool
        Whether the list says anything.
    """

    ranking: RankedPage
    explanations: list[Explanation]
    places: list[Place]
    method: MethodName
    rule: NeighbourRule | None
    has_evidence: bool


class Recommender:
    """Recommends anime."""

    def __init__(self, bundle: Bundle, catalogue: Catalogue, similar_users: SimilarUsers) -> None:
        self._bundle = bundle
        self._catalogue = catalogue
        self._similar_users = similar_users
        self._methods = make_methods(bundle)
        self._franchises = franchises_of(bundle)

    @property
    def methods(self) -> frozenset[MethodKey]:
        """The methods of this model, each with its rule; the rule is None for methods that have but one."""
        return frozenset(self._methods)

    def known_user(self, user_row: int) -> UserProfile:
        """Describe a user the model knows."""
        find = partial(self._similar_users.neighbours_of_user, user_row)
        return UserProfile(list_of_user(self._bundle, user_row), self._bundle.user_embeddings[user_row], find)

    def unseen_user(self, user_list: UserList) -> UserProfile:
        """Describe somebody the model never saw, by their list."""
        embedding = embed_list(self._bundle.list_embeddings, user_list.seen_rows)
        # One search for everybody who will ask.
        found = self._similar_users.neighbours_of_embedding(embedding, MAX_NEIGHBOURS)
        return UserProfile(user_list, embedding, lambda k: Nearest(found.rows[:k], found.similarities[:k]))

    def page(self, profile: UserProfile, request: RecommendationsRequest) -> RecommendationsPage:
        """Rank what the user has not seen, and cut one page out.

        Parameters
        ----------
        profile : UserProfile
            Where their list says nothing, well-rated popular anime are ranked instead.
        request : RecommendationsRequest

        Returns
        -------
        RecommendationsPage
            Nothing that is on the user's list, apart from what they plan to watch if they ask for it. By
            neighbours, only anime that a neighbour speaks for, and what comes before them in their franchise.

        Raises
        ------
        InvalidRequestError
            If a filter names an unknown type or genre, or a rule is named that the method does not have.
        """
        method, rule = self._choose_method(request)
        if not profile.has_seen_something:
            method, rule = "popular", None
        allowed = self._allowed(profile, request)
        scoring = self._methods[method, rule].score(profile, allowed)
        ranking = self._rank(profile, scoring, allowed, request)
        return RecommendationsPage(
            ranking,
            explain(self._bundle, profile, scoring, ranking),
            places_of(ranking.rows, profile.user_list.seen_rows, self._franchises),
            method,
            rule,
            profile.has_seen_something,
        )

    def _choose_method(self, request: RecommendationsRequest) -> MethodKey:
        method: MethodName = request.method or self._bundle.manifest.default_methods.recommendations
        offered = sorted({name for name, _ in self._methods})
        if method not in offered:
            raise InvalidRequestError([Issue("method", f"one that this model has: {', '.join(offered)}", method)])
        rule = request.rule or (DEFAULT_RULE if method == "neighbours" else None)
        if (method, rule) not in self._methods:
            raise InvalidRequestError(
                [Issue("rule", f"left out: {method} has no rules, method=neighbours has", rule)]
            )
        return method, rule

    def _allowed(self, profile: UserProfile, request: RecommendationsRequest) -> NDArray[np.bool_]:
        listed = profile.user_list
        allowed = self._catalogue.allowed(request.filters).mask.copy()
        allowed[listed.seen_rows if request.include_plan_to_watch else listed.anime_rows] = False
        return allowed

    def _rank(
        self, profile: UserProfile, scoring: Scoring, allowed: NDArray[np.bool_], request: RecommendationsRequest
    ) -> RankedPage:
        ranked = allowed & (scoring.scores > 0.0) if scoring.positive_only else allowed
        if not request.collapse_franchise:
            return rank(scoring.scores, ranked, request.offset, request.limit, request.order)
        seen = np.zeros(len(allowed), dtype=bool)
        seen[profile.user_list.seen_rows] = True
        cut = Cut(request.offset, request.limit, request.order)
        return rank_next_entries(scoring.scores, ranked, self._franchises, seen, allowed, cut)
