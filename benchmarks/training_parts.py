"""``python -m benchmarks.training_parts --work DIR``: what learning is made of, beside what the machine allows.

Each part of the train stage that grows with the dump is run alone on a prepared dump. The least it could take is its
arithmetic at the speed of a large matrix product, or its bytes at the speed of a copy, whichever is more.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from benchmarks.results import Row, show
from training.item_weights.co_counts import co_counts
from training.item_weights.fit import fit_on_support, invert_popular, propose_support
from training.lists.prepared import load_prepared
from training.lists.split import split_interactions
from training.settings import RunSettings
from training.similar_users.embed import embed_users

_PRODUCT: Final = 4096
_COPIED_BYTES: Final = 1 << 30
_LINE_BYTES: Final = 64

T = TypeVar("T")


class Parts:
    """Times parts of the work, and keeps a row of each."""

    def __init__(self) -> None:
        self.flops_per_s, self.bytes_per_s = _speed_of_products(), _speed_of_copies()
        self.rows: list[Row] = []

    def run(self, name: str, work: Callable[[], T], *, flops: float = 0.0, moved: float = 0.0) -> T:
        """Do a part; give what it gives.

        It cannot do without ``flops`` additions and multiplications, nor without reading or writing ``moved`` bytes.
        """
        started = time.perf_counter()
        done = work()
        seconds = time.perf_counter() - started
        least = max(flops / self.flops_per_s, moved / self.bytes_per_s)
        self.rows.append(
            {
                "part": name,
                "seconds": round(seconds, 1),
                "billion operations": round(flops / 1e9),
                "GB moved": round(moved / 1e9, 1),
                "least seconds": round(least, 1),
                "limit": "arithmetic" if flops / self.flops_per_s >= moved / self.bytes_per_s else "bandwidth",
                "times the least": round(seconds / least, 1) if least else None,
            }
        )
        return done


def measure(work: Path) -> tuple[list[Row], str]:
    """Run every part on a prepared dump; give rows, and what the machine reaches."""
    parts, settings = Parts(), RunSettings()
    lists = load_prepared(work / "prepared").interactions
    n_bytes = len(lists.anime_rows) * 6.0
    train = parts.run("split off the users who test", lambda: split_interactions(lists).train, moved=2 * n_bytes)
    seen = train.count_by_user(train.seen).astype(np.float64)
    n_anime, n_pairs = train.n_anime, float((seen * (seen + 1) / 2).sum())
    # Additions of bytes, 32 of which are one operation of what adds 8 floats at once.
    counts = parts.run(
        "count pairs of anime", lambda: co_counts(train), flops=n_pairs / 4, moved=n_bytes + 12.0 * n_anime**2
    )
    items = settings.items
    n_dense = min(items.n_dense, n_anime)
    dense = parts.run("invert those of most lists", lambda: invert_popular(counts, items), flops=2.0 * n_dense**3)
    rows = parts.run("propose who speaks", lambda: propose_support(counts, dense, items), moved=4.0 * n_anime**2)
    k = rows.shape[1]
    parts.run(
        f"fit {k} weights per anime",
        lambda: fit_on_support(counts, rows, items.dropout, items.l2),
        # A Cholesky factor, of which the multiplications and the additions each are a sixth of the cube.
        flops=n_anime * k**3 / 3,
        # Half of a symmetric system, each number on a line of the cache of its own.
        moved=n_anime * k**2 / 2 * _LINE_BYTES,
    )
    size = settings.autoencoder.embedding_size
    columns = np.random.default_rng(0).normal(size=(n_anime, size)).astype(np.float32)
    parts.run(
        "embed all who train",
        lambda: embed_users(columns, train),
        flops=2.0 * seen.sum() * size,
        moved=4.0 * seen.sum() + 4.0 * train.n_users * size,
    )
    note = (
        f"{len(lists.anime_rows):,} rows, {lists.n_users:,} users, {n_anime:,} anime. A product of two matrices of "
        f"{_PRODUCT} x {_PRODUCT} reaches {parts.flops_per_s / 1e9:.0f} billion operations a second, a copy "
        f"{parts.bytes_per_s / 1e9:.0f} GB read or written a second."
    )
    return parts.rows, note


def _speed_of_products() -> float:
    matrix: Any = np.ones((_PRODUCT, _PRODUCT), dtype=np.float32)
    return 2.0 * _PRODUCT**3 / _least_seconds(lambda: matrix @ matrix)


def _speed_of_copies() -> float:
    source = np.ones(_COPIED_BYTES, dtype=np.uint8)
    target = np.empty_like(source)
    return 2.0 * _COPIED_BYTES / _least_seconds(lambda: np.copyto(target, source))


def _least_seconds(work: Callable[[], object], times: int = 5) -> float:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return min(taken)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training_parts", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="Work folder of a run.")
    parser.add_argument("--out", type=Path, help="Write the table there too, as JSON.")
    options = parser.parse_args()
    rows, note = measure(options.work)
    show("training_parts", rows, note, options.out)


if __name__ == "__main__":
    main()
