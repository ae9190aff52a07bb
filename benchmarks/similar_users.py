"""Similar users: a scan, our index, faiss and hnswlib on the same users, at equal recall and one thread each.

    python -m benchmarks.similar_users [--store DIR | --users N] [--out FILE]

Some users are held out and asked for, as somebody who posts a list would be; the others are indexed. Everybody who is
not exact is tuned until they find 0.99 of the nearest ten. They answer in turns, so that the ratios hold on a machine
that does other things too. faiss and hnswlib come with the extra ``bench``, and are left out without it.
"""

import argparse
import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.results import write_result
from models.bundle.reader import read_bundle
from models.scoring.user_index import UserIndex
from models.store import Store
from training.similar_users.index import build_user_index

Matrix = NDArray[np.float32]
Find = Callable[[Matrix], NDArray[np.integer]]

K: Final = 10
WANTED_RECALL: Final = 0.99
_ROUNDS: Final = 5


@dataclass(frozen=True)
class Contender:
    """Somebody who finds the nearest users of a vector.

    Attributes
    ----------
    name : str
    find : callable
        Gives the rows of the nearest ten.
    seconds : float
        CPU time to build it, of all threads.
    extra_bytes : int
        Held in memory beside the embeddings.
    recall : float or None
        Where it is known already.
    """

    name: str
    find: Find
    seconds: float = 0.0
    extra_bytes: int = 0
    recall: float | None = None


