"""Groups of users: spherical k-means of their embeddings.

References
----------
Dhillon and Modha, "Concept Decompositions for Large Sparse Text Data using Clustering", Machine Learning 2001.
"""

from dataclasses import dataclass
from typing import Final, Self

import faiss
import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

_N_ROUNDS: Final = 6
# Centroids learn from a sample: more users per group make no better groups.
_SAMPLED_PER_GROUP: Final = 48
_BLOCK: Final = 4096


@dataclass(frozen=True)
class GroupedUsers:
    """Users in the order of their groups, each in the group whose centre is nearest."""

    # Shape: (n_users, embedding_size). Unit rows, group by group.
    embeddings: Matrix
    # Shape: (n_users,). Which user each is, ascending within a group.
    rows: NDArray[np.int32]
    # Shape: (n_groups + 1,). Group g lies at [offsets[g], offsets[g + 1]).
    offsets: NDArray[np.int64]
    # Shape: (n_groups, embedding_size). Unit rows.
    centroids: Matrix
    # Shape: (n_users,). The group of each user, by rows.
    groups: NDArray[np.int64]

    @classmethod
    def make(cls, embeddings: Matrix, n_groups: int, rng: np.random.Generator) -> Self:
        """Group users, unit rows, around at most as many centres."""
        kmeans = faiss.Kmeans(
            embeddings.shape[1],
            n_groups,
            niter=_N_ROUNDS,
            spherical=True,
            seed=int(rng.integers(1 << 31)),
            max_points_per_centroid=_SAMPLED_PER_GROUP,
            min_points_per_centroid=1,
        )
        kmeans.train(embeddings)
        return cls.around(embeddings, kmeans.centroids)

    @classmethod
    def around(cls, embeddings: Matrix, centroids: Matrix, groups: NDArray[np.int64] | None = None) -> Self:
        """Group users, unit rows, around given centres; ``groups`` are those of users who have one, -1 of others."""
        groups = np.full(len(embeddings), -1) if groups is None else groups
        unknown = np.flatnonzero(groups < 0)
        for start in range(0, len(unknown), _BLOCK):
            some = unknown[start : start + _BLOCK]
            groups[some] = (embeddings[some] @ centroids.T).argmax(axis=1)
        offsets = np.concatenate([[0], np.cumsum(np.bincount(groups, minlength=len(centroids)))]).astype(np.int64)
        rows = np.argsort(groups, kind="stable").astype(np.int32)
        return cls(embeddings[rows], rows, offsets, centroids, groups)

    def members(self, group: int) -> slice:
        """Give the places of a group's users."""
        return slice(int(self.offsets[group]), int(self.offsets[group + 1]))
