"""``python -m benchmarks.routes [--store DIR] [--out FILE]``: the service's routes beside bare ones, in turns."""

import itertools
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from benchmarks.load import LoadResult, ask, get, measure, post
from benchmarks.serving import (
    CLIENT_CORES,
    CORES,
    Server,
    current_bundle,
    describe,
    serving_bare,
    serving_store,
    store_parser,
)
from benchmarks.tables import Row, write_table
from models.bundle.reader import Bundle
from models.scoring.user_list import list_of_user
from service.precompute.answers import PrecomputedAnswers
from service.precompute.files import with_precomputed
from service.recommending.model import build_model

_MEMORY_MB: Final = 64
_N_SAMPLES: Final = 25
# Far more than one run asks: with the answer memory off, hardly anything is asked twice.
_N_REQUESTS: Final = 50_000
# What "asked again" draws from: fits into the answer memory.
_WORKING_SET: Final = 1_000
_N_LISTS: Final = 500
_METHODS: Final = ("items", "embedding", "neighbours", "neighbours&rule=top-quarter")
_ASKED_AGAIN: Final = ("similar anime", "similar users", "recommendations")


@dataclass(frozen=True)
class Case:
    """A kind of request; asked again, it is answered from memory."""

    name: str
    requests: list[bytes]
    again: bool = False


@dataclass(frozen=True)
class Plan:
    """How long to measure: the service and the bare route take ``rounds`` turns of some seconds each."""

    rounds: int = 12
    seconds: float = 0.5
    n_connections: int = 16


def make_cases(bundle: Bundle, precomputed: NDArray[Any], seed: int = 0) -> list[Case]:
    """Make every case, with users and anime from all over the model in a random order.

    ``precomputed`` are the ids of users whose recommendations were precomputed.
    """
    rng = np.random.default_rng(seed)

    def case(name: str, ids: NDArray[Any], path: str) -> Case:
        drawn = np.resize(rng.permutation(ids), _N_REQUESTS if len(ids) else 0)
        return Case(name, [get(path % quote(str(identity), safe="")) for identity in drawn.tolist()])

    users = bundle.user_ids[np.diff(bundle.list_offsets) > 0]
    anime, adult = bundle.anime_ids[~bundle.adult], bundle.anime_ids[bundle.adult]
    genre = bundle.genre_names[int(np.argmax(bundle.anime_genres.sum(axis=0)))]
    filters = f"genre={genre}&year_from=2000".replace(" ", "%%20")
    # The default method by its name: so spelled, no answer was precomputed.
    default = bundle.manifest.default_methods.recommendations
    cases = [
        case("similar anime", anime, "/anime/%s/similar"),
        case(f"similar anime, {genre} from 2000 on", anime, f"/anime/%s/similar?{filters}"),
        # What is similar to them is adult too and left out by default, so the whole catalogue has to be ranked.
        case("similar anime of adult titles", adult, "/anime/%s/similar"),
        case("similar users", users, "/users/%s/similar"),
        case("recommendations", users, f"/users/%s/recommendations?method={default}"),
        case("recommendations, precomputed", precomputed, "/users/%s/recommendations"),
    ]
    for method in _METHODS:
        if method != default and (method != "items" or bundle.item_weight_rows.shape[1]):
            name = f"recommendations, {method.replace('&rule=', ', ')}"
            path = f"/users/%s/recommendations?method={method}"
            cases.append(case(name, users, path))
    cases.append(Case("POST recommendations", _posted_lists(bundle, rng)))
    again = [
        Case(f"{case.name}, asked again", case.requests[:_WORKING_SET], again=True)
        for case in cases
        if case.name in _ASKED_AGAIN
    ]
    return [case for case in [*cases, *again] if case.requests]


def _posted_lists(bundle: Bundle, rng: np.random.Generator) -> list[bytes]:
    """Post the lists of known users."""
    requests = []
    for row in rng.choice(np.flatnonzero(np.diff(bundle.list_offsets) > 0), size=_N_LISTS).tolist():
        listed = list_of_user(bundle, row)
        pairs = zip(bundle.anime_ids[listed.anime_rows].tolist(), listed.ratings.tolist(), strict=True)
        entries = [{"anime_id": identity, "rating": rating or None} for identity, rating in pairs]
        requests.append(post("/recommendations", json.dumps({"ratings": entries[:1000]}).encode()))
    return requests


