"""``python -m benchmarks.swap --store DIR``: what a swap of models costs those who ask meanwhile, and in memory.

Similar anime, nothing remembered, 16 connections. "During" is from the moment another bundle is current until the
memory of the old model was given back.
"""

import itertools
import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.load import ask, get, measure
from benchmarks.serving import Server, current_bundle, describe, serving_store, store_parser
from benchmarks.start import private_mb
from benchmarks.tables import Row, write_table
from models.bundle.layout import MANIFEST_FILE, MANIFEST_SUM_FILE
from models.bundle.reader import manifest_sum_line
from models.store import Store

_N_CONNECTIONS: Final = 16
_SLICE_S: Final = 0.5
_N_SLICES_BEFORE: Final = 10
# What follows the swap itself: last answers of the old model, and its memory.
_N_SLICES_AFTER: Final = 4
_SAMPLE_S: Final = 0.02


def measure_swaps(store: Path, n_swaps: int) -> Row:
    """Swap between two bundles of the same content; return a row of the table."""
    with tempfile.TemporaryDirectory(dir=store.parent, prefix=".swap-") as name:
        copy = Store(Path(name))
        versions = itertools.cycle(_link_twice(store, copy))
        copy.pin(next(versions))
        ids = current_bundle(store).anime_ids.tolist()
        requests = (get(f"/anime/{anime_id}/similar") for anime_id in itertools.cycle(ids))
        with serving_store(copy.root, answer_memory_mb=0, pinned=False) as server, _PrivateMemory(server) as peak_mb:
            before = np.concatenate([_slice(server, requests) for _ in range(_N_SLICES_BEFORE)])
            own_mb = private_mb(server.process_id)
            during = [_swap(server, requests, copy, next(versions)) for _ in range(n_swaps)]
            peak = peak_mb()
    p99_before, p99_during = np.percentile(before, 99), np.percentile(np.concatenate(during), 99)
    return {
        "swaps": n_swaps,
        "p99 before, ms": round(p99_before, 2),
        "p99 during, ms": round(p99_during, 2),
        "ratio": round(p99_during / p99_before, 2),
        "slowest during, ms": round(max(map(np.max, during)), 1),
        "private MB": round(own_mb),
        "at most": round(peak),
        "times": round(peak / own_mb, 2),
    }


def _swap(server: Server, requests: Iterator[bytes], store: Store, version: str) -> NDArray[np.float64]:
    store.pin(version)
    slices = []
    while _version(server) != version:
        slices.append(_slice(server, requests))
    slices += [_slice(server, requests) for _ in range(_N_SLICES_AFTER)]
    return np.concatenate(slices)


def _slice(server: Server, requests: Iterator[bytes]) -> NDArray[np.float64]:
    return measure(server.port, requests, _N_CONNECTIONS, _SLICE_S).latencies_ms


def _version(server: Server) -> Any:
    return json.loads(ask(server.port, get("/health/ready")))["model_version"]


class _PrivateMemory:
    """Samples the private memory of a process while the block runs; gives a function that returns the most so far."""

    def __init__(self, server: Server) -> None:
        self._server, self._most, self._ended = server, 0.0, threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> Callable[[], float]:
        self._thread.start()
        return lambda: self._most

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._ended.wait(_SAMPLE_S):
            self._most = max(self._most, private_mb(self._server.process_id))


def _link_twice(store: Path, copy: Store) -> list[str]:
    """Publish the current bundle under two versions, without copying its arrays."""
    folder = Store(store).current_folder()
    for number in (1, 2):
        version = f"2026010{number}T000000Z-swap-0000000{number}"
        (copy.root / version).mkdir()
        for path in folder.iterdir():
            os.link(path, copy.root / version / path.name)
        manifest = json.loads((folder / MANIFEST_FILE).read_bytes()) | {"model_version": version}
        content = json.dumps(manifest).encode()
        for name, content_of in ((MANIFEST_FILE, content), (MANIFEST_SUM_FILE, manifest_sum_line(content))):
            (copy.root / version / name).unlink()
            (copy.root / version / name).write_bytes(content_of)
    return copy.versions()


def main() -> None:
    """Measure, and print a table."""
    parser = store_parser("swap", __doc__)
    parser.add_argument("--swaps", type=int, default=5, help="Swaps. [default: %(default)s]")
    options = parser.parse_args()
    write_table("swap", [measure_swaps(options.store, options.swaps)], describe(options.store), options.out)


if __name__ == "__main__":
    main()
