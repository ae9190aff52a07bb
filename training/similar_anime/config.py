"""Settings of the ranker of similar anime."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class SimilarConfig(BaseModel):
    """Settings of similar anime. The defaults were measured: docs/experiments.md."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: Annotated[
        Literal["auto", "to ship", "shipped"],
        Field(
            description="auto: learn from recommendations.csv where the dump has it; to ship: learn for dumps "
            "without it; shipped: never learn"
        ),
    ] = "auto"
    max_users: Annotated[
        int, Field(ge=1, description="Users whose lists are looked at, at most; picked by a hash of their id")
    ] = 7_000
    dropout: Annotated[float, Field(ge=0, lt=1, description="Share of a list the item weights must do without")] = 0.3
    n_dense: Annotated[
        int, Field(ge=1, description="Anime on most lists, among which the item weights are exact")
    ] = 6144
    l2_per_user: Annotated[float, Field(gt=0, le=1e9, description="Regularisation of the item weights, per user")] = (
        0.08
    )
    epochs: Annotated[int, Field(ge=1, description="Passes over the queries when the ranker is learned")] = 6
    batch_size: Annotated[int, Field(ge=1, description="Queries per step")] = 16
    learning_rate: Annotated[
        float, Field(gt=0, allow_inf_nan=False, description="Of Adam, falling to a fiftieth")
    ] = 0.008
    seed: Annotated[int, Field(ge=0, lt=2**32, description="Of everything random")] = 0
