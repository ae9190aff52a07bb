"""Throughput and latency of every route beside a bare FastAPI route that returns the same bytes, alternating."""

import contextlib
import itertools
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.http_cases import Case, make_cases
from benchmarks.load import LoadResult, get, measure
from benchmarks.serving import Server, cores, fetch, serving_bare, serving_store
from models.bundle.reader import Bundle, read_bundle
from models.store import Store
from service.api.params import RecommendationsQuery
from service.precompute.files import PrecomputedError, with_precomputed
from service.recommending.model import build_model

DEFAULT_MEMORY_MB: Final = 64
_N_SAMPLES: Final = 25


@dataclass(frozen=True)
class Plan:
    """How long to measure.

    Attributes
    ----------
    rounds : int
        The service and the bare route take turns this often.
    seconds : float
        Length of a turn.
    n_connections : int
    """

    rounds: int = 12
    seconds: float = 0.5
    n_connections: int = 16


@dataclass(frozen=True)
class Side:
    """One side of a comparison, over all turns: throughput, latencies, and time on the core per request."""

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float


@dataclass(frozen=True)
class RouteResult:
    """A route beside the bare one.

    Attributes
    ----------
    name : str
    answer_bytes : int
        Length of the answer that the bare route gives: the median of some of the service's.
    service, bare : Side
    ratio : float
        Throughput of the service over that of the bare route: the median of the rounds' ratios.
    cpu_ratio : float
        Time on the core that the bare route takes for a request, over the service's. On a machine that others use
        too this is the steadier of the two.
    """

    name: str
    answer_bytes: int
    service: Side
    bare: Side
    ratio: float
    cpu_ratio: float


def run(store: Path, plan: Plan | None = None, only: str = "") -> list[RouteResult]:
    """Measure the routes that matter, asked for the first time, and asked again.

    Parameters
    ----------
    store : Path
        Its current bundle is served.
    plan : Plan, optional
    only : str, optional
        Measure the cases whose name holds this.
    """
    bundle = read_bundle(Store(store).current_folder())
    cases = [case for case in make_cases(bundle, _answered(store, bundle)) if only in case.name]
    _, client = cores()
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, client)
    try:
        results: list[RouteResult] = []
        for again in (False, True):
            chosen = [case for case in cases if case.again is again]
            if chosen:
                results += _run_cases(store, chosen, DEFAULT_MEMORY_MB if again else 0, plan or Plan())
        return results
    finally:
        os.sched_setaffinity(0, before)


def _answered(store: Path, bundle: Bundle) -> NDArray[np.int64] | None:
    """Find the ids of users whose recommendations were precomputed, if the service would find them."""
    model = build_model(bundle)
    with contextlib.suppress(PrecomputedError):
        precomputed = with_precomputed(model, store).precomputed
        if precomputed.n_answers and precomputed.find(precomputed.user_rows()[0], RecommendationsQuery()):
            return bundle.user_ids[precomputed.user_rows()]
    return None


def describe(store: Path) -> str:
    """Say what was measured, in a line."""
    bundle: Bundle = read_bundle(Store(store).current_folder())
    return (
        f"{bundle.n_users:,} users x {bundle.n_anime:,} anime, {len(bundle.list_anime_rows):,} list entries, "
        f"{bundle.manifest.embedding_size} numbers per embedding"
    )


def _run_cases(store: Path, cases: list[Case], answer_memory_mb: int, plan: Plan) -> Iterator[RouteResult]:
    with (
        tempfile.TemporaryDirectory() as folder,
        serving_store(store, answer_memory_mb=answer_memory_mb) as service,
    ):
        for case in cases:
            (Path(folder) / f"{case.key}.json").write_bytes(_typical_answer(service, case))
        with serving_bare(Path(folder)) as bare:
            for case in cases:
                size = (Path(folder) / f"{case.key}.json").stat().st_size
                yield _compare(case, size, (service, bare), plan)


def _typical_answer(service: Server, case: Case) -> bytes:
    """Give the answer of median length among the last ones, which are hardly asked for again."""
    n_samples = min(_N_SAMPLES, len(case.paths))
    bodies: list[bytes | None] = [*case.bodies[-n_samples:]] or [None] * n_samples
    answers = [fetch(service.port, path, body) for path, body in zip(case.paths[-n_samples:], bodies, strict=True)]
    return sorted(answers, key=len)[n_samples // 2]


def _compare(case: Case, answer_bytes: int, servers: tuple[Server, Server], plan: Plan) -> RouteResult:
    if case.again:
        for path in case.paths:
            fetch(servers[0].port, path)
    requests = (case.requests(), itertools.cycle([get(f"/{case.key}/1")]))
    results: tuple[list[LoadResult], list[LoadResult]] = ([], [])
    cpu_s = [0.0, 0.0]
    for _ in range(plan.rounds):
        for place, server in enumerate(servers):
            before = server.cpu_s()
            results[place].append(measure(server.port, requests[place], plan.n_connections, plan.seconds))
            cpu_s[place] += server.cpu_s() - before
    ratios = [ours.requests_per_s / theirs.requests_per_s for ours, theirs in zip(*results, strict=True)]
    service, bare = (_sum_up(side, spent) for side, spent in zip(results, cpu_s, strict=True))
    return RouteResult(case.name, answer_bytes, service, bare, float(np.median(ratios)), bare.cpu_us / service.cpu_us)


def _sum_up(results: list[LoadResult], cpu_s: float) -> Side:
    latencies = np.concatenate([result.latencies_ms for result in results])
    p50, p99 = np.percentile(latencies, (50, 99))
    rate = float(np.median([result.requests_per_s for result in results]))
    return Side(rate, float(p50), float(p99), cpu_s / len(latencies) * 1e6)
