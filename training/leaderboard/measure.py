"""Trains one method and measures it: what runs in the method's own process."""

import time
from dataclasses import replace
from pathlib import Path

from training.evaluation.evaluate import Measured, measure
from training.evaluation.list_quality import ListQuality, measure_lists
from training.evaluation.scorers import Scorer
from training.leaderboard.cold_start import make_points
from training.leaderboard.isolated import peak_memory_mb
from training.leaderboard.material import Material, load_material
from training.leaderboard.methods import Method
from training.settings import RunSettings


def train_and_measure(method: Method, work: Path, settings: RunSettings) -> Measured:
    """Train a method and measure it.

    Parameters
    ----------
    method : Method
    work : Path
        Holds a prepared dump.
    settings : RunSettings

    Returns
    -------
    Measured
        On the measuring queries, with the cold-start curve and the cost: wall-clock seconds to train and to answer
        all questions, and the peak memory of the whole process, Python and the lists included.
    """
    material = load_material(work, settings)
    started = time.monotonic()
    scorer = method.build(material)
    trained = time.monotonic()
    measured = measure(scorer, material.split, material.measuring_queries)
    curve = _measure_cold_start(scorer, material) if measured.lists else {}
    cost = {
        "training_s": trained - started,
        "scoring_s": time.monotonic() - trained,
        "peak_memory_mb": peak_memory_mb(),
    }
    return replace(measured, cold_start=curve, cost=cost)


def _measure_cold_start(scorer: Scorer, material: Material) -> dict[str, ListQuality]:
    """Measure the curve; it is empty for methods that have a row per user, which has seen the whole input."""
    if scorer.generalisation == "weak":
        return {}
    split = material.split
    curve = {}
    for point in make_points(split, material.prepared.interactions):
        targets = [split.targets[user] for user in point.users]
        # What was cut stays impossible as an answer: the user has seen it, and it is no target.
        known = [split.inputs[user] for user in point.users]
        quality = measure_lists(scorer, split.test_user_rows[point.users], point.inputs, targets, known)
        if quality is not None:
            curve[point.name] = quality
    return curve
