"""What answers about several anime, or about several people's lists, look like."""

from typing import Annotated

from pydantic import Field

from models.bundle.card import AnimeCard
from models.bundle.manifest import SimilarAnimeMethod
from service.api.answers import (
    Answer,
    Because,
    FranchisePlace,
    ListAccount,
    Method,
    ModelVersion,
    Pagination,
    Rank,
    Rule,
    SimilarAnimeCard,
)


class SimilarToSeveralAnswer(Answer):
    """Answer of GET /anime/similar."""

    model_version: ModelVersion
    method: SimilarAnimeMethod
    like: Annotated[list[AnimeCard], Field(description="The anime to find the like of")]
    unlike: Annotated[list[AnimeCard], Field(description="The anime to keep away from")]
    data: Annotated[
        list[SimilarAnimeCard],
        Field(description="similarity: the joint one to those to like, less half of that to those to unlike"),
    ]
    pagination: Pagination


ListName = Annotated[str | None, Field(description="As it came")]


class GroupMember(ListAccount):
    """One of the lists that came, and how it was answered."""

    name: ListName
    method: Method
    rule: Rule


class MemberScore(Answer):
    """What an anime is to one of the group."""

    score: Annotated[float, Field(description="How well it fits this list, by the list's method")]
    rank: Annotated[int, Field(ge=1, description="Its place for this list alone, among what the group could watch")]
    seen: Annotated[bool, Field(description="Whether this list has it; only with include_seen_by_some")]
    because: Annotated[
        list[Because], Field(max_length=5, description="The anime of this list that speak for it most")
    ]


class GroupAnime(AnimeCard):
    """An anime to watch together. Here ``score`` is the recommendation's; the catalogue's is ``mean_score``."""

    rank: Rank
    score: Annotated[
        float, Field(ge=0, le=1, description="What its ranks for each list are worth: 1 if it is first for all")
    ]
    mean_score: Annotated[float | None, Field(description="The catalogue's mean score, 1..10", examples=[8.78])]
    lists: Annotated[list[MemberScore], Field(description="What it is to each list, in the order they came")]
    franchise: Annotated[FranchisePlace, Field(description="For those who have seen what all have seen")]


class GroupAnswer(Answer):
    """Answer of POST /recommendations/group."""

    model_version: ModelVersion
    lists: Annotated[list[GroupMember], Field(description="In the order they came")]
    data: list[GroupAnime]
    pagination: Pagination


class ComparedList(ListAccount):
    """One of the two lists that came."""

    name: ListName


class ComparedAnime(AnimeCard):
    """An anime that is on both lists."""

    ratings: Annotated[list[int | None], Field(min_length=2, max_length=2, description="Each list's; null: unrated")]
    statuses: Annotated[
        list[str | None], Field(min_length=2, max_length=2, description="Each list's; null where none was given")
    ]


class ComparisonAnswer(Answer):
    """Answer of POST /users/compare."""

    model_version: ModelVersion
    lists: Annotated[list[ComparedList], Field(description="In the order they came")]
    score: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            description="How well the two fit, half by what they watch, half by how they rate it: the share of pairs "
            "of the model's users who fit less. Null where a list says nothing",
        ),
    ]
    agreement: Annotated[
        float | None,
        Field(
            ge=-1,
            le=1,
            description="Correlation of the ratings of what both rate; null where these are fewer than five",
        ),
    ]
    n_in_common: Annotated[int, Field(ge=0, description="Anime that both have seen")]
    n_shared: Annotated[int, Field(ge=0, description="Anime that both love")]
    shared: Annotated[list[ComparedAnime], Field(description="What both love, the most loved first")]
    n_disagreements: Annotated[
        int, Field(ge=0, description="Anime whose ratings, each less its list's mean, differ by two or more")
    ]
    disagreements: Annotated[list[ComparedAnime], Field(description="The sharpest first")]
