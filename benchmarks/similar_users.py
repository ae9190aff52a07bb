"""Similar users: a scan of all, the search that is served, and the look-up of a known user, one thread each.

    python -m benchmarks.similar_users [--store DIR | --users N] [--out FILE]

Some users are held out and asked for, as somebody who posts a list would be; the others are indexed. All answer in
turns, so that the ratios hold on a machine that does other things too.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.results import write_result
from models.bundle.inverted_file import InvertedFile
from models.bundle.reader import read_bundle
from models.scoring.user_index import UserIndex
from models.store import Store
from training.similar_users.index import build_user_index

Matrix = NDArray[np.float32]
Find = Callable[[Matrix], NDArray[np.integer]]

K: Final = 10
_ROUNDS: Final = 5


def main() -> None:
    """Compare, print a table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, help="store whose current bundle's users are compared")
    parser.add_argument("--users", type=int, default=70_000, help="made-up users, where no store is named")
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
    rows = compare(users, queries)
    for row in rows:
        print(
            f"{row['name']:<24} {row['ms']:8.3f} ms  {row['scan_over_this']:7.1f} x a scan's speed  "
            f"recall@{K} {row['recall']:.4f}  built in {row['build_cpu_s']:6.1f} s  +{row['extra_mb']:,.0f} MB"
        )
    if options.out:
        write_result(options.out, "similar_users", rows, note)


def compare(users: Matrix, queries: Matrix) -> list[dict[str, Any]]:
    """Answer the same queries in turns by every way.

    Parameters
    ----------
    users : ndarray of shape (n_users, embedding_size), dtype=float32
        Unit rows, to be found.
    queries : ndarray of shape (n_queries, embedding_size), dtype=float32
        Unit rows.

    Returns
    -------
    list of dict
        One per way, the scan first: name, ms, scan_over_this, recall, build_cpu_s, extra_mb.
    """
    started = time.process_time()
    arrays, metrics = build_user_index(users)
    seconds = time.process_time() - started
    print(f"index: {metrics}")
    content, nearest = arrays["user_index"], arrays["nearest_user_rows"]
    index = UserIndex(users, nearest, InvertedFile(content) if len(content) else None)
    # Not the same question: who is in the model is looked up, whoever asks.
    known = iter(np.random.default_rng(1).integers(0, len(users), 1 << 20).tolist())
    ways: dict[str, Find] = {
        "numpy, scan of all": lambda query: index.scan(query, K).rows,
        "search, unseen user": lambda query: index.search(query, K).rows,
        "look-up, known user": lambda _: index.ranked(next(known), K).rows,
    }
    with threadpool_limits(1, "blas"):
        rounds = [
            [_cpu_seconds(find, part) / len(part) for find in ways.values()]
            for part in np.array_split(queries, _ROUNDS)
        ]
        recalls = [1.0, _recall(index, queries), metrics["recall_at_10"]]
    medians = np.median(rounds, axis=0)
    return [
        {
            "name": name,
            "ms": 1000 * float(median),
            "scan_over_this": float(medians[0] / median),
            "recall": recall,
            "build_cpu_s": seconds if extra_bytes else 0.0,
            "extra_mb": extra_bytes / 1e6,
        }
        for name, median, recall, extra_bytes in zip(
            ways, medians, recalls, [0, content.nbytes, nearest.nbytes], strict=True
        )
    ]


def _cpu_seconds(find: Find, queries: Matrix) -> float:
    started = time.process_time()
    for query in queries:
        find(query)
    return time.process_time() - started


def _recall(index: UserIndex, queries: Matrix) -> float:
    found = [set(index.search(query, K).rows) & set(index.scan(query, K).rows) for query in queries]
    return float(np.mean([len(rows) for rows in found])) / K


def _embeddings_of(store: Path) -> Matrix:
    return np.array(read_bundle(Store(store).current_folder()).user_embeddings)


def _made_up_users(n_users: int, rng: np.random.Generator, size: int = 128, n_tastes: int = 400) -> Matrix:
    """Make users who mix a few of many tastes: vectors without any structure would make every index look bad."""
    tastes = rng.normal(size=(n_tastes, size)).astype(np.float32)
    rows = 0.4 * rng.standard_normal(size=(n_users, size), dtype=np.float32)
    for weight in (1.0, 0.6, 0.4):
        rows += weight * tastes[(n_tastes * rng.random(n_users) ** 2).astype(np.int64)]
    unit: Matrix = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


if __name__ == "__main__":
    main()
