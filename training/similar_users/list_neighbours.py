"""The training users nearest to a list, found for many lists at once."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.embedding import embed_list
from models.scoring.neighbours import N_NEIGHBOURS_OF_RULE, NEIGHBOURHOOD_SIZES, neighbourhood_shares
from models.scoring.ranking import top_k_rows
from models.scoring.user_list import SeenLists, Support, UserList
from training.lists.interactions import Interactions

Rows = NDArray[np.int32]

# As many as any method asks for; where a user is left out, one more is found.
MAX_NEIGHBOURS: Final = max(N_NEIGHBOURS_OF_RULE.values())
# 64 x 325,772 similarities are 83 MB.
LISTS_PER_PRODUCT: Final = 64


class ListNeighbours:
    """Finds the nearest of the users who train, and remembers what it found.

    Every method asks for the same lists, and one product for many costs a tenth of one for each.

    ``list_embeddings``, of shape (n_anime, embedding_size), are what each anime on a list adds; ``user_embeddings``,
    of shape (n_users, embedding_size), the lists of ``train``, embedded in unit rows; ``depth`` of the nearest are
    found.
    """

    def __init__(
        self,
        list_embeddings: NDArray[np.float32],
        user_embeddings: NDArray[np.float32],
        train: Interactions,
        depth: int = MAX_NEIGHBOURS + 1,
    ) -> None:
        self.train = train
        self._list_embeddings = list_embeddings
        self._user_embeddings = user_embeddings
        self._depth = depth
        self._found: dict[tuple[bytes, bytes], tuple[Rows, NDArray[np.float32]]] = {}

    def find(self, lists: Sequence[Support]) -> None:
        """Find and remember the nearest users of many lists."""
        for start in range(0, len(lists), LISTS_PER_PRODUCT):
            batch = lists[start : start + LISTS_PER_PRODUCT]
            embeddings = np.stack([embed_list(self._list_embeddings, support) for support in batch])
            similarities = embeddings @ self._user_embeddings.T  # (B, n_users)
            for support, row in zip(batch, similarities, strict=True):
                nearest = top_k_rows(row, self._depth)
                self._found[_key(support)] = nearest.astype(np.int32), row[nearest]

    def lists_near(
        self, support: Support, k: int, without: int | None = None
    ) -> tuple[list[UserList], NDArray[np.float32]]:
        """Give the lists of the users that :meth:`of_list` gives, and their similarities."""
        nearest, similarities = self.of_list(support, k, without)
        return [self.train.list_of(row) for row in nearest.tolist()], similarities

    def shares(self, support: Support, without: int | None = None) -> NDArray[np.float32]:
        """Give what share of each neighbourhood has seen each anime, shape (n_anime, len(NEIGHBOURHOOD_SIZES))."""
        lists, similarities = self.lists_near(support, NEIGHBOURHOOD_SIZES[-1], without)
        seen = SeenLists.of([near.seen_rows for near in lists])
        return neighbourhood_shares(self.train.n_anime, similarities, seen)

    def of_list(self, support: Support, k: int, without: int | None = None) -> tuple[Rows, NDArray[np.float32]]:
        """Give the rows and similarities of at most `k` users nearest to a list, best first, ties to the lower row.

        A user may be left out by their row; at most the depth are there, one less then.
        """
        key = _key(support)
        if key not in self._found:
            self.find([support])
        nearest, similarities = self._found[key]
        if without is not None:
            others = nearest != without
            nearest, similarities = nearest[others], similarities[others]
        return nearest[:k], similarities[:k]


def _key(support: Support) -> tuple[bytes, bytes]:
    return support.rows.tobytes(), support.weights.tobytes()
