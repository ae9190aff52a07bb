"""Somebody to recommend to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.scoring.user_list import UserList
from service.nearest import Nearest


@dataclass(frozen=True)
class Viewer:
    """Somebody to recommend to: a user the model knows, or one it never saw. Everything after is one path.

    Attributes
    ----------
    user_list : UserList
    embedding : ndarray of shape (embedding_size,), dtype=float32
        A unit vector, or zeros where the list says nothing.
    neighbours : Nearest
        The users most similar to them, best first.
    neighbour_lists : sequence of UserList
        Their lists, in the same order.
    """

    user_list: UserList
    embedding: NDArray[np.float32]
    neighbours: Nearest
    neighbour_lists: Sequence[UserList]

    @property
    def has_seen_something(self) -> bool:
        """Whether there is anything to go by: plans alone are no evidence."""
        return bool(len(self.user_list.seen_rows)) and bool(self.embedding.any())
