"""The index of users, and the nearest users of every user, computed once when a model is published."""

import math
from collections.abc import Callable
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from training.similar_users.groups import GroupedUsers, Matrix
from training.similar_users.neighbours import (
    EVERYWHERE,
    EarlierNeighbours,
    nearest_of,
    neighbours_of_all,
    update_neighbours,
)
from training.support.engine import LOCAL, Engine

# As many as the default method of recommending asks for; a request for more searches.
N_NEAREST: Final = 100
# Where that method is left out: two pages of similar users.
N_NEAREST_QUICK: Final = 20
# So many of the nearest ten must be found; 0.99 are promised.
WANTED_RECALL: Final = 0.993
# Of a search: more, since a thousand users measure it to 0.003 only and it costs 0.1 ms.
WANTED_SEARCH_RECALL: Final = 0.996
_DEPTH: Final = 10
_N_MEASURED: Final = 1000
# Groups that a search looks into at least.
_MIN_PROBED: Final = 16
# Fewer users are all compared: a scan takes no longer than a search then. Measured.
_MIN_USERS: Final = 65_536
# Small groups waste little on users that are far away, large ones make large matrix products. Measured.
_USERS_PER_GROUP: Final = 320


def count_groups(n_users: int) -> int:
    """Choose how many groups to make: 1 where the users are few enough to compare all of them."""
    return 1 if n_users < _MIN_USERS else n_users // _USERS_PER_GROUP


def build_user_index(
    embeddings: Matrix,
    n_nearest: int = N_NEAREST,
    seed: int = 0,
    n_groups: int | None = None,
    engine: Engine = LOCAL,
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Make the arrays of :class:`models.scoring.user_index.UserIndex`, of embeddings in unit rows.

    The seed is that of the samples: users that centroids start from, and users to measure with. There are as many
    groups as :func:`count_groups` chooses unless given. Gives the arrays by their names in a bundle (``user_index``
    is empty where there is one group), and metrics: sizes, and which share of the true nearest users is among those
    found.
    """
    rng = np.random.default_rng(seed)
    n_groups, k = n_groups or count_groups(len(embeddings)), min(n_nearest, len(embeddings) - 1)
    users = GroupedUsers.make(embeddings, n_groups, rng)
    return _index_users(
        users, embeddings, k, rng, lambda reach: neighbours_of_all(users, k, reach, engine), _MIN_PROBED
    )


def update_user_index(
    embeddings: Matrix, before: NDArray[np.uint8], earlier: EarlierNeighbours, seed: int = 0
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Make the arrays of `build_user_index` from those of the users before, most of whom are as they were.

    Users are grouped around the centroids of the index ``before``.
    """
    centroids, n_probed, groups = embeddings[:1], 1, np.zeros(len(embeddings), dtype=np.int64)
    if len(before):
        index = faiss.deserialize_index(before)
        centroids, n_probed = index.quantizer.reconstruct_n(0, index.nlist), index.nprobe
        groups[:] = -1
        groups[earlier.rows] = _groups_of(index)[earlier.rows_before]
    users = GroupedUsers.around(embeddings, centroids, groups)
    return _index_users(
        users,
        embeddings,
        earlier.nearest.shape[1],
        np.random.default_rng(seed),
        lambda reach: update_neighbours(users, embeddings, earlier, reach),
        n_probed,
    )


def _index_users(
    users: GroupedUsers,
    embeddings: Matrix,
    k: int,
    rng: np.random.Generator,
    find_nearest: Callable[[float], NDArray[np.int32]],
    n_probed: int,
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Find the nearest users, looking as far as some users whose true neighbours are known need, and measure."""
    n_groups = len(users.centroids)
    nearest, inverted_file = np.empty((len(embeddings), k), dtype=np.int32), np.empty(0, dtype=np.uint8)
    metrics: dict[str, Any] = {"n_groups": n_groups, "n_nearest": k}
    if k:
        sample = np.sort(rng.choice(len(embeddings), min(_N_MEASURED, len(embeddings)), replace=False))
        truth = nearest_of(users, sample, k, EVERYWHERE)
        reach = enough_reach(users, sample, truth[:, :_DEPTH])
        nearest = find_nearest(reach)
        found = nearest[users.rows[sample]]
        depths = sorted({_DEPTH, k}) if k >= _DEPTH else []
        metrics["reach"] = round(reach, 4)
        metrics |= {f"recall_at_{depth}": recall(truth[:, :depth], found[:, :depth]) for depth in depths}
        if n_groups > 1:
            queries, wanted = embeddings[users.rows[sample]], truth[:, :_DEPTH]
            inverted_file, measured = _measured_inverted_file(embeddings, users, queries, wanted, k, n_probed)
            metrics |= measured
    return {"user_index": inverted_file, "nearest_user_rows": nearest}, metrics


def _measured_inverted_file(
    embeddings: Matrix, users: GroupedUsers, queries: Matrix, truth: NDArray[np.int32], n_nearest: int, n_probed: int
) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """Index users by groups, and look into as many as some users whose true neighbours are known need."""
    size, centroids, groups = embeddings.shape[1], users.centroids, users.groups
    quantizer = faiss.IndexFlatIP(size)
    quantizer.add(centroids)
    halves = faiss.ScalarQuantizer.QT_fp16
    index = faiss.IndexIVFScalarQuantizer(quantizer, size, len(centroids), halves, faiss.METRIC_INNER_PRODUCT, False)
    # Centroids are there and halves need no training: this only marks the index as trained.
    index.train(embeddings[:1])
    index.add_core(len(embeddings), faiss.swig_ptr(embeddings), None, faiss.swig_ptr(groups))
    index.nprobe = min(n_probed, len(centroids))
    # A search is as deep as a ranking begins, and then in exact order. One more, since these find themselves.
    while (found := recall(truth, index.search(queries, n_nearest + 1)[1])) < WANTED_SEARCH_RECALL:
        if index.nprobe == len(centroids):
            break
        index.nprobe = min(index.nprobe + index.nprobe // 4, len(centroids))
    content: NDArray[np.uint8] = faiss.serialize_index(index)
    return content, {"n_probed": index.nprobe, "search_recall_at_10": found}


def _groups_of(index: Any) -> NDArray[np.int64]:
    """Return the group of each user of an inverted file."""
    groups = np.empty(index.ntotal, dtype=np.int64)
    for group in range(index.nlist):
        groups[faiss.rev_swig_ptr(index.invlists.get_ids(group), index.invlists.list_size(group))] = group
    return groups


def enough_reach(users: GroupedUsers, places: NDArray[np.int64], neighbours: NDArray[np.int32]) -> float:
    """Measure how far to look to find WANTED_RECALL of the true neighbours of some users, given as places."""
    to_groups = users.embeddings[places] @ users.centroids.T  # (n, G)
    theirs = np.take_along_axis(to_groups, users.groups[neighbours], axis=1)  # (n, k)
    away = np.sort(to_groups.max(axis=1, keepdims=True) - theirs, axis=None)
    # Another product may round the last bit another way.
    return float(away[math.ceil(WANTED_RECALL * len(away)) - 1]) + 1e-6


def recall(truth: NDArray[np.int32], found: NDArray[np.integer]) -> float:
    """Measure which share of the true neighbours, none twice in a line, was found: 0 to 1, to four digits."""
    return round(float((truth[:, :, None] == found[:, None, :]).any(axis=2).mean()), 4)
