"""What answers look like. Routes write bytes; these models document them, and a test holds the two together."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.bundle.card import AnimeCard
from models.bundle.layout import MAX_USER_ID_LENGTH
from models.bundle.manifest import DataCard, DefaultMethods, ModelUpdate, SimilarAnimeMethod, UserEmbeddingRule
from models.scoring.neighbours import NeighbourRule
from service.recommending.requests import MethodName

ModelVersion = Annotated[str, Field(description="The model that answered", examples=["20261123T101500Z-autoencoder"])]
Rank = Annotated[int, Field(ge=1, description="Place in the whole ranking; goes on from page to page")]
Similarity = Annotated[float, Field(ge=-1, le=1, description="Cosine of the two embeddings", examples=[0.93])]
AnimeSimilarity = Annotated[
    float,
    Field(
        ge=-1,
        le=1,
        description="ranked: chance, 0 to 1, that people recommend it; embedding, content: cosine of the embeddings; "
        "cosine: of the ratings, 0 to 1",
        examples=[0.35],
    ),
]


UserId = Annotated[int, Field(ge=0)] | Annotated[str, Field(min_length=1, max_length=MAX_USER_ID_LENGTH)]


class Answer(BaseModel):
    """What every answer and every part of one is."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Pagination(Answer):
    """Which part of the list this is."""

    limit: Annotated[int, Field(ge=1, le=100)]
    offset: Annotated[int, Field(ge=0)]
    total: Annotated[int, Field(ge=0, description="Length of the whole list, after the filters")]
    next_cursor: Annotated[
        str | None, Field(description="cursor of the next page, with the same other parameters; null on the last")
    ]


class SimilarAnimeCard(AnimeCard):
    """An anime with its similarity to the one asked about."""

    rank: Rank
    similarity: AnimeSimilarity
    similarity_of: Annotated[
        int,
        Field(
            ge=0,
            description="Id of the anime whose similarity this is: the most similar of the franchise, which may be "
            "another than its first",
        ),
    ]


class SimilarAnimeAnswer(Answer):
    """Answer of GET /anime/{anime_id}/similar."""

    model_version: ModelVersion
    method: SimilarAnimeMethod
    anime: Annotated[AnimeCard, Field(description="The anime asked about")]
    data: list[SimilarAnimeCard]
    pagination: Pagination


class SimilarUser(Answer):
    """A user with their similarity to the one asked about."""

    rank: Rank
    user_id: UserId
    similarity: Similarity
    anime_in_common: Annotated[int, Field(ge=0, description="How many anime both have seen")]


class SimilarUsersAnswer(Answer):
    """Answer of GET /users/{user_id}/similar."""

    model_version: ModelVersion
    user_id: Annotated[UserId, Field(description="The user asked about")]
    data: list[SimilarUser]
    pagination: Pagination


NoEvidenceReason = Literal[
    "empty_list", "only_unknown_ids", "only_new_anime", "only_plan_to_watch", "only_dislikes", "no_direction"
]
NoEvidence = Annotated[
    NoEvidenceReason | None,
    Field(description="Why the list says nothing; null where it does. Without evidence, method is popular"),
]
Notes = Annotated[list[str], Field(description="What is worth knowing about this answer, in sentences")]


class NamedAnime(Answer):
    """An anime by name."""

    anime_id: Annotated[int, Field(ge=0)]
    name: str


class FranchisePlace(Answer):
    """What a recommended anime is to its franchise."""

    role: Annotated[
        Literal["main", "side", "extra"],
        Field(description="main: a season, or a film that continues them; side: a story beside them; extra: a recap"),
    ]
    next_after: Annotated[
        list[NamedAnime],
        Field(max_length=1, description="The last entry before it that the user has seen; empty for a new franchise"),
    ]
    score_of: Annotated[
        NamedAnime | None,
        Field(
            description="Whose score and reasons these are, if not its own: the entry of the franchise that fits best"
        ),
    ]


class Because(Answer):
    """An anime the user has seen, and how much it speaks for the recommended one."""

    anime_id: Annotated[int, Field(ge=0)]
    name: str
    contribution: Annotated[
        float, Field(description="Its part of the score; over the whole list they add up to the score")
    ]


