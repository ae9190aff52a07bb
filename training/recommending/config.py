"""Settings of the re-ranker."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class RerankerConfig(BaseModel):
    """Settings of the re-ranker. The defaults were measured: docs/experiments.md."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_training_users: Annotated[int, Field(ge=0, description="Training users at most; 0: no re-ranker")] = 8000
    few_training_users: Annotated[
        int, Field(ge=20, description="Users who teach where so few are a small share of all: in one group")
    ] = 1250
    n_folds: Annotated[
        int,
        Field(
            ge=2,
            le=20,
            description="Groups of training users, each left out of the item weights of its examples",
        ),
    ] = 3
    n_candidates: Annotated[int, Field(ge=2, description="Candidates per list while learning")] = 240
    n_splits: Annotated[int, Field(ge=1, le=10, description="Times each list is split into known and hidden")] = 2
    n_cuts: Annotated[int, Field(ge=0, le=10, description="Examples more of each list, cut to 1 to 30 titles")] = 1
    rating_weight: Annotated[
        float, Field(ge=0, le=10, description="What a point above the user's own mean adds to a target's gain")
    ] = 0.6
    n_networks: Annotated[
        int, Field(ge=2, le=16, multiple_of=2, description="Half of them order by what is seen, half by liking")
    ] = 2
    first_width: Annotated[int, Field(ge=1, description="Width of the first hidden layer")] = 128
    second_width: Annotated[int, Field(ge=1, description="Width of the second hidden layer")] = 48
    hidden_dropout: Annotated[float, Field(ge=0, lt=1, description="Share of hidden units dropped, by list")] = 0.1
    epochs: Annotated[int, Field(ge=1, description="Passes over the lists")] = 6
    batch_size: Annotated[int, Field(ge=1, description="Lists per step")] = 8
    learning_rate: Annotated[
        float, Field(gt=0, allow_inf_nan=False, description="Of Adam, falling to a fiftieth")
    ] = 0.005
    odds_weight: Annotated[
        float, Field(ge=0, allow_inf_nan=False, description="Of the loss that makes scores probabilities")
    ] = 0.05
    seed: Annotated[int, Field(ge=0, lt=2**32, description="Of everything random")] = 0
