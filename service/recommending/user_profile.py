"""Somebody to recommend to."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.user_index import Nearest
from models.scoring.user_list import UserList, list_of_user


@dataclass(frozen=True)
class UserProfile:
    """Somebody to recommend to: a user the model knows, or one it never saw. Everything after is one path.

    Attributes
    ----------
    user_list : UserList
    embedding : ndarray of shape (embedding_size,), dtype=float32
        A unit vector, or zeros where the list says nothing.
    neighbours : callable
        Finds the k users most similar to them, best first.
    """

    user_list: UserList
    embedding: NDArray[np.float32]
    neighbours: Callable[[int], Nearest]

    @property
    def has_seen_something(self) -> bool:
        """Whether there is anything to go by: plans alone are no evidence."""
        return bool(len(self.user_list.seen_rows)) and bool(self.embedding.any())

    def neighbour_lists(self, bundle: Bundle, k: int) -> list[UserList]:
        """Give the lists of the nearest users.

        Parameters
        ----------
        bundle : Bundle
            That of the neighbours.
        k : int
            How many.

        Returns
        -------
        list of UserList
            The most similar user's first.
        """
        return [list_of_user(bundle, row) for row in self.neighbours(k).rows.tolist()]
