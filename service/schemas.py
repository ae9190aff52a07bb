"""What answers look like. Routes write bytes; these models document them, and a test holds the two together."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.card import AnimeCard
from models.manifest import DataCard, DefaultMethods, RecommendationMethod, SimilarAnimeMethod, UserEmbeddingRule

ModelVersion = Annotated[str, Field(description="The model that answered", examples=["20261123T101500Z-autoencoder"])]
Rank = Annotated[int, Field(ge=1, description="Place in the whole ranking; goes on from page to page")]
Similarity = Annotated[float, Field(ge=-1, le=1, description="Cosine of the two embeddings", examples=[0.93])]
AnimeSimilarity = Annotated[
    float,
    Field(
        ge=-1,
        le=1,
        description="ranked: chance, 0 to 1, that people recommend it; embedding: cosine of the embeddings",
        examples=[0.35],
    ),
]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Pagination(_Answer):
    """Which part of the list this is."""

    limit: Annotated[int, Field(ge=1, le=100)]
    offset: Annotated[int, Field(ge=0)]
    total: Annotated[int, Field(ge=0, description="Length of the whole list, after the filters")]


class SimilarAnimeCard(AnimeCard):
    """An anime with its similarity to the one asked about."""

    rank: Rank
    similarity: AnimeSimilarity


class SimilarAnimeAnswer(_Answer):
    """Answer of GET /anime/{anime_id}/similar."""

    model_version: ModelVersion
    method: SimilarAnimeMethod
    anime: Annotated[AnimeCard, Field(description="The anime asked about")]
    data: list[SimilarAnimeCard]
    pagination: Pagination


class SimilarUser(_Answer):
    """A user with their similarity to the one asked about."""

    rank: Rank
    user_id: Annotated[int, Field(ge=0)]
    similarity: Similarity
    anime_in_common: Annotated[int, Field(ge=0, description="How many anime both have seen")]


class SimilarUsersAnswer(_Answer):
    """Answer of GET /users/{user_id}/similar."""

    model_version: ModelVersion
    user_id: Annotated[int, Field(ge=0, description="The user asked about")]
    data: list[SimilarUser]
    pagination: Pagination


class Because(_Answer):
    """An anime the user has seen, and how much it speaks for the recommended one."""

    anime_id: Annotated[int, Field(ge=0)]
    name: str
    contribution: Annotated[
        float, Field(description="Its part of the score; over the whole list they add up to the score")
    ]


class RecommendationSupporter(_Answer):
    """A similar user who holds the recommended anime in the top quarter of their ratings."""

    user_id: Annotated[int, Field(ge=0)]
    similarity: Similarity
    rating: Annotated[int, Field(ge=1, le=10)]


class RecommendedAnime(AnimeCard):
    """An anime to watch next, and why. Here ``score`` is the recommendation's; the catalogue's is ``mean_score``."""

    rank: Rank
    score: Annotated[float, Field(description="How well it fits the user: higher is better", examples=[0.61])]
    mean_score: Annotated[float | None, Field(description="The catalogue's mean score, 1..10", examples=[8.78])]
    because: Annotated[list[Because], Field(max_length=5, description="The user's own anime that speak for it most")]
    supporters: Annotated[
        list[RecommendationSupporter], Field(max_length=5, description="The most similar users who rate it highly")
    ]
    n_supporters: Annotated[int, Field(ge=0, le=50, description="How many of the 50 nearest users rate it highly")]


class RecommendationsAnswer(_Answer):
    """Answer of GET /users/{user_id}/recommendations."""

    model_version: ModelVersion
    method: RecommendationMethod
    user_id: Annotated[int, Field(ge=0, description="The user asked about")]
    data: list[RecommendedAnime]
    pagination: Pagination


class FoundAnime(AnimeCard):
    """An anime whose title matches."""

    rank: Rank
    relevance: Annotated[
        float | None, Field(ge=0, le=1, description="1: the exact title. Null where nothing was searched for")
    ]


class TitlesAnswer(_Answer):
    """Answer of GET /anime."""

    model_version: ModelVersion
    data: list[FoundAnime]
    pagination: Pagination


class AnimeAnswer(_Answer):
    """Answer of GET /anime/{anime_id}."""

    model_version: ModelVersion
    data: AnimeCard


class ModelSizes(_Answer):
    """How large the model is."""

    n_anime: int
    n_users: int
    n_list_entries: int
    embedding_size: int


class ModelAnswer(_Answer):
    """Answer of GET /model: what the model is, where it comes from, and how good it measured."""

    model_version: ModelVersion
    format_version: int
    created_at: datetime
    network: str
    user_embedding_rule: UserEmbeddingRule
    sizes: ModelSizes
    data: DataCard
    training: dict[str, Any]
    metrics: dict[str, Any]
    default_methods: DefaultMethods
    types: Annotated[list[str], Field(description="What `type` can filter by")]
    genres: Annotated[list[str], Field(description="What `genre` and `exclude_genre` can filter by")]


class HealthAnswer(_Answer):
    """Answer of the probes."""

    status: Literal["live", "ready"]
    model_version: Annotated[str | None, Field(description="Null while no model is loaded")]


class ProblemIssue(_Answer):
    """What is wrong with one parameter."""

    parameter: str
    expected: str
    received: str | None


class Problem(_Answer):
    """Any failure (RFC 9457)."""

    type: Annotated[
        str, Field(description="Names the kind of problem", examples=["urn:osusume:problem:unknown_anime"])
    ]
    title: Annotated[str, Field(description="The kind of problem in words", examples=["Unknown anime"])]
    status: Annotated[int, Field(ge=400, le=599, examples=[404])]
    detail: Annotated[str, Field(description="This problem", examples=["anime 99999999 is not in the model"])]
    instance: Annotated[str, Field(description="The path that was asked for", examples=["/anime/99999999/similar"])]
    code: Annotated[str, Field(description="Stable: programs may rely on it", examples=["unknown_anime"])]
    hint: Annotated[str | None, Field(description="What would help")] = None
    errors: Annotated[
        list[ProblemIssue] | None, Field(description="For invalid requests: each fault, what was expected, what came")
    ] = None
