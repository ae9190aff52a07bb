"""A trained network, saved and loaded."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.manifest import UserEmbeddingRule
from training.support import artefacts
from training.support.folders import replaced_folder

_FACTS_FILE: Final = "trained.json"
_ARRAYS: Final = ("anime_embeddings", "list_embeddings", "anime_gains")
_OPTIONAL_ARRAYS: Final = ("user_embeddings", "new_anime_embeddings")


@dataclass(frozen=True)
class TrainedNetwork:
    """Embeddings, and how they were made."""

    network: str
    anime_embeddings: NDArray[np.float32]  # unit rows
    list_embeddings: NDArray[np.float32]  # what each anime on a list adds to the embedding of its user
    anime_gains: NDArray[np.float32]  # in (0, 1], times the cosine to a user
    user_embeddings: NDArray[np.float32] | None  # unit rows; None with the rule `normalised_sum`
    user_embedding_rule: UserEmbeddingRule
    config: dict[str, Any]  # every setting of the network
    history: dict[str, list[float]]  # loss and other values per epoch
    seconds: float  # wall-clock time of the training
    new_anime_embeddings: NDArray[np.float32] | None = None  # unit rows; None where there are no new anime
    settings: dict[str, Any] = field(default_factory=dict)  # of the run
    prepared_digest: str = ""  # of the prepared dump it was trained on

    def of_users(self, kept: NDArray[np.bool_]) -> "TrainedNetwork":
        """Return the same network with the marked users only."""
        if self.user_embeddings is None:
            return self
        return replace(self, user_embeddings=self.user_embeddings[kept])

    def digest(self) -> str:
        """Hash the arrays that anime are ranked by, so that an evaluation can record what it measured."""
        return artefacts.digest(self.anime_embeddings, self.list_embeddings, self.anime_gains)


def save_trained(folder: Path, trained: TrainedNetwork) -> None:
    """Write a trained network; an earlier one in the folder is replaced."""
    names = (*_ARRAYS, *_OPTIONAL_ARRAYS)
    arrays = {name: array for name in names if (array := getattr(trained, name)) is not None}
    facts = {key: value for key, value in vars(trained).items() if key not in names}
    with replaced_folder(folder) as new:
        artefacts.save(new / _FACTS_FILE, arrays, facts)


def load_trained(folder: Path) -> TrainedNetwork:
    """Read a trained network.

    Raises
    ------
    InputError
        If the folder holds none.
    """
    return artefacts.load(
        folder / _FACTS_FILE,
        lambda arrays, facts: TrainedNetwork(**{"user_embeddings": None, **arrays}, **facts),
        "holds no trained network",
    )


def unit_rows(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale every row to length 1; zeros become the first unit vector, since every row needs a direction."""
    norms = np.linalg.norm(matrix.astype(np.float64), axis=1, keepdims=True)
    unit = matrix / np.where(norms == 0.0, 1.0, norms)
    unit[norms[:, 0] == 0.0, 0] = 1.0
    rows: NDArray[np.float32] = unit.astype(np.float32)
    return rows
