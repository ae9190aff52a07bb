"""What several people should watch together: nothing that one of them gave up, and fair to the least happy."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.franchises import Place, franchises_of, places_of, rank_next_entries
from models.scoring.group import group_scores
from models.scoring.ranking import Cut, RankedPage, rank
from models.scoring.steering import Steering
from service.recommending.catalogue import Catalogue
from service.recommending.explanations import Reason, explain_by_list
from service.recommending.methods import MethodKey, Scoring
from service.recommending.recommendations import Recommender
from service.recommending.requests import GroupRequest
from service.recommending.similar_users import UserProfile


class MemberView(NamedTuple):
    """What a title is to one of a group."""

    score: float  # by the member's method
    rank: int  # among all that the group could watch
    seen: bool
    because: list[Reason]  # of the member's list


class MemberRankings(NamedTuple):
    """What a group can watch, ranked for each member alone; one entry of each list per member."""

    rows: NDArray[np.int64]  # (n,), ascending
    ranks: NDArray[np.int64]  # (n_members, n), place of each of these rows for each member, from 1
    methods: list[MethodKey]
    scorings: list[Scoring]
    rankings: list[RankedPage]


@dataclass(frozen=True)
class GroupPage:
    """One page of what to watch together."""

    ranking: RankedPage
    views: list[list[MemberView]]  # one list per row of the ranking, one view per member
    places: list[Place]  # what each row is to its franchise, for those who have seen what all have seen
    methods: list[MethodKey]  # one per member


class GroupRecommender:
    """Recommends anime to several people together."""

    def __init__(self, bundle: Bundle, catalogue: Catalogue, recommender: Recommender) -> None:
        self._bundle = bundle
        self._catalogue = catalogue
        self._recommender = recommender
        self._franchises = franchises_of(bundle)
        self._steering = Steering(bundle)

    def page(self, profiles: list[UserProfile], request: GroupRequest) -> GroupPage:
        """Rank what a group can watch by what its members think of it, and cut one page out.

        Nothing that one of them dislikes, nor what comes after it (unless that is asked for); nothing that all have
        seen, and, unless that is asked for, nothing that one of them has seen or plans to watch.

        Raises
        ------
        InvalidRequestError
            As for :meth:`service.recommending.recommendations.Recommender.page`.
        """
        each = self.rank_for_each(profiles, request)
        scores = group_scores(each.ranks)

        def rank_all(asked: GroupRequest) -> RankedPage:
            page = rank(scores, np.ones(len(scores), dtype=bool), asked)
            rows = each.rows[page.rows].tolist()
            return page._replace(rows=rows, scored_rows=rows)

        page = self._steering.page(rank_all, request) if request.novelty or request.diversity else rank_all(request)
        of_page = each.ranks[:, np.searchsorted(each.rows, page.rows)]
        views = [
            _views(profile, scoring, ranking, page.rows, ranks)
            for profile, scoring, ranking, ranks in zip(profiles, each.scorings, each.rankings, of_page, strict=True)
        ]
        seen_rows = np.flatnonzero(self._seen_by_all(profiles)).astype(np.int32)
        places = places_of(page.rows, seen_rows, self._franchises)
        return GroupPage(page, [list(of_row) for of_row in zip(*views, strict=True)], places, each.methods)

    def rank_for_each(self, profiles: list[UserProfile], request: GroupRequest) -> MemberRankings:
        """Rank everything that a group can watch for each of its members alone.

        Raises
        ------
        InvalidRequestError
            As for :meth:`page`.
        """
        methods = [self._recommender.method_for(profile, request) for profile in profiles]
        seen_by_all = self._seen_by_all(profiles)
        allowed = self._allowed(profiles, request) & ~seen_by_all
        scorings = [
            self._recommender.score(profile, key, allowed) for profile, key in zip(profiles, methods, strict=True)
        ]
        # What the methods can rank for none of them is left out.
        ranked = allowed & np.any([~scoring.positive_only | (scoring.scores > 0.0) for scoring in scorings], axis=0)

        def rank_all(scores: NDArray[np.float32]) -> RankedPage:
            whole = Cut(limit=len(allowed))
            if not request.collapse_franchise:
                return rank(scores, ranked, whole)
            return rank_next_entries(scores, ranked, self._franchises, seen_by_all, allowed, whole)

        rankings = [rank_all(scoring.scores) for scoring in scorings]
        rows = np.sort(np.array(rankings[0].rows, dtype=np.int64))
        ranks = np.empty((len(rankings), len(rows)), dtype=np.int64)
        for of_member, ranking in zip(ranks, rankings, strict=True):
            of_member[np.searchsorted(rows, ranking.rows)] = np.arange(1, len(rows) + 1)
        return MemberRankings(rows, ranks, methods, scorings, rankings)

    def _seen_by_all(self, profiles: list[UserProfile]) -> NDArray[np.bool_]:
        seen = np.concatenate([profile.user_list.seen_rows for profile in profiles])
        by_all: NDArray[np.bool_] = np.bincount(seen, minlength=self._bundle.n_anime) == len(profiles)
        return by_all

    def _allowed(self, profiles: list[UserProfile], request: GroupRequest) -> NDArray[np.bool_]:
        allowed = self._catalogue.allowed(request.filters).mask.copy()
        for listed in (profile.user_list for profile in profiles):
            allowed[listed.disliked_rows] = False
            if not request.include_seen_by_some:
                allowed[listed.seen_rows] = False
            if not request.include_plan_to_watch:
                allowed[np.setdiff1d(listed.anime_rows, listed.seen_rows)] = False
            if not request.include_disliked_franchises:
                allowed[self._franchises.after_disliked(listed.liked_rows, listed.disliked_rows)] = False
        return allowed


def _views(
    profile: UserProfile, scoring: Scoring, ranking: RankedPage, rows: list[int], ranks: NDArray[np.int64]
) -> list[MemberView]:
    if not rows:
        return []
    places = (ranks - 1).tolist()
    contributions = scoring.contributions([ranking.scored_rows[place] for place in places])
    seen = np.isin(rows, profile.user_list.seen_rows).tolist()
    return [
        MemberView(ranking.scores[place], place + 1, has_seen, explanation.because)
        for place, has_seen, explanation in zip(places, seen, explain_by_list(profile, contributions), strict=True)
    ]
