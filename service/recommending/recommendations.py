"""What should this user watch next, by what they have seen and whom they resemble."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.franchises import Place, franchises_of, places_of, rank_next_entries
from models.scoring.neighbours import DEFAULT_RULE, NeighbourRule
from models.scoring.ranking import RankedPage, rank
from models.scoring.steering import Steering
from service.recommending.catalogue import Catalogue
from service.recommending.errors import InvalidRequestError, Issue
from service.recommending.explanations import Explanation, explain
from service.recommending.methods import MethodKey, Scoring, make_methods
from service.recommending.requests import MethodName, RecommendationsRequest
from service.recommending.similar_users import UserProfile


@dataclass(frozen=True)
class RecommendationsPage:
    """One page of recommendations, with the reasons for each."""

    ranking: RankedPage
    explanations: list[Explanation]  # one per row of the ranking
    places: list[Place]  # what each is to its franchise
    method: MethodName  # "popular" without evidence, whatever was asked for
    rule: NeighbourRule | None  # of the method, where it has several
    has_evidence: bool  # whether there is anything to go by


class Recommender:
    """Recommends anime."""

    def __init__(self, bundle: Bundle, catalogue: Catalogue) -> None:
        self._bundle = bundle
        self._catalogue = catalogue
        self._methods = make_methods(bundle, catalogue)
        self._franchises = franchises_of(bundle)
        self._steering = Steering(bundle)

    @property
    def methods(self) -> frozenset[MethodKey]:
        """The methods of this model, each with its rule; the rule is None for methods that have but one."""
        return frozenset(self._methods)

    def page(self, profile: UserProfile, request: RecommendationsRequest) -> RecommendationsPage:
        """Rank what the user has not seen, and cut one page out.

        Nothing that is on the user's list, apart from what they plan to watch if they ask for it, and nothing that
        comes after what they dislike in its franchise, unless they ask for it. By neighbours, only
        anime that a neighbour supports, and what comes before them in their franchise. Without evidence,
        well-rated popular anime are ranked instead.

        Raises
        ------
        InvalidRequestError
            If a filter names an unknown type or genre, or a rule is named that the method does not have.
        """
        method, rule = key = self.method_for(profile, request)
        allowed = self._allowed(profile, request)
        scoring = self.score(profile, key, allowed)
        rank_all = partial(self._rank, profile, scoring, allowed)
        is_steered = request.novelty or request.diversity
        ranking = self._steering.page(rank_all, request) if is_steered else rank_all(request)
        return RecommendationsPage(
            ranking,
            self._explain(profile, scoring, ranking),
            places_of(ranking.rows, profile.user_list.seen_rows, self._franchises),
            method,
            rule,
            profile.likes_something,
        )

    def method_for(self, profile: UserProfile, request: RecommendationsRequest) -> MethodKey:
        """Give the method by which a user is answered: without evidence by what is popular, whatever is asked for.

        Raises
        ------
        InvalidRequestError
            If a method is named that this model does not have, or a rule that the method does not have.
        """
        key = self._choose_method(request)
        return key if profile.likes_something else ("popular", None)

    def score(self, profile: UserProfile, key: MethodKey, allowed: NDArray[np.bool_]) -> Scoring:
        """Score every anime for a user by a method; ``allowed``, shape (n_anime,), is what may be recommended."""
        return self._methods[key].score(profile, allowed)

    def _explain(self, profile: UserProfile, scoring: Scoring, ranking: RankedPage) -> list[Explanation]:
        if not ranking.rows:
            return []
        contributions, notes = scoring.contributions(ranking.scored_rows), scoring.notes(ranking.scored_rows)
        return explain(self._bundle, profile, ranking.rows, contributions, notes)

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
        if not request.include_disliked_franchises:
            allowed[self._franchises.after_disliked(listed.liked_rows, listed.disliked_rows)] = False
        return allowed

    def _rank(
        self, profile: UserProfile, scoring: Scoring, allowed: NDArray[np.bool_], request: RecommendationsRequest
    ) -> RankedPage:
        ranked = allowed & (scoring.scores > 0.0) if scoring.positive_only else allowed
        if not request.collapse_franchise:
            return rank(scoring.scores, ranked, request)
        seen = np.zeros(len(allowed), dtype=bool)
        seen[profile.user_list.seen_rows] = True
        return rank_next_entries(scoring.scores, ranked, self._franchises, seen, allowed, request)