def run(store: Path, plan: Plan, only: str = "") -> list[Row]:
    """Measure the cases whose name holds ``only``: with the answer memory off, then those asked again."""
    bundle = current_bundle(store)
    answers = with_precomputed(build_model(bundle), store).precomputed
    users = bundle.user_ids[answers.user_rows() if isinstance(answers, PrecomputedAnswers) else []]
    cases = [case for case in make_cases(bundle, users) if only in case.name]
    rows: list[Row] = []
    for again in (False, True):
        if chosen := [case for case in cases if case.again is again]:
            with serving_store(store, answer_memory_mb=_MEMORY_MB if again else 0) as service:
                rows += [_compare(case, service, plan) for case in chosen]
    return rows


def _compare(case: Case, service: Server, plan: Plan) -> Row:
    if case.again:
        for request in case.requests:
            ask(service.port, request)
    # Of median length; the last requests are hardly asked again.
    answer = sorted((ask(service.port, request) for request in case.requests[-_N_SAMPLES:]), key=len)[_N_SAMPLES // 2]
    results: tuple[list[LoadResult], list[LoadResult]] = ([], [])
    cpu_s = [0.0, 0.0]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answer.json"
        file.write_bytes(answer)
        with serving_bare(file) as bare:
            sides = [(server, itertools.cycle(case.requests)) for server in (service, bare)]
            for _ in range(plan.rounds):
                for place, (server, requests) in enumerate(sides):
                    before = server.cpu_s()
                    results[place].append(measure(server.port, requests, plan.n_connections, plan.seconds))
                    cpu_s[place] += server.cpu_s() - before
    return as_row(case.name, len(answer), results, cpu_s)


def as_row(name: str, n_bytes: int, results: tuple[list[LoadResult], list[LoadResult]], cpu_s: list[float]) -> Row:
    """Turn what was measured of a route, of the service and of the bare one, by round, into a row.

    ``n_bytes`` is the length of the answer, ``cpu_s`` are seconds on the core of each: their ratio is the steadier
    one on a machine that others use too.
    """
    rates = np.array([[result.requests_per_s for result in side] for side in results])
    latencies = [np.concatenate([result.latencies_ms for result in side]) for side in results]
    (p50, p99), (_, bare_p99) = (np.percentile(side, (50, 99)).tolist() for side in latencies)
    cpu_us, bare_cpu_us = (1e6 * spent / len(side) for spent, side in zip(cpu_s, latencies, strict=True))
    rate, bare_rate = np.median(rates, axis=1).tolist()
    return {
        "route": name,
        "kB": round(n_bytes / 1000, 1),
        "requests/s": round(rate),
        "p50 ms": round(p50, 1),
        "p99 ms": round(p99, 1),
        "CPU us": round(cpu_us),
        "bare requests/s": round(bare_rate),
        "bare p99 ms": round(bare_p99, 1),
        "bare CPU us": round(bare_cpu_us),
        "ratio": round(float(np.median(rates[0] / rates[1])), 2),
        "CPU ratio": round(bare_cpu_us / cpu_us, 2),
    }


def main() -> None:
    """Measure and print."""
    parser = store_parser("routes", __doc__)
    parser.add_argument("--rounds", type=int, default=12, help="Turns of each side. [default: %(default)s]")
    parser.add_argument("--seconds", type=float, default=0.5, help="Length of a turn. [default: %(default)s]")
    parser.add_argument("--only", default="", help="Measure the cases whose name holds this.")
    options = parser.parse_args()
    plan = Plan(options.rounds, options.seconds)
    os.sched_setaffinity(0, CLIENT_CORES)
    rows = run(options.store, plan, options.only)
    os.sched_setaffinity(0, CORES)
    note = (
        f"{describe(options.store)}. One worker on one core, {plan.n_connections} connections from another, in turns."
    )
    write_table("routes", rows, note, options.out)


if __name__ == "__main__":
    main()
