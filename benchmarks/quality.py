"""``python -m benchmarks.quality --url URL --data DIR --work WORK``: the quality of a running service's answers.

Asks over HTTP on the protocol of docs/architecture.md and compares with the figures on the model's card. The model
must not know the users who test: ``python -m training publish --hold-out`` makes one to which they are unseen users.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.questions import TOLERANCE, Figure, Question, ask, ask_all, body_of, ids_of
from benchmarks.tables import Row, write_table
from models.bundle.layout import UserId
from models.scoring.user_list import UserList
from training.dump.files import find_dump
from training.errors import InputError
from training.evaluation.evaluate import SIMILAR_DEPTH, Questions, estimate_lists
from training.evaluation.list_quality import DEPTH, LIST_VALUES, list_values
from training.evaluation.metrics import Estimate, estimate_mean, graded_ndcg_at
from training.evaluation.mirror import MIRROR_METRICS, overlap
from training.evaluation.served_scorers import COLLAPSED, ITEMS, RANKED
from training.lists.prepared import load_prepared
from training.lists.split import split_interactions
from training.settings import RunSettings
from training.similar_anime.truth import SimilarQuery, read_similar_truth

# How many of the users who test are asked for, to see whether the model knows them.
_N_PROBED: Final = 5
_SIMILAR: Final = "similar anime, ranked"

HATED_REASONS: Final = "hated among reasons"


@dataclass(frozen=True)
class Truth:
    """The questions of the evaluation, and the ids to ask them by."""

    anime_ids: NDArray[np.int64]
    user_ids: list[UserId]  # of the users who test
    questions: Questions


def measure(url: str, data: Path, work: Path) -> list[Figure]:
    """Measure everything that the model's card holds figures of, of the service at a URL.

    ``data`` is the dump, whose recommendations.csv is the truth for similar anime; ``work`` holds the prepared dump
    that the model was trained on.

    Raises
    ------
    InputError
        If the model knows the users who test, is of other data, or has no figures; if nothing answers.
    """
    model = ask(f"{url}/model")
    if model["data"]["fingerprint"] != load_prepared(work / "prepared").report.data.fingerprint:
        raise InputError(f"{url} serves a model of other data than what is prepared in {work}")
    settings = model["training"].get("settings", {})
    truth = read_truth(data, work, RunSettings.model_construct(**settings))
    _refuse_known_users(url, bool(settings.get("hold_out")), truth)
    methods: dict[str, Any] = model["metrics"].get("methods", {})
    questions = [question for question in _questions(model) if question.card_name in methods]
    if not questions:
        raise InputError(f"{url}: the model's card holds no metrics; `evaluate` before `publish`")
    figures: list[Figure] = []
    for question in questions:
        for compare in (_list_figures, _mirror_figures) if question.of_lists else (_similar_figures,):
            figures += compare(url, question, truth, methods[question.card_name])
    return figures


def read_truth(data: Path, work: Path, settings: RunSettings) -> Truth:
    """Make the questions of the users who were measured after a training with these settings."""
    lists = load_prepared(work / "prepared").interactions
    split = split_interactions(lists, settings.split_seed, settings.test_fold)
    split = split.some_test_users(settings.max_test_users)
    queries = [query for query in read_similar_truth(find_dump(data), lists.anime_ids) if not query.may_choose]
    return Truth(
        np.asarray(lists.anime_ids), lists.user_ids[split.test_user_rows].tolist(), Questions.of(split, queries)
    )


def _refuse_known_users(url: str, hold_out: bool, truth: Truth) -> None:
    what = None if hold_out else "was not published with --hold-out"
    for user_id in truth.user_ids[:_N_PROBED]:
        try:
            ask(f"{url}/users/{quote(str(user_id), safe='')}/similar")
        except InputError:
            continue
        what = f"knows user {user_id}, who tests"
    if what:
        raise InputError(
            f"the model {what}: it has seen the answers; "
            "`python -m training publish --hold-out` makes one that has not"
        )


def _questions(model: dict[str, Any]) -> Iterator[Question]:
    """List the ways to ask: method, name on the card, whether each franchise is shown once."""
    network, default = model["network"], model["default_methods"]
    embedding = ("embedding", f"{network}, embedding", False)
    neighbours = ("neighbours", f"{network}, neighbours", False)
    of_lists = [
        ("ranked", RANKED, False),
        ("items", ITEMS, False),
        embedding,
        neighbours,
        ("ranked", COLLAPSED, True),
    ]
    similar = [("ranked", _SIMILAR, False), ("ranked", f"{_SIMILAR}, one per franchise", True), embedding]
    for route, key, ways in (("recommendations",) * 2 + (of_lists,), ("similar", "similar_anime", similar)):
        for method, card_name, collapse in ways:
            is_default = method == default[key]
            label = f"{route}, {'default' if is_default else f'method={method}'}"
            parameters = {"collapse_franchise": str(collapse).lower()} | ({} if is_default else {"method": method})
            if key == "recommendations" and not collapse:
                # The methods alone, as the evaluation measures them.
                parameters["include_disliked_franchises"] = "true"
            yield Question(
                f"{label}, one per franchise" if collapse else label, card_name, parameters, key == "recommendations"
            )


def _list_figures(url: str, question: Question, truth: Truth, card: dict[str, Any]) -> list[Figure]:
    next_anime = card.get("next_anime", {})
    asked = truth.questions.lists
    if not asked.inputs or not next_anime:
        return []
    path = f"{url}/recommendations?{question.query(DEPTH)}"
    answers = ask_all(question.label, lambda known: ids_of(ask(path, body_of(known, truth.anime_ids))), asked.inputs)
    values = [
        list_values(ids, replace(targets, rows=truth.anime_ids[targets.rows]))
        for ids, targets in zip(answers, asked.targets, strict=True)
    ]
    estimates = estimate_lists(pd.DataFrame(values, columns=list(LIST_VALUES)))
    figures = [
        Figure(question.label, name, Estimate(**estimate), float(next_anime[name]["mean"]))
        for name, estimate in estimates.items()
        if name in next_anime
    ]
    covered = float(len({anime_id for ids in answers for anime_id in ids[:10].tolist()}))
    coverage = Estimate(covered, covered, covered, len(answers))
    card_coverage = float(next_anime["coverage_at_10"])
    return [*figures, Figure(question.label, "coverage_at_10", coverage, card_coverage, judged=False)]


def _mirror_figures(url: str, question: Question, truth: Truth, card: dict[str, Any]) -> list[Figure]:
    """Compare the first ten for lists as they are with those for the other ways; no reason may be a hated title."""
    asked, of_card = truth.questions.mirror, card.get("mirror", {})
    if not asked.as_is or not of_card:
        return []

    def ask_one(way: tuple[UserList, UserList]) -> dict[str, Any]:
        known, as_is = way
        query = question.query(10, exclude=truth.anime_ids[as_is.anime_rows].tolist())
        answer: dict[str, Any] = ask(f"{url}/recommendations?{query}", body_of(known, truth.anime_ids))
        return answer

    as_is, *others = (
        ask_all(f"{question.label}, mirror", ask_one, list(zip(way, asked.as_is, strict=True)))
        for way in (asked.as_is, asked.turned, asked.loved)
    )
    values = {
        metric: [overlap(ids_of(one), ids_of(two)) for one, two in zip(as_is, other, strict=True)]
        for metric, other in zip(MIRROR_METRICS, others, strict=True)
    }
    figures = [
        Figure(question.label, metric, estimate_mean(np.array(overlaps)), float(of_card[metric]["mean"]))
        for metric, overlaps in values.items()
    ]
    hated = [
        set(truth.anime_ids[np.setdiff1d(whole.anime_rows, loved.anime_rows)].tolist())
        for whole, loved in zip(asked.as_is, asked.loved, strict=True)
    ]
    named = [share_naming(answer, ids) for answer, ids in zip(as_is, hated, strict=True)]
    return [*figures, Figure(question.label, HATED_REASONS, estimate_mean(np.array(named)), 0.0)]


def share_naming(answer: dict[str, Any], anime_ids: set[int]) -> float:
    """Return the share of the anime of an answer that name one of some ids as a reason."""
    reasons = [{reason["anime_id"] for reason in row["because"]} for row in answer["data"]]
    return sum(bool(named & anime_ids) for named in reasons) / max(1, len(reasons))


def _similar_figures(url: str, question: Question, truth: Truth, card: dict[str, Any]) -> list[Figure]:
    of_card = card.get("similar_anime", {}).get("ndcg_at_10")
    if not truth.questions.similar or not of_card:
        return []

    def measure_one(query: SimilarQuery) -> float:
        similar_ids = truth.anime_ids[query.similar_rows].tolist()
        gain_of = dict(zip(similar_ids, query.gains.tolist(), strict=True))
        path = f"{url}/anime/{truth.anime_ids[query.anime_row]}/similar?{question.query(SIMILAR_DEPTH)}"
        gains = [gain_of.get(identity, 0.0) for identity in ids_of(ask(path)).tolist()]
        return graded_ndcg_at(SIMILAR_DEPTH, gains, list(gain_of.values()))

    values = np.array(ask_all(question.label, measure_one, truth.questions.similar))
    return [Figure(question.label, "similar ndcg_at_10", estimate_mean(values), float(of_card["mean"]))]


def _wait_until_ready(url: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            ask(f"{url}/health/ready")
        except InputError:
            time.sleep(0.2)
        else:
            return


def main() -> None:
    """Measure, print, and fail where a figure differs from the card's."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="of the running service [%(default)s]")
    parser.add_argument("--data", type=Path, required=True, help="folder of the dump")
    parser.add_argument("--work", type=Path, default=Path("runs/latest"), help="folder of the run [%(default)s]")
    parser.add_argument("--wait", type=float, default=0.0, help="seconds to wait for the service [%(default)s]")
    options = parser.parse_args()
    url = options.url.rstrip("/")
    try:
        _wait_until_ready(url, options.wait)
        figures = measure(url, options.data, options.work)
    except InputError as error:
        sys.exit(f"error: {' '.join(str(error).split())}")
    rows: list[Row] = [
        {
            "asked": figure.asked,
            "metric": figure.metric,
            "over HTTP": round(figure.measured.mean, 4),
            "95 %": f"±{figure.measured.high - figure.measured.mean:.3f}" if figure.judged else "",
            "on the card": round(figure.card, 4),
            "difference": f"{figure.measured.mean - figure.card:+.4f}{' !' if figure.differs else ''}",
        }
        for figure in figures
    ]
    write_table("quality", rows, "", None)
    if differing := sum(figure.differs for figure in figures):
        sys.exit(f"error: {differing} of {len(figures)} figures differ from the card by more than {TOLERANCE}")


if __name__ == "__main__":
    main()
