"""Settings of the item weights."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class ItemsConfig(BaseModel):
    """Settings of the item weights. The defaults were measured: docs/experiments.md."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dropout: Annotated[float, Field(ge=0, lt=1, description="Share of a list hidden from the input")] = 0.3
    l2: Annotated[float, Field(gt=0, le=1e9, description="Penalty of the weights")] = 50.0
    n_dense: Annotated[
        int,
        Field(ge=2, description="Anime on most lists, whose dense weights propose; costs its cube"),
    ] = 4096
    n_proposed: Annotated[int, Field(ge=1, le=1000, description="Anime proposed as the support of each anime")] = 200
    n_weights: Annotated[int, Field(ge=1, le=1000, description="Anime in the support of each anime in the end")] = 100
