"""The manifest: a bundle's description of itself."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.bundle.layout import UserId

# A version is the name of a folder: no separators, no hidden files.
VERSION_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"

# The last is for new anime, and the only one for them.
SimilarAnimeMethod = Literal["ranked", "embedding", "cosine", "content"]
RecommendationMethod = Literal["ranked", "items", "embedding", "neighbours"]
# How a row of user_embeddings came about: the normalised sum of the list's anime embeddings (an unseen user
# gets theirs the same way), or a trainable row of its own.
UserEmbeddingRule = Literal["normalised_sum", "trained"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileEntry(_Part):
    """One array file: what the reader must find."""

    name: Annotated[str, Field(pattern=r"^[a-z_]+\.npy$")]
    shape: tuple[int, ...]
    dtype: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    n_bytes: Annotated[int, Field(ge=0)]


class DataCard(_Part):
    """Where the model comes from, and what was counted on the way."""

    name: str
    simulated: Annotated[bool, Field(description="True where the lists were made by a generator, not by people")]
    fingerprint: Annotated[str, Field(description="sha256 over the names and contents of the input files")]
    counts: Annotated[dict[str, int], Field(description="Rows read, rejected and kept; users and anime dropped")]


class DefaultMethods(_Part):
    """Used where a request names none: the best of the measured ways."""

    similar_anime: Literal["ranked", "embedding"] = "ranked"
    recommendations: RecommendationMethod = "embedding"


class GoldenAnswer(_Part):
    """An answer computed when the bundle was written; a service must reproduce it before it is ready."""

    kind: Literal["similar_anime", "similar_users", "recommendations"]
    method: Literal[RecommendationMethod, SimilarAnimeMethod, "popular"]
    rule: Annotated[str | None, Field(description="Of the method, where it has several")] = None
    unseen: Annotated[bool, Field(description="For an unseen user, with half the list of the user")] = False
    query_id: Annotated[UserId, Field(description="Of an anime for similar anime, otherwise of a user")]
    ids: list[int] | list[str]
    scores: list[float]

    @model_validator(mode="after")
    def _check_lengths(self) -> "GoldenAnswer":
        if len(self.ids) != len(self.scores):
            raise ValueError(f"{len(self.ids)} ids, but {len(self.scores)} scores")
        return self


class ModelUpdate(_Part):
    """What one update added, and took away, without learning from it."""

    created_at: datetime
    updated_version: Annotated[str, Field(description="The bundle that was updated")]
    data: Annotated[DataCard, Field(description="Where lists and catalogue come from now")]
    n_new_users: Annotated[int, Field(ge=0, description="Users whom the bundle before did not know")]
    n_changed_lists: Annotated[int, Field(ge=0, description="Known users whose lists are others now")]
    n_removed_users: Annotated[int, Field(ge=0, description="Users of the bundle before who are not in the data")]
    n_new_anime: Annotated[int, Field(ge=0, description="Anime that the bundle before did not have")]
    n_waiting_anime: Annotated[int, Field(ge=0, description="New anime on enough lists for the next training")]
    placed_by_content: Annotated[
        dict[str, Any], Field(description="How well content places anime: learned ones were taken for new")
    ]


class Manifest(_Part):
    """The bundle's description of itself, kept in manifest.json."""

    format_version: int
    model_version: Annotated[str, Field(pattern=VERSION_PATTERN)]
    created_at: datetime
    network: Annotated[str, Field(description="Which network made the embeddings")]
    embedding_size: Annotated[int, Field(ge=1)]
    user_embedding_rule: UserEmbeddingRule
    data: DataCard
    training: Annotated[dict[str, Any], Field(description="Every setting of the run, seeds included")]
    metrics: Annotated[dict[str, Any], Field(description="The evaluation, the baselines beside the model")]
    default_methods: DefaultMethods
    # Since the training: data and training are of the training, as are the metrics but for user_index.
    updates: tuple[ModelUpdate, ...] = ()
    reranker_features: Annotated[
        tuple[str, ...], Field(description="What the re-ranker looks at, in order; empty without one")
    ] = ()
    golden: list[GoldenAnswer]
    files: list[FileEntry]
