"""Throughput and latency of every route beside a bare FastAPI route that returns the same bytes, alternating."""

import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.load import LoadResult, measure
from models.bundle import Bundle, read_bundle
from models.scoring.top_k import top_k_rows
from models.store import Store

N_QUERIES = 200


@dataclass(frozen=True)
class RouteResult:
    """A route beside the bare one.

    Attributes
    ----------
    name : str
    service, bare : LoadResult
        Medians over the rounds.
    ratio : float
        Throughput of the service over that of the bare route: the median of the rounds' ratios.
    """

    name: str
    service: LoadResult
    bare: LoadResult
    ratio: float


def run(store: Path, rounds: int = 5, seconds: float = 2.0, n_connections: int = 16) -> list[RouteResult]:
    """Measure the routes that matter.

    Parameters
    ----------
    store : Path
        Its current bundle is served.
    rounds : int, optional
        Service and bare route take turns this often.
    seconds : float, optional
        Length of a turn.
    n_connections : int, optional

    Returns
    -------
    list of RouteResult
    """
    bundle = read_bundle(Store(store).current_folder())
    routes, bodies = _paths(bundle), {"lists_of_1000": _list_body(bundle)}
    with tempfile.TemporaryDirectory() as folder, _serving("service", "--store", str(store)) as port:
        for name, paths in routes.items():
            # A request with a body is a POST.
            asked = urllib.request.Request(f"http://127.0.0.1:{port}{paths[0]}", bodies.get(name))
            asked.add_header("content-type", "application/json")
            with urllib.request.urlopen(asked) as answer:
                (Path(folder) / f"{name}.json").write_bytes(answer.read())
        with _serving("benchmarks.bare", folder) as bare_port:
            return [
                _compare(name, port, paths, bare_port, (rounds, seconds, n_connections), bodies.get(name))
                for name, paths in routes.items()
            ]


def _compare(
    name: str, port: int, paths: list[str], bare_port: int, plan: tuple[int, float, int], body: bytes | None
) -> RouteResult:
    rounds, seconds, n_connections = plan
    pairs = []
    for _ in range(rounds):
        service = measure(port, paths, n_connections, seconds, body)
        bare = measure(bare_port, [f"/{name}/1"], n_connections, seconds)
        pairs.append((service, bare))
    ratios = [service.requests_per_s / bare.requests_per_s for service, bare in pairs]
    return RouteResult(name, _median([p[0] for p in pairs]), _median([p[1] for p in pairs]), float(np.median(ratios)))


def _median(results: list[LoadResult]) -> LoadResult:
    return LoadResult(*np.median([(r.requests_per_s, r.p50_ms, r.p99_ms) for r in results], axis=0).tolist())


def _paths(bundle: Bundle) -> dict[str, list[str]]:
    anime = bundle.anime_ids[top_k_rows(bundle.popularity.astype(np.float32), N_QUERIES)]
    users = bundle.user_ids[np.linspace(0, bundle.n_users - 1, min(N_QUERIES, bundle.n_users)).astype(int)]
    return {
        "similar_anime": [f"/anime/{identity}/similar" for identity in anime],
        "similar_users": [f"/users/{identity}/similar" for identity in users],
        "recommendations": [f"/users/{identity}/recommendations" for identity in users],
        "lists_of_1000": ["/recommendations"],
    }


def _list_body(bundle: Bundle) -> bytes:
    """Write a long list as a client would."""
    rows = np.random.default_rng(0).permutation(bundle.n_anime)[:1000]
    entries = [
        {"anime_id": identity, "rating": identity % 11, "status": "completed"}
        for identity in bundle.anime_ids[rows].tolist()
    ]
    return json.dumps({"ratings": entries}).encode()


@contextlib.contextmanager
def _serving(module: str, *arguments: str) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = ["--port", str(port)] if module == "service" else [str(port)]
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments, *place], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port, "/health/ready" if module == "service" else "/openapi.json")
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int, path: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}").close()
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing answers on port {port}")
