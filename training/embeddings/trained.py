"""What a network leaves behind when it is trained."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.manifest import UserEmbeddingRule
from training.support import artefacts
from training.support.folders import replaced_folder

_FACTS_FILE: Final = "trained.json"
_ARRAYS: Final = ("anime_embeddings", "list_embeddings", "anime_gains", "user_embeddings")


@dataclass(frozen=True)
class TrainedNetwork:
    """Embeddings, and how they came about.

    Attributes
    ----------
    network : str
        Its name.
    anime_embeddings : ndarray of shape (n_anime, embedding_size), dtype=float32
        Unit rows.
    list_embeddings : ndarray of shape (n_anime, embedding_size), dtype=float32
        What each anime on a list adds to the embedding of its user.
    anime_gains : ndarray of shape (n_anime,), dtype=float32
        In (0, 1]: what a cosine to a user is worth.
    user_embeddings : ndarray of shape (n_users, embedding_size), dtype=float32 or None
        Unit rows; None where a user's embedding follows from the list (``normalised_sum``).
    user_embedding_rule : str
        See :data:`models.bundle.manifest.UserEmbeddingRule`.
    config : dict
        Every setting, the seed included.
    history : dict of str to list of float
        Loss and other values per epoch.
    seconds : float
        Wall-clock time of the training.
    settings : dict
        Every setting of the run that trained it.
    prepared_digest : str
        Of the prepared dump it was trained on: :attr:`training.lists.prepared.Prepared.digest`.
    """

    network: str
    anime_embeddings: NDArray[np.float32]
    list_embeddings: NDArray[np.float32]
    anime_gains: NDArray[np.float32]
    user_embeddings: NDArray[np.float32] | None
    user_embedding_rule: UserEmbeddingRule
    config: dict[str, Any]
    history: dict[str, list[float]]
    seconds: float
    settings: dict[str, Any] = field(default_factory=dict)
    prepared_digest: str = ""

    def of_users(self, kept: NDArray[np.bool_]) -> "TrainedNetwork":
        """Give the same network with fewer users.

        Parameters
        ----------
        kept : ndarray of shape (n_users,), dtype=bool
        """
        if self.user_embeddings is None:
            return self
        return replace(self, user_embeddings=self.user_embeddings[kept])

    def digest(self) -> str:
        """Hash what anime are ranked by, so that an evaluation can say what it measured.

        Returns
        -------
        str
            sha256, 64 hexadecimal digits.
        """
        return artefacts.digest(self.anime_embeddings, self.list_embeddings, self.anime_gains)


def save_trained(folder: Path, trained: TrainedNetwork) -> None:
    """Write a trained network.

    Parameters
    ----------
    folder : Path
        An earlier one is replaced.
    trained : TrainedNetwork
    """
    arrays = {name: array for name in _ARRAYS if (array := getattr(trained, name)) is not None}
    facts = {key: value for key, value in vars(trained).items() if key not in _ARRAYS}
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
        lambda arrays, facts: TrainedNetwork(user_embeddings=arrays.pop("user_embeddings", None), **arrays, **facts),
        "holds no trained network",
    )


def unit_rows(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale every row to length 1.

    Parameters
    ----------
    matrix : ndarray of shape (n, embedding_size), dtype=float32

    Returns
    -------
    ndarray of shape (n, embedding_size), dtype=float32
        A row of zeros becomes the first unit vector: every row must have a direction.
    """
    norms = np.linalg.norm(matrix.astype(np.float64), axis=1, keepdims=True)
    unit = matrix / np.where(norms == 0.0, 1.0, norms)
    unit[norms[:, 0] == 0.0, 0] = 1.0
    rows: NDArray[np.float32] = unit.astype(np.float32)
    return rows
