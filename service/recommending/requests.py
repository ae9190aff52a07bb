"""What can be asked of the model, in plain values."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

from models.bundle.manifest import RecommendationMethod, SimilarAnimeMethod
from models.scoring.neighbours import NeighbourRule
from models.scoring.steering import SteeredCut

# What can be asked for, and what answers where there is nothing to go by.
MethodName = Literal[RecommendationMethod, "popular"]


class Filters(NamedTuple):
    """What an anime must be to appear. The default lets every anime through that is not adult.

    Bounds pass themselves. An unknown value passes no bound: with ``min_score`` set, an anime without a score stays
    out.
    """

    types: tuple[str, ...] = ()  # any of these; upper and lower case are the same in all names
    genres: tuple[str, ...] = ()  # all of these
    excluded_genres: tuple[str, ...] = ()  # none of these
    min_score: float | None = None
    min_members: int | None = None
    max_members: int | None = None
    year_from: int | None = None
    year_to: int | None = None
    excluded_ids: tuple[int, ...] = ()  # ids that the model does not know have no effect
    include_adult: bool = False
    any_genres: tuple[str, ...] = ()  # at least one of these


NO_FILTERS: Final = Filters()


@dataclass(frozen=True)
class SimilarAnimeRequest(SteeredCut):
    """Which anime are similar to one, or to several."""

    filters: Filters = NO_FILTERS
    method: SimilarAnimeMethod | None = None  # by default the model's own
    collapse_franchise: bool = True  # one entry per franchise, and none of the anime's own


@dataclass(frozen=True)
class RecommendationsRequest(SteeredCut):
    """What a user should watch next."""

    filters: Filters = NO_FILTERS
    method: MethodName | None = None  # by default the model's own
    rule: NeighbourRule | None = None  # of the methods that have several
    collapse_franchise: bool = True  # one entry per franchise: the next one to watch of it
    include_plan_to_watch: bool = False  # whether anime the user plans to watch may appear
    include_disliked_franchises: bool = False  # whether what comes after a disliked entry may appear
    include_new: bool = False  # whether anime that the model did not learn from lists may appear

    def without_new(self, anime_ids: Sequence[int]) -> "RecommendationsRequest":
        """Leave out new anime that are on the list."""
        excluded = (*self.filters.excluded_ids, *anime_ids)
        return replace(self, filters=self.filters._replace(excluded_ids=excluded))


@dataclass(frozen=True)
class GroupRequest(RecommendationsRequest):
    """What several people should watch together."""

    include_seen_by_some: bool = False  # whether anime may appear that some of them, but not all, have seen
