"""``python -m benchmarks.similar_users [--store DIR | --users N]``: nearest users, beside an exact scan of all.

Some users are held out and searched for, as unseen users; the others are indexed. All ways answer in turns on one
thread, so that the ratios hold on a machine that does other things too.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.serving import current_bundle
from benchmarks.tables import Row, write_table
from models.bundle.inverted_file import InvertedFile
from models.scoring.user_index import UserIndex
from training.similar_users.index import build_user_index

Matrix = NDArray[np.float32]
Find = Callable[[Matrix], NDArray[np.integer]]

K: Final = 10
_ROUNDS: Final = 5


def compare(users: Matrix, queries: Matrix) -> list[Row]:
    """Answer the same queries in turns by every way; return a row per way, the scan first.

    All embeddings are unit rows: those of the users to be found, and those to find them for.
    """
    started = time.process_time()
    arrays, metrics = build_user_index(users)
    build_cpu_s = time.process_time() - started
    content, nearest = arrays["user_index"], arrays["nearest_user_rows"]
    index = UserIndex(users, nearest, InvertedFile(content) if len(content) else None)
    # Known users are looked up by their row, whatever the query.
    known = iter(np.random.default_rng(1).integers(0, len(users), 1 << 20).tolist())
    ways: dict[str, Find] = {
        "numpy, scan of all": lambda query: index.scan(query, K).rows,
        "search, unseen user": lambda query: index.search(query, K).rows,
        "look-up, known user": lambda _: index.ranked(next(known), K).rows,
    }
    with threadpool_limits(1, "blas"):
        rounds = [[_cpu_s(find, part) for find in ways.values()] for part in np.array_split(queries, _ROUNDS)]
        found = [np.intersect1d(index.search(query, K).rows, index.scan(query, K).rows) for query in queries]
    seconds = np.median(rounds, axis=0)
    recalls = [1.0, float(np.mean([len(rows) for rows in found])) / K, metrics["recall_at_10"]]
    return [
        {
            "name": name,
            "ms": round(1000 * seconds[way], 4),
            "scan_over_this": round(seconds[0] / seconds[way], 1),
            "recall": round(recalls[way], 4),
            "build_cpu_s": round(build_cpu_s, 1) if way else 0.0,
            "extra_mb": round((0, content.nbytes, nearest.nbytes)[way] / 1e6, 1),
        }
        for way, name in enumerate(ways)
    ]


def _cpu_s(find: Find, queries: Matrix) -> float:
    """Return the seconds of a query."""
    started = time.process_time()
    for query in queries:
        find(query)
    return (time.process_time() - started) / len(queries)


def _simulated_users(n_users: int, rng: np.random.Generator, size: int = 128, n_tastes: int = 400) -> Matrix:
    """Mix a few of many tastes into every user: vectors without structure would make every index look bad."""
    tastes = rng.normal(size=(n_tastes, size)).astype(np.float32)
    rows = 0.4 * rng.standard_normal(size=(n_users, size), dtype=np.float32)
    for weight in (1.0, 0.6, 0.4):
        rows += weight * tastes[(n_tastes * rng.random(n_users) ** 2).astype(np.int64)]
    unit: Matrix = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.similar_users", description=__doc__)
    parser.add_argument("--store", type=Path, help="Store whose users are compared.")
    parser.add_argument("--users", type=int, default=70_000, help="Simulated users, where no store is named.")
    parser.add_argument("--queries", type=int, default=500, help="Users to hold out. [default: %(default)s]")
    parser.add_argument("--out", type=Path, help="JSON file for the table.")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    if options.store:
        embeddings = np.array(current_bundle(options.store).user_embeddings)
    else:
        embeddings = _simulated_users(options.users, rng)
    queries, users = np.split(rng.permutation(embeddings), [options.queries])
    note = f"{len(users):,} users x {users.shape[1]}, {len(queries)} held out; nearest {K}, one thread"
    write_table("similar_users", compare(users, queries), note, options.out)


if __name__ == "__main__":
    main()
