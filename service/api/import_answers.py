"""The schema of what POST /import answers."""

from typing import Annotated

from pydantic import Field

from service.api.answers import Answer, ModelVersion
from service.importing.entries import StatusName


class ImportedEntry(Answer):
    """An anime on an imported list, as POST /recommendations takes it."""

    anime_id: Annotated[int, Field(ge=0)]
    rating: Annotated[int | None, Field(ge=1, le=10)]
    status: StatusName | None


Place = Annotated[int, Field(ge=1, description="Which entry of the list, from 1")]
Typed = Annotated[str | None, Field(description="The title that the list has")]


class MatchedTitle(Answer):
    """Where a rating comes from."""

    place: Place
    typed: Typed
    anime_id: Annotated[int, Field(ge=0)]
    title: Annotated[str, Field(description="The catalogue's title")]
    relevance: Annotated[
        float | None, Field(ge=0, le=1, description="How well the title matches; null where the list has an id")
    ]


class UnmatchedEntry(Answer):
    """An entry that is no anime of the model, and why."""

    place: Place
    title: Typed
    reason: str


class SuggestedAnime(Answer):
    """What an uncertain title may be."""

    anime_id: Annotated[int, Field(ge=0)]
    title: str


class UncertainEntry(Answer):
    """An entry whose title is like one of the catalogue, by no rule that would make it sure."""

    place: Place
    title: Typed
    suggestion: SuggestedAnime
    relevance: Annotated[float, Field(ge=0, le=1, description="How alike the titles are")]
    rating: Annotated[int | None, Field(ge=1, le=10)]
    status: StatusName | None


class ImportAnswer(Answer):
    """Answer of POST /import. Every entry of the list is in one of ratings, unmatched and uncertain."""

    model_version: ModelVersion
    format: Annotated[str, Field(description="What was read", examples=["myanimelist-xml"])]
    ratings: Annotated[list[ImportedEntry], Field(description="The list, as POST /recommendations takes it")]
    matched: Annotated[list[MatchedTitle], Field(description="Where each of the ratings comes from, in their order")]
    unmatched: list[UnmatchedEntry]
    uncertain: list[UncertainEntry]
    notes: Annotated[list[str], Field(description="What was converted, left out or mended, in words")]
