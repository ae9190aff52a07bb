"""The benchmark command: prepare once, then every method in turn."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from training.errors import InputError
from training.evaluation.evaluate import Measured
from training.leaderboard.isolated import IsolatedError, run_isolated
from training.leaderboard.material import load_material
from training.leaderboard.measure import train_and_measure
from training.leaderboard.methods import METHODS, Method
from training.leaderboard.summary import Summary, summarise
from training.pipeline import run_prepare
from training.settings import RunSettings
from training.support.terminal import say


def choose_methods(names: Sequence[str], methods: Sequence[Method] = METHODS) -> list[Method]:
    """Pick the methods to measure.

    Parameters
    ----------
    names : sequence of str
        None of them: all methods.
    methods : sequence of Method, optional
        What there is.

    Returns
    -------
    list of Method
        In the order of the leaderboard's table of methods.

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
    """Train and measure every method on the same split, users and queries, one after the other.

    Parameters
    ----------
    data : Path
        Folder of the dump.
    work : Path
        For the prepared dump.
    settings : RunSettings
    methods : sequence of Method, optional

    Returns
    -------
    dict
        See :func:`training.leaderboard.summary.summarise`. A method that cannot run is left out, with the reason.

    Raises
    ------
    InputError
        If the dump cannot be used, or holds nobody to test with or to learn from.
    """
    # What methods share is of one benchmark only.
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
            say(f"  {_say_cost(measured[method.name])}")
    return summarise(methods, measured, left_out, material)


def _say_cost(one: Measured) -> str:
    return "trained in {training_s:.1f} s, measured in {scoring_s:.1f} s, peak {peak_memory_mb:,.0f} MB".format(
        **one.cost
    )
