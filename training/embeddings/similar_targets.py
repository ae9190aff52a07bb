"""Batches of anime, with how the similarity of each is spread over all others: soft targets of the autoencoder."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.embeddings.keras_setup import keras
from training.embeddings.teacher import Teacher

Matrix = NDArray[np.float32]

# Anime are drawn by their count to this power.
_COUNT_POWER: Final = 0.5


class SimilarTargets(keras.utils.PyDataset):  # type: ignore[misc]
    """Draws anime; the target of each is a softmax over all others.

    Logits are ``sharpness`` times the sum of the teacher's weights (positive ones, scaled to a maximum of 1) and the
    positive products with the rows of ``content``, of shape (n_anime, n_features).
    """

    def __init__(
        self,
        teacher: Teacher,
        content: Matrix | None,
        counts: NDArray[np.integer],
        sharpness: float,
        batch_size: int,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        self._teacher = teacher
        self._content = content
        self._sharpness = sharpness
        self._batch_size = min(batch_size, teacher.n_anime)
        chances = (counts.astype(np.float64) + 1.0) ** _COUNT_POWER
        self._chances = chances / chances.sum()
        self._rng = rng

    def __len__(self) -> int:
        return -(-self._teacher.n_anime // self._batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.int32], Matrix]:
        del index  # every batch is drawn anew
        anime_rows = self._rng.choice(self._teacher.n_anime, self._batch_size, replace=False, p=self._chances)
        return anime_rows.astype(np.int32), self.targets_of(anime_rows)

    def targets_of(self, anime_rows: NDArray[np.integer]) -> Matrix:
        """Return targets of shape (batch, n_anime); rows sum to 1, with 0 for an anime itself if there are others."""
        alike = np.maximum(self._teacher.weights_of(anime_rows), 0.0)  # (B, N)
        alike /= np.maximum(alike.max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        if self._content is not None:
            alike += np.maximum(self._content[anime_rows] @ self._content.T, 0.0)
        alike *= self._sharpness
        alike[np.arange(len(anime_rows)), anime_rows] = -np.inf if alike.shape[1] > 1 else 0.0
        shares: Matrix = np.exp(alike - alike.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return shares