class RecommendationSupporter(Answer):
    """A similar user who holds the recommended anime in the top quarter of their ratings."""

    user_id: UserId
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
    seen_by: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            description="Share of the 50 nearest users who have seen it; null for new anime",
            examples=[0.34],
        ),
    ]
    franchise: FranchisePlace
    notes: Annotated[list[str], Field(description="Further reasons, in words; methods may have none")]


Method = Annotated[MethodName, Field(description="How the anime were scored: popular where the list says nothing")]
Rule = Annotated[NeighbourRule | None, Field(description="Which rule of the method; null where it has but one")]


class RecommendationsAnswer(Answer):
    """Answer of GET /users/{user_id}/recommendations."""

    model_version: ModelVersion
    method: Method
    rule: Rule
    user_id: Annotated[UserId, Field(description="The user asked about")]
    no_evidence: NoEvidence
    notes: Notes
    data: list[RecommendedAnime]
    pagination: Pagination


class FoundAnime(AnimeCard):
    """An anime whose title matches."""

    rank: Rank
    relevance: Annotated[
        float | None, Field(ge=0, le=1, description="1: the exact title. Null where nothing was searched for")
    ]


class TitlesAnswer(Answer):
    """Answer of GET /anime."""

    model_version: ModelVersion
    data: list[FoundAnime]
    pagination: Pagination


class AnimeAnswer(Answer):
    """Answer of GET /anime/{anime_id}."""

    model_version: ModelVersion
    data: AnimeCard


class ModelSizes(Answer):
    """How large the model is."""

    n_anime: int
    n_new: Annotated[int, Field(description="New anime: too few lists held them when the model was trained")]
    n_users: int
    n_list_entries: int
    embedding_size: int


class RefusedModel(Answer):
    """A bundle that is current in the store, and does not answer."""

    model_version: ModelVersion
    fault: Annotated[str, Field(description="Why it was refused. It is tried again once it changes")]
    refused_at: datetime


class ModelAnswer(Answer):
    """Answer of GET /model: what the model is, where it comes from, and how good it measured."""

    model_version: ModelVersion
    format_version: int
    created_at: datetime
    network: str
    user_embedding_rule: UserEmbeddingRule
    sizes: ModelSizes
    data: DataCard
    training: dict[str, Any]
    metrics: Annotated[
        dict[str, Any], Field(description="The evaluation of the training; updates renew user_index only")
    ]
    default_methods: DefaultMethods
    updates: Annotated[
        list[ModelUpdate], Field(description="What came after the training, without being learned from")
    ]
    refused: Annotated[RefusedModel | None, Field(description="The model that was to answer next, if it was refused")]
    types: Annotated[list[str], Field(description="What `type` can filter by")]
    genres: Annotated[list[str], Field(description="What `genre` and `exclude_genre` can filter by")]


class HealthAnswer(Answer):
    """Answer of the probes."""

    status: Literal["live", "ready"]
    model_version: Annotated[str | None, Field(description="Null while no model is loaded")]


class ListSummary(Answer):
    """What became of the entries of a list: they add up to n_entries."""

    n_entries: Annotated[int, Field(ge=0, description="Entries that came")]
    n_seen: Annotated[int, Field(ge=0, description="Anime the answer goes by")]
    n_plan_to_watch: Annotated[int, Field(ge=0, description="Planned anime: not recommended, and no evidence")]
    n_new: Annotated[
        int, Field(ge=0, description="New anime: the model has not learned them, so they are no evidence")
    ]
    n_unknown: Annotated[int, Field(ge=0, description="Anime the model does not know")]
    n_overruled: Annotated[int, Field(ge=0, description="Entries overruled by a later one for the same anime")]


class ListAccount(Answer):
    """What became of a list that came."""

    list_summary: ListSummary
    new_anime_ids: Annotated[list[int], Field(description="New anime on the list, which answers do not go by")]
    unknown_anime_ids: Annotated[list[int], Field(description="Ids on the list that the model does not know")]
    repeated_anime_ids: Annotated[list[int], Field(description="Ids that came more than once; the last entry counts")]
    no_evidence: NoEvidence
    notes: Notes


class ListSimilarUsersAnswer(ListAccount):
    """Answer of POST /users/similar."""

    model_version: ModelVersion
    data: list[SimilarUser]
    pagination: Pagination


class ListRecommendationsAnswer(ListAccount):
    """Answer of POST /recommendations."""

    model_version: ModelVersion
    method: Method
    rule: Rule
    data: list[RecommendedAnime]
    pagination: Pagination
