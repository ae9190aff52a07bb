"""The index of users: groups, and the nearest users of every user, computed once when a model is published."""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.similar_users.groups import assign_groups, count_groups, fit_centroids, group_rows
from training.similar_users.neighbours import EVERYWHERE, GroupedUsers, nearest_of, neighbours_of_all

Matrix = NDArray[np.float32]

# As many as the default way of recommending asks; whoever asks for more searches.
N_NEAREST: Final = 100
# Where that way is left out: two pages of similar users, and leads enough for a search.
N_NEAREST_QUICK: Final = 20
# So many of the nearest ten must lie in the groups that are looked into; a search is promised 0.99.
WANTED_RECALL: Final = 0.993
_DEPTH: Final = 10
_N_MEASURED: Final = 1000


def build_user_index(
    embeddings: Matrix, n_nearest: int = N_NEAREST, seed: int = 0
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Make the arrays of :class:`models.scoring.user_index.UserIndex`.

    Parameters
    ----------
    embeddings : ndarray of shape (n_users, embedding_size), dtype=float32
        Unit rows.
    n_nearest : int, optional
        How many nearest users of every user to find.
    seed : int
        Of the samples: users that centroids start from, and users to measure with.

    Returns
    -------
    arrays : dict of str to ndarray
        By their names in a bundle.
    metrics : dict
        Sizes, and which share of the true nearest users is among those found.
    """
    rng = np.random.default_rng(seed)
    n_groups, k = count_groups(len(embeddings)), min(n_nearest, len(embeddings) - 1)
    centroids = fit_centroids(embeddings, n_groups, rng)
    rows, offsets = group_rows(assign_groups(embeddings, centroids), n_groups)
    nearest, metrics = np.empty((len(embeddings), k), dtype=np.int32), {"n_groups": n_groups, "n_nearest": k}
    if k:
        nearest, measured = _measured_neighbours(GroupedUsers(embeddings[rows], rows, offsets, centroids), k, rng)
        metrics |= measured
    arrays: dict[str, NDArray[Any]] = {
        "user_centroids": centroids,
        "user_group_offsets": offsets,
        "grouped_user_rows": rows,
        "nearest_user_rows": nearest,
    }
    return arrays, metrics


def _measured_neighbours(
    users: GroupedUsers, k: int, rng: np.random.Generator
) -> tuple[NDArray[np.int32], dict[str, Any]]:
    """Find everybody's neighbours, looking as far as some users whose true neighbours are found first need."""
    n_users = len(users.rows)
    sample = np.sort(rng.choice(n_users, min(_N_MEASURED, n_users), replace=False))
    truth = nearest_of(users, sample, k, EVERYWHERE)
    reach = enough_reach(users, sample, truth[:, :_DEPTH])
    nearest = neighbours_of_all(users, k, reach)
    depths = sorted({_DEPTH, k}) if k >= _DEPTH else []
    found = nearest[users.rows[sample]]
    recalls = {f"recall_at_{depth}": recall(truth[:, :depth], found[:, :depth]) for depth in depths}
    return nearest, {"reach": round(reach, 4), **recalls}


def enough_reach(users: GroupedUsers, places: NDArray[np.int64], neighbours: NDArray[np.int32]) -> float:
    """Tell how far to look to find :data:`WANTED_RECALL` of some users' neighbours.

    Parameters
    ----------
    users : GroupedUsers
    places : ndarray of shape (n,), dtype=int64
        The users, as places in the order of the groups.
    neighbours : ndarray of shape (n, k), dtype=int32
        Rows of their true neighbours.

    Returns
    -------
    float
        For :func:`training.similar_users.neighbours.nearest_of`.
    """
    groups = np.empty(len(users.rows), dtype=np.int64)
    groups[users.rows] = np.repeat(np.arange(len(users.centroids)), np.diff(users.offsets))
    to_groups = users.embeddings[places] @ users.centroids.T  # (n, G)
    theirs = np.take_along_axis(to_groups, groups[neighbours], axis=1)  # (n, k)
    away = np.sort(to_groups.max(axis=1, keepdims=True) - theirs, axis=None)
    # Another product may round the last bit another way.
    return float(away[math.ceil(WANTED_RECALL * len(away)) - 1]) + 1e-6


def recall(truth: NDArray[np.int32], found: NDArray[np.int32]) -> float:
    """Tell which share of the true neighbours was found.

    Parameters
    ----------
    truth, found : ndarray of shape (n, k), dtype=int32
        Rows, none twice in a line.

    Returns
    -------
    float
        From 0 to 1, to four digits.
    """
    return round(float((truth[:, :, None] == found[:, None, :]).any(axis=2).mean()), 4)
