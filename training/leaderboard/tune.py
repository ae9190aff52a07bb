"""Tunes the baselines: ``python -m training.leaderboard.tune --data DIR``.

On validation users, who are taken out of the training users (``splitmix64(user_id) % 10 == 2``); the test users are
never used. The results are the baselines' defaults; docs/benchmark.md.
"""

import argparse
import itertools
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from training.evaluation.baselines.ease import fit_ease, fit_edlae
from training.evaluation.baselines.ials import IalsConfig, fit_ials
from training.evaluation.list_quality import LIST_METRICS, ListQuestions, measure_lists
from training.evaluation.scorers import Scorer
from training.lists.interactions import Interactions
from training.lists.prepared import load_prepared
from training.lists.split import VALIDATION_FOLD, Split, split_interactions
from training.pipeline import run_prepare
from training.settings import RunSettings
from training.support.terminal import say

# Dropout, l2.
EDLAE_TRIED: Final = (
    *itertools.product((0.2,), (20.0, 50.0, 100.0, 200.0)),
    *((0.1, 200.0), (0.3, 20.0), (0.3, 50.0), (0.3, 100.0), (0.4, 20.0)),
)
# Factors, regularization, alpha, iterations: one changed at a time.
IALS_FINE: Final = (
    *((64, 30.0, 4.0, 15), (512, 30.0, 4.0, 15)),
    *((n, *rest) for n in (256, 512) for rest in ((20.0, 4.0, 15), (45.0, 4.0, 15))),
    *((n, *rest) for n in (256, 512) for rest in ((30.0, 3.0, 15), (30.0, 6.0, 15), (30.0, 4.0, 30))),
)

Candidate = tuple[str, Callable[[Interactions], Scorer]]


def candidates() -> Iterator[Candidate]:
    """List what is tried: a name, and the function that fits it."""
    for l2 in (50.0, 100.0, 200.0, 300.0, 500.0):
        yield f"EASE, l2 {l2:.0f}", partial(fit_ease, l2=l2)
    for dropout, l2 in EDLAE_TRIED:
        yield f"EDLAE, dropout {dropout}, l2 {l2:.0f}", partial(fit_edlae, dropout=dropout, l2=l2)
    coarse = itertools.product((128, 256), (0.1, 1.0, 3.0, 10.0, 30.0, 100.0), (1.0, 2.0, 4.0, 8.0))
    for factors, regularization, alpha in coarse:
        yield _ials(IalsConfig(factors, regularization, alpha, 15))
    for around_the_best in IALS_FINE:
        yield _ials(IalsConfig(*around_the_best))


def validation_split(lists: Interactions, seed: int = 0) -> Split:
    """Split the training users into those who learn and those who validate; the lists of test users are not in it."""
    return split_interactions(split_interactions(lists, seed).train, seed, VALIDATION_FOLD)


def tune(split: Split, tried: Iterator[Candidate]) -> list[tuple[str, dict[str, float]]]:
    """Measure every candidate on validation users: names and metric -> mean, in their order."""
    results = []
    questions = ListQuestions.of_split(split)
    for name, fit in tried:
        quality = measure_lists(fit(split.train), questions)
        if quality is not None:
            means = {metric: float(quality.values[metric].mean()) for metric in LIST_METRICS}
            say(f"{name}: " + ", ".join(f"{metric} {mean:.4f}" for metric, mean in means.items()))
            results.append((name, means))
    return results


def main() -> None:
    """Tune, and name the best by NDCG@100."""
    parser = argparse.ArgumentParser(description="Tune the benchmark's baselines on validation users.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the dump")
    parser.add_argument("--work", type=Path, default=Path("runs/benchmark"), help="folder for the prepared dump")
    parser.add_argument("--only", default="", help="only candidates whose name begins so")
    arguments = parser.parse_args()
    run_prepare(arguments.data, arguments.work, RunSettings())
    split = validation_split(load_prepared(arguments.work / "prepared").interactions)
    results = tune(split, (one for one in candidates() if one[0].startswith(arguments.only)))
    for method in ("EASE", "EDLAE", "iALS"):
        of_method = [result for result in results if result[0].startswith(method)]
        if of_method:
            name, means = max(of_method, key=lambda result: result[1]["ndcg_at_100"])
            say(f"best: {name} (NDCG@100 {means['ndcg_at_100']:.4f})")


def _ials(config: IalsConfig) -> Candidate:
    name = f"iALS, {config.factors} factors, alpha {config.alpha:.0f}, regularization {config.regularization:.0f}"
    return f"{name}, {config.iterations} iterations", partial(fit_ials, config=config)


if __name__ == "__main__":
    main()
