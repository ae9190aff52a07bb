"""The index of users: groups, and the nearest users of every user, computed once when a model is published."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.user_groups import assign_groups, count_groups, fit_centroids, group_rows
from training.user_neighbours import GroupedUsers, neighbours_of_all

Matrix = NDArray[np.float32]

# As many as the default way of recommending asks; whoever asks for more searches.
N_NEAREST: Final = 100
# Finds 0.99 of the nearest ten among 325,772 users. Measured.
N_PROBED: Final = 72
N_MEASURED: Final = 1000
_BLOCK: Final = 64


def build_user_index(embeddings: Matrix, seed: int = 0) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Make the arrays of :class:`models.scoring.user_index.UserIndex`.

    Parameters
    ----------
    embeddings : ndarray of shape (n_users, embedding_size), dtype=float32
        Unit rows.
    seed : int
        Of the sample that centroids start from.

    Returns
    -------
    arrays : dict of str to ndarray
        By their names in a bundle.
    metrics : dict
        Sizes, and which share of the true nearest users is among those found.
    """
    rng = np.random.default_rng(seed)
    n_groups, k = count_groups(len(embeddings)), min(N_NEAREST, len(embeddings) - 1)
    centroids = fit_centroids(embeddings, n_groups, rng)
    rows, offsets = group_rows(assign_groups(embeddings, centroids), n_groups)
    nearest = np.empty((len(embeddings), 0), dtype=np.int32)
    if k:
        nearest = neighbours_of_all(GroupedUsers(embeddings[rows], rows, offsets, centroids), k, N_PROBED)
    arrays: dict[str, NDArray[Any]] = {
        "user_centroids": centroids,
        "user_group_offsets": offsets,
        "grouped_user_rows": rows,
        "nearest_user_rows": nearest,
    }
    metrics = {"n_groups": n_groups, "n_probed": min(N_PROBED, n_groups), "n_nearest": k}
    metrics |= measure_recall(embeddings, nearest, rng)
    return arrays, metrics


def measure_recall(embeddings: Matrix, nearest: NDArray[np.int32], rng: np.random.Generator) -> dict[str, Any]:
    """Compare nearest users with those that an exact scan finds.

    Parameters
    ----------
    embeddings : ndarray of shape (n_users, embedding_size), dtype=float32
        Unit rows.
    nearest : ndarray of shape (n_users, n_nearest), dtype=int32
        Best first.
    rng : numpy.random.Generator
        Draws the users to measure with.

    Returns
    -------
    dict
        ``recall_at_10`` and, where so many are known, ``recall_at_100``.
    """
    n_users = len(embeddings)
    depths = [k for k in (10, 100) if k <= nearest.shape[1]]
    queries = np.sort(rng.choice(n_users, min(N_MEASURED, n_users), replace=False))
    found_shares: dict[int, list[float]] = {k: [] for k in depths}
    for start in range(0, len(queries), _BLOCK):
        rows = queries[start : start + _BLOCK]
        every = embeddings[rows] @ embeddings.T  # (b, n_users)
        every[np.arange(len(rows)), rows] = -2.0
        for row, cosines in zip(rows, every, strict=True):
            for k in depths:
                found = cosines[nearest[row, :k]]
                # Only who is as near as the last one found can be among the k nearest.
                nearest_k = np.sort(cosines[cosines >= found.min()])[-k:]
                found_shares[k].append(float(np.mean(found >= nearest_k[0])))
    return {f"recall_at_{k}": round(float(np.mean(shares)), 4) for k, shares in found_shares.items()}
