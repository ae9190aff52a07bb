"""What can be asked of the model, in plain values."""

from dataclasses import dataclass
from typing import Literal

from models.bundle.manifest import RecommendationMethod, SimilarAnimeMethod
from models.scoring.neighbours import NeighbourRule
from models.scoring.top_k import Order
from service.recommending.filters import NO_FILTERS, Filters

# What can be asked for, and what answers where there is nothing to go by.
MethodName = Literal[RecommendationMethod, "popular"]


@dataclass(frozen=True)
class PageRequest:
    """Which part of a ranking, and from which end."""

    limit: int = 10
    offset: int = 0
    order: Order = "most"


@dataclass(frozen=True)
class SimilarUsersRequest(PageRequest):
    """Which users are similar to one."""


@dataclass(frozen=True)
class SimilarAnimeRequest(PageRequest):
    """Which anime are similar to one.

    Attributes
    ----------
    filters : Filters
    method : {"ranked", "embedding"}, optional
        By default the model's own.
    collapse_franchise : bool
        One entry per franchise, and none of the anime's own.
    """

    filters: Filters = NO_FILTERS
    method: SimilarAnimeMethod | None = None
    collapse_franchise: bool = True


@dataclass(frozen=True)
class RecommendationsRequest(PageRequest):
    """What a user should watch next.

    Attributes
    ----------
    filters : Filters
    method : str, optional
        By default the model's own.
    rule : str, optional
        Of the methods that have several.
    collapse_franchise : bool
        One entry per franchise: the next one to watch of it.
    include_plan_to_watch : bool
        Whether anime the user plans to watch may appear.
    """

    filters: Filters = NO_FILTERS
    method: MethodName | None = None
    rule: NeighbourRule | None = None
    collapse_franchise: bool = True
    include_plan_to_watch: bool = False
