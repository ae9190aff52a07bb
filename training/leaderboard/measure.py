"""Trains one method and measures it: what runs in the method's own process."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from training.evaluation.evaluate import measure_similar
from training.evaluation.list_quality import ListQuality, measure_lists
from training.evaluation.scorers import Scorer
from training.leaderboard.cold_start import make_points
from training.leaderboard.isolated import peak_memory_mb
from training.leaderboard.material import Material, load_material
from training.leaderboard.methods import Method
from training.settings import RunSettings


@dataclass(frozen=True)
class Measured:
    """What came out for one method.

    Attributes
    ----------
    name : str
    generalisation : {"strong", "weak"}
    lists : ListQuality or None
        Of the test users; None where the method says nothing of lists.
    cold_start : dict of str to ListQuality
        Per point of the curve; empty for methods that have a row per user, which has seen the whole input.
    similar : ndarray of shape (n_queries,), dtype=float64, or None
        Graded NDCG@10 of the measuring queries; None where the method says nothing of similar anime.
    training_s, scoring_s : float
        Wall-clock seconds to train, and to answer all questions.
    peak_memory_mb : float
        Of the whole process, Python and the lists included.
    """

    name: str
    generalisation: Literal["strong", "weak"]
    lists: ListQuality | None
    cold_start: dict[str, ListQuality]
    similar: NDArray[np.float64] | None
    training_s: float
    scoring_s: float
    peak_memory_mb: float


def train_and_measure(method: Method, work: Path, settings: RunSettings) -> Measured:
    """Train a method and measure it.

    Parameters
    ----------
    method : Method
    work : Path
        Holds a prepared dump.
    settings : RunSettings
    """
    material = load_material(work, settings)
    started = time.monotonic()
    scorer = method.build(material)
    trained = time.monotonic()
    split = material.split
    lists = measure_lists(scorer, split.test_user_rows, split.inputs, split.targets)
    return Measured(
        name=method.name,
        generalisation=scorer.generalisation,
        lists=lists,
        cold_start=_measure_cold_start(scorer, material) if lists else {},
        similar=measure_similar(scorer, material.measuring_queries),
        training_s=trained - started,
        scoring_s=time.monotonic() - trained,
        peak_memory_mb=peak_memory_mb(),
    )


def _measure_cold_start(scorer: Scorer, material: Material) -> dict[str, ListQuality]:
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
