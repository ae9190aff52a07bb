"""``python -m benchmarks.routes [--store DIR] [--out FILE]``: the service's routes beside bare ones, in turns."""

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.http_cases import Case, make_cases
from benchmarks.load import LoadResult, measure
from benchmarks.results import Row, show
from benchmarks.serving import Server, cores, describe, fetch, serving_bare, serving_store
from models.bundle.reader import Bundle, read_bundle
from models.errors import BundleError
from models.store import Store
from service.api.params import RecommendationsQuery
from service.precompute.answers import PrecomputedAnswers
from service.precompute.files import PrecomputedError, with_precomputed
from service.recommending.model import build_model

_MEMORY_MB: Final = 64
_N_SAMPLES: Final = 25


@dataclass(frozen=True)
class Plan:
    """How long to measure: the service and the bare route take ``rounds`` turns of some seconds each."""

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


def run(store: Path, plan: Plan | None = None, only: str = "") -> list[Row]:
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
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores()[1])
    try:
        rows: list[Row] = []
        for again in (False, True):
            chosen = [case for case in cases if case.again is again]
            if chosen:
                with serving_store(store, answer_memory_mb=_MEMORY_MB if again else 0) as service:
                    rows += [_compare(case, service, plan or Plan()) for case in chosen]
        return rows
    finally:
        os.sched_setaffinity(0, before)


def as_row(name: str, answer: bytes, service: Side, bare: Side, ratio: float) -> Row:
    """Turn what was measured of a route into a row.

    Parameters
    ----------
    name : str
    answer : bytes
        What the bare route gives: of median length among some of the service's.
    service, bare : Side
    ratio : float
        Throughput of the service over that of the bare route: the median of the rounds' ratios. That of the time on
        the core is the steadier one on a machine that others use too.
    """
    return {
        "route": name,
        "kB": round(len(answer) / 1000, 1),
        "requests/s": round(service.requests_per_s),
        "p50 ms": round(service.p50_ms, 1),
        "p99 ms": round(service.p99_ms, 1),
        "CPU us": round(service.cpu_us),
        "bare requests/s": round(bare.requests_per_s),
        "bare p99 ms": round(bare.p99_ms, 1),
        "bare CPU us": round(bare.cpu_us),
        "ratio": round(ratio, 2),
        "CPU ratio": round(bare.cpu_us / service.cpu_us, 2),
    }


def _answered(store: Path, bundle: Bundle) -> NDArray[np.int64] | None:
    """Find the ids of users whose recommendations were precomputed, if the service would find them."""
    with contextlib.suppress(PrecomputedError):
        precomputed = with_precomputed(build_model(bundle), store).precomputed
        if isinstance(precomputed, PrecomputedAnswers):
            rows = precomputed.user_rows()
            return bundle.user_ids[rows] if precomputed.find(rows[0], RecommendationsQuery()) else None
    return None


def _typical_answer(service: Server, case: Case) -> bytes:
    """Give the answer of median length among the last ones, which are hardly asked for again."""
    n_samples = min(_N_SAMPLES, len(case.paths))
    bodies: list[bytes | None] = [*case.bodies[-n_samples:]] or [None] * n_samples
    answers = [fetch(service.port, path, body) for path, body in zip(case.paths[-n_samples:], bodies, strict=True)]
    return sorted(answers, key=len)[n_samples // 2]


@contextlib.contextmanager
def _bare_server(answer: bytes) -> Iterator[Server]:
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(answer)
        with serving_bare(Path(file.name)) as bare:
            yield bare


def _compare(case: Case, service: Server, plan: Plan) -> Row:
    if case.again:
        for path in case.paths:
            fetch(service.port, path)
    answer = _typical_answer(service, case)
    requests = (case.requests(), case.requests())
    results: tuple[list[LoadResult], list[LoadResult]] = ([], [])
    cpu_s = [0.0, 0.0]
    with _bare_server(answer) as bare:
        for _ in range(plan.rounds):
            for place, server in enumerate((service, bare)):
                before = server.cpu_s()
                results[place].append(measure(server.port, requests[place], plan.n_connections, plan.seconds))
                cpu_s[place] += server.cpu_s() - before
    ratios = [ours.requests_per_s / theirs.requests_per_s for ours, theirs in zip(*results, strict=True)]
    ours, theirs = (_sum_up(side, spent) for side, spent in zip(results, cpu_s, strict=True))
    return as_row(case.name, answer, ours, theirs, float(np.median(ratios)))


def _sum_up(results: list[LoadResult], cpu_s: float) -> Side:
    latencies = np.concatenate([result.latencies_ms for result in results])
    p50, p99 = np.percentile(latencies, (50, 99))
    rate = float(np.median([result.requests_per_s for result in results]))
    return Side(rate, float(p50), float(p99), cpu_s / len(latencies) * 1e6)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.routes", description=__doc__)
    parser.add_argument("--store", type=Path, default=Path("models/store"), help="Folder of published bundles.")
    parser.add_argument("--out", type=Path, help="Write the table there too, as JSON.")
    parser.add_argument("--rounds", type=int, default=12, help="Turns that the service and the bare route take.")
    parser.add_argument("--seconds", type=float, default=0.5, help="Length of a turn.")
    parser.add_argument("--only", default="", help="Measure the cases whose name holds this.")
    options = parser.parse_args()
    plan = Plan(options.rounds, options.seconds)
    try:
        title = describe(options.store)
        rows = run(options.store, plan, options.only)
    except BundleError as error:
        sys.exit(f"error: {error}")
    note = f"{title}. One worker on one core, {plan.n_connections} connections from another, in turns."
    show("routes", rows, note, options.out)


if __name__ == "__main__":
    main()
