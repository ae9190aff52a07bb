"""What can be asked about several anime, or about several people's lists."""

from typing import Annotated, Final

from pydantic import Field

from service.api.params import DIGITS, MAX_LIMIT, Id, OptionsOfRecommending, Parameters, SimilarAnimeQuery, Truth
from service.recommending.requests import GroupRequest

MAX_LIKED: Final = 20


class SimilarToSeveralQuery(SimilarAnimeQuery):
    """Query of GET /anime/similar."""

    like: Annotated[
        tuple[Id, ...], Field(min_length=1, max_length=MAX_LIKED, description="Ids of anime to find the like of")
    ]
    unlike: tuple[Id, ...] = Field(
        default_factory=tuple,
        max_length=MAX_LIKED,
        description="Ids of anime to keep away from: none of these, nor of the first ten similar to each",
    )


class GroupQuery(OptionsOfRecommending):
    """Query of POST /recommendations/group."""

    include_seen_by_some: Annotated[
        Truth, Field(description="Whether anime may appear that some of the group, but not all, have seen")
    ] = False

    def request(self) -> GroupRequest:
        """Give what is asked in plain values."""
        return GroupRequest(**vars(super().request()), include_seen_by_some=self.include_seen_by_some)


class CompareQuery(Parameters):
    """Query of POST /users/compare."""

    limit: Annotated[
        int, Field(ge=1, le=MAX_LIMIT, description="Anime in each of shared and disagreements"), DIGITS
    ] = 10
