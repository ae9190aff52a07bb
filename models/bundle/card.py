"""The anime card: what every answer shows of an anime. Unknown is null, never "Unknown" or NaN."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class AnimeCard(BaseModel):
    """One anime as answers show it. Unknown values are null."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    anime_id: Annotated[int, Field(description="MyAnimeList id", ge=0, examples=[1])]
    name: Annotated[str, Field(description="Main title, mostly romaji", examples=["Cowboy Bebop"])]
    english_name: Annotated[str | None, Field(description="English title", examples=["Cowboy Bebop"])]
    japanese_name: Annotated[str | None, Field(description="Japanese title", examples=["カウボーイビバップ"])]
    type: Annotated[str | None, Field(description="TV, Movie, OVA, ONA, Special, Music", examples=["TV"])]
    episodes: Annotated[int | None, Field(description="Number of episodes", ge=1, examples=[26])]
    genres: Annotated[list[str], Field(description="Genres", examples=[["Action", "Sci-Fi"]])]
    synopsis: Annotated[str | None, Field(description="What it is about")]
    year: Annotated[int | None, Field(description="Year of the first airing", examples=[1998])]
    score: Annotated[float | None, Field(description="The catalogue's mean score, 1..10", examples=[8.78])]
    members: Annotated[int | None, Field(description="The catalogue's member count", ge=0, examples=[1251960])]
    age_rating: Annotated[str | None, Field(description="Age rating", examples=["R - 17+ (violence & profanity)"])]
    url: Annotated[str, Field(description="Its MyAnimeList page", examples=["https://myanimelist.net/anime/1"])]
    new: Annotated[
        bool, Field(description="Whether too few lists held it when the model was trained; left out of all others")
    ] = False

    def to_json(self) -> bytes:
        """Write the card as compact JSON, without ``new`` unless it is true."""
        return self.model_dump_json(exclude=None if self.new else {"new"}).encode()
