"""Settings of the networks; reading them does not import TensorFlow."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class AutoencoderConfig(BaseModel):
    """Settings of the autoencoder. The defaults were measured: docs/experiments.md."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    embedding_size: Annotated[int, Field(ge=1, le=4096, description="Width of the embeddings")] = 128
    epochs: Annotated[int, Field(ge=1, description="Passes over as many anime as there are")] = 2
    max_steps: Annotated[int, Field(ge=1, description="Steps per pass at most, however many anime there are")] = 50
    batch_size: Annotated[int, Field(ge=1, description="Anime per step")] = 256
    learning_rate: Annotated[Positive, Field(description="Of Adam, falling to a hundredth")] = 0.01
    max_users: Annotated[
        int, Field(ge=1, description="Users whose lists decide which directions matter, at most; picked by a hash")
    ] = 20_000
    length_power: Annotated[
        float, Field(ge=0, le=1, description="Users count by the length of the list to minus this power")
    ] = 0.6
    list_weight: Annotated[NotNegative, Field(description="Weight of lists against similar anime")] = 50.0
    user_weight: Annotated[NotNegative, Field(description="Weight of similar users against similar anime")] = 2.0
    energy_power: Annotated[
        float, Field(ge=0, le=1, description="1: all directions of taste count alike between users")
    ] = 0.75
    target_sharpness: Annotated[Positive, Field(description="How far the most similar anime stand out")] = 8.0
    genre_weight: Annotated[NotNegative, Field(description="Of genres, in similarity")] = 0.7
    synopsis_weight: Annotated[NotNegative, Field(description="Of synopses, in similarity")] = 1.8
    seed: Annotated[int, Field(ge=0, lt=2**32, description="Of everything random")] = 0


class RatingConfig(BaseModel):
    """Settings of the rating network. The defaults are the notebook's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    embedding_size: Annotated[int, Field(ge=1, le=4096, description="Width of the embeddings")] = 128
    epochs: Annotated[int, Field(ge=1, description="Passes over the ratings, at most")] = 20
    batch_size: Annotated[int, Field(ge=1, description="Ratings per step")] = 10_000
    start_learning_rate: Annotated[Positive, Field(description="Of Adam, in the first epoch")] = 1e-5
    max_learning_rate: Annotated[Positive, Field(description="After the rise")] = 5e-5
    min_learning_rate: Annotated[Positive, Field(description="What the decay tends to")] = 1e-5
    rise_epochs: Annotated[int, Field(ge=0, description="Epochs until the maximum")] = 5
    decay: Annotated[float, Field(gt=0, le=1, description="Factor per epoch after the rise")] = 0.8
    held_out_rows: Annotated[int, Field(ge=0, description="Ratings kept for validation, a tenth at most")] = 10_000
    patience: Annotated[int, Field(ge=0, description="Epochs without a better validation loss before it stops")] = 3
    seed: Annotated[int, Field(ge=0, lt=2**32, description="Of everything random")] = 0

    def learning_rate_at(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        if epoch < self.rise_epochs:
            step = (self.max_learning_rate - self.start_learning_rate) / self.rise_epochs
            return self.start_learning_rate + step * epoch
        decayed = (self.max_learning_rate - self.min_learning_rate) * self.decay ** (epoch - self.rise_epochs)
        return self.min_learning_rate + decayed