def main() -> None:
    """Compare, print a table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, help="store whose current bundle's users are compared")
    parser.add_argument("--users", type=int, default=50_000, help="made-up users, where no store is named")
    parser.add_argument("--queries", type=int, default=500, help="users to hold out and ask for")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    embeddings = _embeddings_of(options.store) if options.store else _made_up_users(options.users, rng)
    held_out = np.zeros(len(embeddings), dtype=bool)
    held_out[rng.choice(len(embeddings), options.queries, replace=False)] = True
    users, queries = embeddings[~held_out], embeddings[held_out]
    note = f"{len(users):,} users x {users.shape[1]}, {len(queries)} held out; nearest {K}, one thread"
    print(note)
    with threadpool_limits(1, "blas"):
        rows = compare(users, queries)
    for row in rows:
        print(
            f"{row['name']:<34} {row['ms']:8.3f} ms  {row['scan_over_this']:7.1f} x a scan's speed  "
            f"recall@{K} {row['recall']:.4f}  built in {row['build_cpu_s']:6.1f} s  +{row['extra_mb']:,.0f} MB"
        )
    if options.out:
        write_result(options.out, "similar_users", rows, note)


def compare(users: Matrix, queries: Matrix) -> list[dict[str, Any]]:
    """Let everybody answer the same queries in turns.

    Parameters
    ----------
    users : ndarray of shape (n_users, embedding_size), dtype=float32
        Unit rows, to be found.
    queries : ndarray of shape (n_queries, embedding_size), dtype=float32
        Unit rows.

    Returns
    -------
    list of dict
        One per contender, the scan first: name, ms, scan_over_this, recall, build_cpu_s, extra_mb.
    """
    truth = [set(np.argpartition(-(users @ query), K)[:K].tolist()) for query in queries]
    contenders = _contenders(users, queries, truth)
    rounds = [
        [_cpu_seconds(contender.find, part) / len(part) for contender in contenders]
        for part in np.array_split(queries, _ROUNDS)
    ]
    medians = np.median(rounds, axis=0)
    return [
        {
            "name": contender.name,
            "ms": 1000 * float(seconds),
            "scan_over_this": float(medians[0] / seconds),
            "recall": contender.recall or _recall(contender.find, queries, truth),
            "build_cpu_s": contender.seconds,
            "extra_mb": contender.extra_bytes / 1e6,
        }
        for contender, seconds in zip(contenders, medians, strict=True)
    ]


def _contenders(users: Matrix, queries: Matrix, truth: list[set[int]]) -> list[Contender]:
    index, recall, seconds, extra_bytes = _our_index(users)
    found = [
        Contender("numpy, scan of all", lambda query: index.scan(query, K).rows),
        Contender("ours, somebody unseen", lambda query: index.search(query, K).rows, seconds, extra_bytes),
    ]
    faiss, hnswlib = _imported("faiss"), _imported("hnswlib")
    if faiss:
        found += _faiss_contenders(faiss, users, queries, truth, len(index.centroids))
    if hnswlib:
        found.append(_hnsw_contender(hnswlib, users, queries, truth))
    # Not the same question: who is in the model is looked up, whoever asks.
    known = iter(np.random.default_rng(1).integers(0, len(users), 1 << 20).tolist())

    def look_up(query: Matrix) -> NDArray[np.integer]:
        del query
        return index.ranked(next(known), K).rows

    return [*found, Contender("ours, somebody known", look_up, seconds, extra_bytes, recall)]


def _our_index(users: Matrix) -> tuple[UserIndex, float, float, int]:
    started = time.process_time()
    arrays, metrics = build_user_index(users)
    seconds = time.process_time() - started
    print(f"our index: {metrics}")
    index = UserIndex(
        users,
        arrays["user_centroids"],
        arrays["user_group_offsets"],
        arrays["grouped_user_rows"],
        arrays["nearest_user_rows"],
    )
    return index, metrics["recall_at_10"], seconds, sum(array.nbytes for array in arrays.values())


def _faiss_contenders(
    faiss: Any, users: Matrix, queries: Matrix, truth: list[set[int]], n_groups: int
) -> list[Contender]:
    faiss.omp_set_num_threads(1)
    size = users.shape[1]
    flat = faiss.IndexFlatIP(size)
    flat.add(users)
    started = time.process_time()
    inverted = faiss.IndexIVFFlat(faiss.IndexFlatIP(size), size, n_groups, faiss.METRIC_INNER_PRODUCT)
    inverted.train(users)
    inverted.add(users)
    seconds = time.process_time() - started

    def probe(query: Matrix) -> NDArray[np.integer]:
        rows: NDArray[np.integer] = inverted.search(query[None], K)[1][0]
        return rows

    inverted.nprobe = 1
    while _recall(probe, queries, truth) < WANTED_RECALL and inverted.nprobe < n_groups:
        inverted.nprobe = min(inverted.nprobe + max(1, inverted.nprobe // 4), n_groups)
    return [
        Contender("faiss IndexFlatIP", lambda query: flat.search(query[None], K)[1][0], 0.0, users.nbytes),
        Contender(f"faiss IndexIVFFlat, nprobe {inverted.nprobe}", probe, seconds, users.nbytes),
    ]


def _hnsw_contender(hnswlib: Any, users: Matrix, queries: Matrix, truth: list[set[int]]) -> Contender:
    n_links = 16
    graph = hnswlib.Index(space="ip", dim=users.shape[1])
    graph.init_index(max_elements=len(users), M=n_links, ef_construction=200, random_seed=0)
    started = time.process_time()
    graph.add_items(users, num_threads=2)
    seconds = time.process_time() - started
    graph.set_num_threads(1)

    def walk(query: Matrix) -> NDArray[np.integer]:
        rows: NDArray[np.integer] = graph.knn_query(query, K)[0][0]
        return rows

    breadth = K
    graph.set_ef(breadth)
    while _recall(walk, queries, truth) < WANTED_RECALL and breadth < len(users):
        breadth += max(1, breadth // 4)
        graph.set_ef(breadth)
    n_bytes = users.nbytes + len(users) * (2 * n_links + 1) * 4
    return Contender(f"hnswlib, M {n_links}, ef {breadth}", walk, seconds, n_bytes)


def _cpu_seconds(find: Find, queries: Matrix) -> float:
    started = time.process_time()
    for query in queries:
        find(query)
    return time.process_time() - started


def _recall(find: Find, queries: Matrix, truth: list[set[int]]) -> float:
    n_found = [len(rows.intersection(find(query).tolist())) for query, rows in zip(queries, truth, strict=True)]
    return float(np.mean(n_found)) / K


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name} is not installed and left out; the extra `bench` brings it")
        return None


def _embeddings_of(store: Path) -> Matrix:
    return np.array(read_bundle(Store(store).current_folder()).user_embeddings)


def _made_up_users(n_users: int, rng: np.random.Generator, size: int = 128, n_tastes: int = 400) -> Matrix:
    """Make users who mix a few of many tastes: vectors without any structure would make every index look bad."""
    tastes = rng.normal(size=(n_tastes, size)).astype(np.float32)
    rows = 0.4 * rng.normal(size=(n_users, size)).astype(np.float32)
    for weight in (1.0, 0.6, 0.4):
        rows += weight * tastes[(n_tastes * rng.random(n_users) ** 2).astype(np.int64)]
    unit: Matrix = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


if __name__ == "__main__":
    main()
