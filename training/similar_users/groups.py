"""Groups of users: spherical k-means of their embeddings.

References
----------
Dhillon and Modha, "Concept Decompositions for Large Sparse Text Data using Clustering", Machine Learning 2001.
"""

from typing import Final

import faiss
import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

# Fewer users are all compared: a scan takes no longer than a search then. Measured.
MIN_USERS: Final = 65_536
# Small groups waste little on users that are far away, large ones make large matrix products. Measured.
USERS_PER_GROUP: Final = 320
_N_ROUNDS: Final = 6
# Centroids learn from a sample: more users per group make no better groups.
_SAMPLED_PER_GROUP: Final = 48
_BLOCK: Final = 4096


def count_groups(n_users: int) -> int:
    """Say how many groups to make.

    Returns
    -------
    int
        1 where the users are few enough to compare all of them.
    """
    return 1 if n_users < MIN_USERS else n_users // USERS_PER_GROUP


def fit_centroids(embeddings: Matrix, n_groups: int, rng: np.random.Generator) -> Matrix:
    """Find the centres of groups of users.

    Parameters
    ----------
    embeddings : ndarray of shape (n_users, embedding_size), dtype=float32
        Unit rows.
    n_groups : int
        At most n_users.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (n_groups, embedding_size), dtype=float32
        Unit rows.
    """
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
    centroids: Matrix = kmeans.centroids
    return centroids


def assign_groups(embeddings: Matrix, centroids: Matrix) -> NDArray[np.int32]:
    """Find the group of every user.

    Parameters
    ----------
    embeddings : ndarray of shape (n_users, embedding_size), dtype=float32
        Unit rows.
    centroids : ndarray of shape (n_groups, embedding_size), dtype=float32
        Unit rows.

    Returns
    -------
    ndarray of shape (n_users,), dtype=int32
        The group whose centre is nearest.
    """
    groups = np.empty(len(embeddings), dtype=np.int32)
    for start in range(0, len(embeddings), _BLOCK):
        groups[start : start + _BLOCK] = (embeddings[start : start + _BLOCK] @ centroids.T).argmax(axis=1)
    return groups


def group_rows(groups: NDArray[np.int32], n_groups: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Put the rows of each group together.

    Parameters
    ----------
    groups : ndarray of shape (n_users,), dtype=int32
    n_groups : int

    Returns
    -------
    rows : ndarray of shape (n_users,), dtype=int32
        Every row once, ascending within a group.
    offsets : ndarray of shape (n_groups + 1,), dtype=int64
        Group g lies at [offsets[g], offsets[g + 1]).
    """
    offsets = np.concatenate([[0], np.cumsum(np.bincount(groups, minlength=n_groups))]).astype(np.int64)
    return np.argsort(groups, kind="stable").astype(np.int32), offsets
