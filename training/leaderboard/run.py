"""The benchmark command: prepare once, then every method in turn, in a process of its own."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from training.errors import InputError
from training.evaluation.evaluate import Measured, Questions, measure
from training.leaderboard.cold_start import measure_cold_start
from training.leaderboard.isolated import IsolatedError, peak_memory_mb, run_isolated
from training.leaderboard.methods import METHODS, Method, load_material
from training.leaderboard.summary import Summary, summarise
from training.pipeline import run_prepare
from training.settings import RunSettings
from training.support.terminal import say


def choose_methods(names: Sequence[str], methods: Sequence[Method] = METHODS) -> list[Method]:
    """Pick methods by name, in the order of the leaderboard; all without names.

    Raises
    ------
    InputError
        If there is no method of such a name.
    """
    known = [method.name for method in methods]
    for name in names:
        if name not in known:
            raise InputError(f"--only {name!r}: expected one of {', '.join(repr(name) for name in known)}")
    return [method for method in methods if not names or method.name in names]


def run_benchmark(data: Path, work: Path, settings: RunSettings, methods: Sequence[Method] = METHODS) -> Summary:
    """Train and measure every method on the same split, users and queries, and summarise the results.

    A method that cannot run is left out, with the reason.

    Raises
    ------
    InputError
        If the dump cannot be used, or has no users to test with or to learn from.
    """
    # Models that methods share are of one benchmark only.
    shutil.rmtree(work / "trained", ignore_errors=True)
    run_prepare(data, work, settings)
    material = load_material(work, settings)
    if not len(material.split.test_user_rows) or not material.split.train.n_users:
        raise InputError(f"{data}: of {material.prepared.interactions.n_users} users none tests, or none trains")
    measured: dict[str, Measured] = {}
    left_out: dict[str, str] = {}
    for number, method in enumerate(methods, start=1):
        if not method.is_available:
            left_out[method.name] = f"needs {method.requires}: pip install 'osusume[benchmark]'"
            say(f"[{number}/{len(methods)}] {method.name}: left out, {left_out[method.name]}")
            continue
        say(f"[{number}/{len(methods)}] {method.name}")
        try:
            measured[method.name] = run_isolated(train_and_measure, method, work, settings)
        except IsolatedError as error:
            left_out[method.name] = f"failed: {error}"
            say(f"  failed: {error}")
        else:
            cost = "  trained in {training_s:.1f} s, measured in {scoring_s:.1f} s, peak {peak_memory_mb:,.0f} MB"
            say(cost.format(**measured[method.name].cost))
    return summarise(methods, measured, left_out, material)


def train_and_measure(method: Method, work: Path, settings: RunSettings) -> Measured:
    """Train a method and measure it, in the method's own process.

    The cost is in wall-clock seconds to train and to answer all questions, and the peak memory of the whole process,
    Python and the lists included.
    """
    material = load_material(work, settings)
    started = time.monotonic()
    scorer = method.build(material)
    trained = time.monotonic()
    measured = measure(scorer, Questions.of(material.split, material.measuring_queries))
    cold_start, untold = measure_cold_start(scorer, material.split) if measured.lists else ({}, {})
    cost = {
        "training_s": trained - started,
        "scoring_s": time.monotonic() - trained,
        "peak_memory_mb": peak_memory_mb(),
    }
    return replace(measured, cold_start=cold_start, untold=untold, cost=cost)
