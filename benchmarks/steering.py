"""``python -m benchmarks.steering --store STORE --data DIR --work WORK``: what novelty, diversity and fairness cost.

Asks the model of a store in this process, with the functions that the service answers with, and draws the plots of
docs/steering.md. The model must not know the users who test: ``python -m training publish --hold-out`` makes one. If
they are validation users (``test_fold`` = 2), similar anime are asked of the queries that may choose constants too.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.steering_plots import draw
from models.errors import BundleError
from models.scoring.compatibility import Compatibility, relative_ratings
from models.scoring.group import MISERY_WEIGHT, group_scores
from models.scoring.ranking import RankedPage
from models.scoring.steering import N_STEERED, self_information, steer
from models.scoring.user_list import UserList
from models.store import Store
from service.recommending.model import LoadedModel, load_model
from service.recommending.requests import Filters, GroupRequest, RecommendationsRequest, SimilarAnimeRequest
from training.dump.files import find_dump
from training.errors import InputError
from training.evaluation.list_quality import ListQuestions
from training.evaluation.metrics import estimate_mean, graded_ndcg_at, ndcg_at
from training.lists.prepared import load_prepared
from training.lists.split import VALIDATION_FOLD, split_interactions
from training.settings import RunSettings
from training.similar_anime.truth import SimilarQuery, read_similar_truth
from training.support.terminal import progress

K: Final = 10
KNOBS: Final = tuple(np.linspace(0.0, 1.0, 11).round(1).tolist())
GROUP_SIZES: Final = (2, 3, 5)
MISERY_WEIGHTS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
N_GROUPS: Final = 200
N_PAIRS: Final = 30_000
# Of fewer ratings one says little.
N_RATED: Final = 5
#: Anime that more lists hold than all but so many.
N_WELL_KNOWN: Final = 300

Table = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Truth:
    """What is known of the users who test, and of similar anime."""

    lists: ListQuestions
    similar: Sequence[SimilarQuery]
    fold: int


def read_truth(model: LoadedModel, data: Path, work: Path) -> Truth:
    """Read what the model's training left for measuring.

    Raises
    ------
    InputError
        If the model was published with the users who test, or is of other data.
    """
    manifest = model.bundle.manifest
    settings = RunSettings.model_construct(**manifest.training.get("settings", {}))
    if not settings.hold_out:
        raise InputError(
            "the model knows the users who test; `python -m training publish --hold-out` makes one that does not"
        )
    prepared = load_prepared(work / "prepared")
    if manifest.data.fingerprint != prepared.report.data.fingerprint:
        raise InputError(f"the model is of other data than what is prepared in {work}")
    split = split_interactions(prepared.interactions, settings.split_seed, settings.test_fold)
    chooses = settings.test_fold == VALIDATION_FOLD
    queries = read_similar_truth(find_dump(data), prepared.interactions.anime_ids)
    return Truth(
        ListQuestions.of_split(split.some_test_users(settings.max_test_users)),
        [query for query in queries if query.may_choose == chooses],
        settings.test_fold,
    )


class Rankings:
    """Heads of rankings, re-ordered by each knob alone and measured."""

    def __init__(self, model: LoadedModel) -> None:
        bundle = model.bundle
        self._information = self_information(bundle.popularity, bundle.n_users)
        self._embeddings = bundle.anime_embeddings
        self._well_known = np.zeros(bundle.n_anime, dtype=bool)
        self._well_known[np.argsort(-bundle.popularity, kind="stable")[:N_WELL_KNOWN]] = True
        self._values: dict[tuple[str, float], list[tuple[float, ...]]] = {}

    def add(self, page: RankedPage, quality: Callable[[NDArray[np.int64]], float]) -> None:
        """Measure the first ten of a ranking, of which ``page`` is the head."""
        rows = np.array(page.rows, dtype=np.int64)
        for knob in KNOBS:
            for name, novelty, diversity in (("novelty", knob, 0.0), ("diversity", 0.0, knob)):
                order = steer(self._information[rows], self._embeddings[rows], novelty, diversity, K)
                first = rows[order[:K]]
                self._values.setdefault((name, knob), []).append(
                    (
                        quality(first),
                        float(self._information[first].mean()),
                        float(self._well_known[first].mean()),
                        _distance(self._embeddings[first]),
                    )
                )

    def table(self) -> dict[str, Table]:
        """Give the means: knob -> value -> metric."""
        tables: dict[str, Table] = {"novelty": {}, "diversity": {}}
        for (name, knob), values in self._values.items():
            columns = np.array(values).T
            names = ("ndcg_at_10", "bits", "well_known", "distance")
            tables[name][str(knob)] = {
                column: round(float(np.mean(numbers)), 4) for column, numbers in zip(names, columns, strict=True)
            } | {"n": len(values), "half": round((e := estimate_mean(columns[0])).high - e.mean, 4)}
        return tables


def _distance(embeddings: NDArray[np.float32]) -> float:
    """Give the mean distance, 1 - cosine, of all pairs."""
    n = len(embeddings)
    return float(1.0 - (np.sum(embeddings @ embeddings.T) - n) / (n * (n - 1))) if n > 1 else 0.0


def measure_lists(model: LoadedModel, truth: Truth) -> dict[str, Table]:
    """Measure each knob on recommendations, as they are answered by default (adult anime too)."""
    rankings = Rankings(model)
    asked = RecommendationsRequest(limit=N_STEERED, filters=Filters(include_adult=True))
    for known, targets in _counted("lists", list(zip(truth.lists.inputs, truth.lists.targets, strict=True))):
        page = model.recommender.page(model.similar_users.unseen_user(known), asked).ranking

        def quality(first: NDArray[np.int64], rows: NDArray[Any] = targets.rows) -> float:
            return ndcg_at(K, np.isin(first, rows), len(rows))

        rankings.add(page, quality)
    return rankings.table()


def measure_similar(model: LoadedModel, truth: Truth) -> dict[str, Table]:
    """Measure each knob on similar anime, as they are answered by default (adult anime too)."""
    rankings = Rankings(model)
    asked = SimilarAnimeRequest(limit=N_STEERED, filters=Filters(include_adult=True))
    first_rows = model.catalogue.first_rows
    for query in _counted("similar anime", truth.similar):
        gain_of: dict[int, float] = {}
        for row, gain in zip(first_rows[query.similar_rows].tolist(), query.gains.tolist(), strict=True):
            gain_of[row] = max(gain, gain_of.get(row, 0.0))

        def quality(first: NDArray[np.int64], gains: dict[int, float] = gain_of) -> float:
            return graded_ndcg_at(K, [gains.get(row, 0.0) for row in first.tolist()], list(gains.values()))

        rankings.add(model.similar_anime.page(query.anime_row, asked), quality)
    return rankings.table()


def measure_groups(model: LoadedModel, truth: Truth, n_groups: int = N_GROUPS) -> dict[str, Table]:
    """Measure ways of recommending to groups of users drawn at random: size -> way -> metric."""
    rng = np.random.default_rng(0)
    asked = GroupRequest(filters=Filters(include_adult=True))
    tables: dict[str, Table] = {}
    for size in GROUP_SIZES:
        values: dict[str, list[tuple[float, float]]] = {}
        draws = [rng.choice(len(truth.lists.inputs), size, replace=False).tolist() for _ in range(n_groups)]
        for members in _counted(f"groups of {size}", draws):
            inputs = [truth.lists.inputs[member] for member in members]
            targets = [truth.lists.targets[member].rows for member in members]
            for way, quality in _measure_group(model, inputs, targets, asked):
                values.setdefault(way, []).append(quality)
        tables[str(size)] = {
            way: {
                "mean": round(float(np.mean(numbers, axis=0)[0]), 4),
                "least_happy": round(float(np.mean(numbers, axis=0)[1]), 4),
                "n": len(numbers),
            }
            for way, numbers in values.items()
        }
    return tables


def _measure_group(
    model: LoadedModel, inputs: list[UserList], targets: list[NDArray[Any]], asked: GroupRequest
) -> Iterator[tuple[str, tuple[float, float]]]:
    """Give for each way the NDCG@10 of its first ten, mean and least over the members who have something to find."""
    profiles = [model.similar_users.unseen_user(known) for known in inputs]
    each = model.group_recommender.rank_for_each(profiles, asked)
    wanted = [np.intersect1d(rows, each.rows) for rows in targets]
    if not all(map(len, wanted)):
        return
    # A franchise has the score of its best entry.
    scores = np.stack(
        [np.take(page.scores, ranks - 1) for page, ranks in zip(each.rankings, each.ranks, strict=True)]
    )
    ways = {"mean of scores": scores.mean(axis=0), "least of scores": scores.min(axis=0)}
    ways |= {f"{weight:g}": group_scores(each.ranks, weight) for weight in MISERY_WEIGHTS}
    firsts = {way: each.rows[np.argsort(-values, kind="stable")[:K]] for way, values in ways.items()}
    for way, first in firsts.items():
        found = [ndcg_at(K, np.isin(first, rows), len(rows)) for rows in wanted]
        yield way, (float(np.mean(found)), min(found))
    alone = [np.array(ranking.rows[:K]) for ranking in each.rankings]
    found = [ndcg_at(K, np.isin(first, rows), len(rows)) for first, rows in zip(alone, wanted, strict=True)]
    yield "each alone", (float(np.mean(found)), min(found))


def measure_pairs(model: LoadedModel, truth: Truth, n_pairs: int = N_PAIRS) -> Table:
    """Measure what the score of two lists foretells, by quarters of pairs from the least alike on.

    For each pair: how far above their own mean one rates, of what was hidden, what the other rates above theirs.
    """
    rng, fits = np.random.default_rng(0), Compatibility(model.bundle)
    found: list[tuple[float, float]] = []
    for _ in _counted("pairs", range(n_pairs)):
        one, other = rng.choice(len(truth.lists.inputs), 2, replace=False).tolist()
        hidden, theirs = truth.lists.targets[one], truth.lists.inputs[other]
        loved = theirs.anime_rows[relative_ratings(theirs) > 0.0]
        ratings = hidden.ratings[np.isin(hidden.rows, loved) & (hidden.ratings > 0)]
        score = fits.score(truth.lists.inputs[one], theirs)
        if len(ratings) >= N_RATED and score is not None:
            found.append((score, float(ratings.mean()) - hidden.mean_rating))
    table: Table = {}
    for number, quarter in enumerate(np.array_split(np.array(sorted(found)), 4), start=1):
        liking = estimate_mean(quarter[:, 1])
        table[str(number)] = {
            "score": round(float(quarter[:, 0].mean()), 3),
            "liking": round(liking.mean, 4),
            "half": round(liking.high - liking.mean, 4),
            "n": len(quarter),
        }
    return table


def _counted(name: str, items: Sequence[Any]) -> Iterator[Any]:
    with progress(name, len(items), "queries") as update:
        for number, item in enumerate(items, start=1):
            yield item
            update(number)


def main() -> None:
    """Measure, write the figures, draw."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.steering", description=__doc__)
    parser.add_argument("--store", type=Path, required=True, help="folder of published bundles")
    parser.add_argument("--data", type=Path, required=True, help="folder of the dump")
    parser.add_argument("--work", type=Path, required=True, help="folder of the run")
    parser.add_argument("--out", type=Path, default=Path("runs/steering"), help="for figures and plots [%(default)s]")
    options = parser.parse_args()
    try:
        model = load_model(Store(options.store).current_folder())
        truth = read_truth(model, options.data, options.work)
    except (InputError, BundleError) as error:
        sys.exit(f"error: {' '.join(str(error).split())}")
    figures = {
        "fold": truth.fold,
        "recommendations": measure_lists(model, truth),
        "similar": measure_similar(model, truth),
        "groups": measure_groups(model, truth),
        "pairs": measure_pairs(model, truth),
        "misery_weight": MISERY_WEIGHT,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "steering.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
    draw(options.out, figures)
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
