"""Settings of prepare."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class PrepareConfig(BaseModel):
    """How a dump is read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    memory_limit: Annotated[
        str,
        Field(
            pattern=r"^\d+(\.\d+)? ?[KMGT]i?B$",
            description="Memory for reading lists, 1GB or 512MB; what exceeds it goes to the work folder",
        ),
    ] = "1GB"
