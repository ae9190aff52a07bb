"""The nearest rows of an embedding matrix, remembered."""

import threading

import numpy as np
from numpy.typing import NDArray

from models.scoring.embedding import cosine_scores
from models.scoring.top_k import Order, top_k_rows
from models.scoring.user_index import Nearest

__all__ = ["Nearest", "NearestRows"]


class NearestRows:
    """Exact nearest rows by cosine.

    A model does not change while it serves, so the head of each ranking is kept after the first request:
    reading it is a hundred times faster than scanning the matrix, and the answer is the same.

    Parameters
    ----------
    embeddings : ndarray of shape (n, embedding_size), dtype=float32
        Unit rows.
    depth : int
        How many nearest rows to remember of each row.
    capacity : int
        How many rows to remember; the oldest is forgotten first.
    """

    def __init__(self, embeddings: NDArray[np.float32], *, depth: int, capacity: int) -> None:
        self._embeddings = embeddings
        self.depth = min(depth, len(embeddings) - 1)
        self._capacity = capacity
        self._remembered: dict[int, Nearest] = {}
        self._lock = threading.Lock()

    def recall(self, row: int) -> Nearest | None:
        """Give the nearest rows of a row if they are remembered. Costs next to nothing.

        Parameters
        ----------
        row : int

        Returns
        -------
        Nearest or None
            The ``depth`` nearest, best first, without the row itself.
        """
        return self._remembered.get(row)

    def of_row(self, row: int) -> Nearest:
        """Find the nearest rows of a row, and remember them. Scans the matrix the first time.

        Parameters
        ----------
        row : int

        Returns
        -------
        Nearest
            The ``depth`` nearest, best first, without the row itself.
        """
        remembered = self.recall(row)
        if remembered is not None:
            return remembered
        nearest = self.scan(self._embeddings[row], self.depth, without_row=row)
        with self._lock:
            while len(self._remembered) >= self._capacity:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[row] = nearest
        return nearest

    def scan(
        self, query: NDArray[np.float32], k: int, *, without_row: int | None = None, order: Order = "most"
    ) -> Nearest:
        """Find the nearest rows of a vector by scanning the whole matrix.

        Parameters
        ----------
        query : ndarray of shape (embedding_size,), dtype=float32
            A unit vector, or zeros.
        k : int
        without_row : int, optional
            A row that must not appear.
        order : {"most", "least"}

        Returns
        -------
        Nearest
            Ties go to the lower row.
        """
        similarities = cosine_scores(self._embeddings, query)
        allowed = None
        if without_row is not None:
            allowed = np.ones(len(similarities), dtype=bool)
            allowed[without_row] = False
        rows = top_k_rows(similarities, k, allowed=allowed, order=order)
        return Nearest(rows.astype(np.int32), similarities[rows])
