"""``python -m benchmarks.quality --url URL --data DIR --work WORK``: the quality of a running service's answers.

Asks over HTTP on the protocol of docs/architecture.md and compares with the figures on the model's card. The model
must not know the users who test: ``python -m training publish --hold-out`` makes one to which they are unseen users.
"""

import argparse
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd

from benchmarks.tables import Row, write_table
from models.scoring.user_list import Status, UserList
from training.dump.files import find_dump
from training.errors import InputError
from training.evaluation.evaluate import SIMILAR_DEPTH, estimate_lists
from training.evaluation.list_quality import DEPTH, LIST_METRICS, list_metrics
from training.evaluation.metrics import Estimate, estimate_mean, graded_ndcg_at
from training.evaluation.served_scorers import COLLAPSED, ITEMS, RANKED
from training.lists.prepared import load_prepared
from training.lists.split import split_interactions
from training.similar_anime.truth import SimilarQuery, read_similar_truth
from training.support.terminal import progress

# By how much a figure over HTTP may differ from the card's.
TOLERANCE: Final = 0.002
_N_CONNECTIONS: Final = 4
_TIMEOUT_S: Final = 60.0
# How many of the users who test are asked for, to see whether the model knows them.
_N_PROBED: Final = 5
_SIMILAR: Final = "similar anime, ranked"
# Past any proxy of the environment.
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


@dataclass(frozen=True)
class Question:
    """One way to ask, with the method's name on the model's card; without a method the default answers."""

    label: str
    card_name: str
    parameters: dict[str, str]
    of_lists: bool

    def query(self, limit: int) -> str:
        """Write the query string."""
        return urllib.parse.urlencode({"limit": limit, "include_adult": "true", **self.parameters})


@dataclass(frozen=True)
class Figure:
    """One figure over HTTP, beside the card's."""

    asked: str
    metric: str
    measured: Estimate
    card: float
    judged: bool = True

    @property
    def differs(self) -> bool:
        """Whether the figure differs from the card's; NaN does."""
        return self.judged and not abs(self.measured.mean - self.card) <= TOLERANCE


@dataclass(frozen=True)
class Truth:
    """The known part of each test user's list with the ids to be found, and the queries for similar anime."""

    anime_ids: np.ndarray[Any, np.dtype[np.int64]]
    user_ids: list[int]
    known: list[UserList]
    target_ids: list[np.ndarray[Any, np.dtype[np.int64]]]
    queries: list[SimilarQuery]


def ask(url: str, body: Any = None) -> Any:
    """Ask for the JSON of a URL, posting a body where there is one.

    Raises
    ------
    InputError
        If the service does not answer with 200.
    """
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, content, {"content-type": "application/json"})
    try:
        with _OPENER.open(request, timeout=_TIMEOUT_S) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise InputError(f"{url} was answered with {error.code}: {error.read(300)!r}") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{url} does not answer ({error}); `python -m service` serves what is published") from error


def measure(url: str, data: Path, work: Path) -> list[Figure]:
    """Measure everything that the model's card holds figures of.

    Parameters
    ----------
    url : str
        Of the service, like ``http://127.0.0.1:8000``.
    data : Path
        The dump; recommendations.csv in it is the truth for similar anime.
    work : Path
        Holds the prepared dump that the model was trained on.

    Raises
    ------
    InputError
        If the model knows the users who test, is of other data, or has no figures; if nothing answers.
    """
    model = ask(f"{url}/model")
    if model["data"]["fingerprint"] != load_prepared(work / "prepared").report.data.fingerprint:
        raise InputError(f"{url} serves a model of other data than what is prepared in {work}")
    settings = model["training"].get("settings", {})
    truth = _read_truth(data, work, int(settings.get("split_seed", 0)))
    _refuse_known_users(url, bool(settings.get("hold_out")), truth)
    methods: dict[str, Any] = model["metrics"].get("methods", {})
    questions = [question for question in _questions(model) if question.card_name in methods]
    if not questions:
        raise InputError(f"{url}: the model's card holds no metrics; `evaluate` before `publish`")
    figures: list[Figure] = []
    for question in questions:
        compare = _list_figures if question.of_lists else _similar_figures
        figures += compare(url, question, truth, methods[question.card_name])
    return figures


def _read_truth(data: Path, work: Path, split_seed: int) -> Truth:
    lists = load_prepared(work / "prepared").interactions
    split = split_interactions(lists, split_seed)
    pairs = zip(split.test_user_rows.tolist(), split.inputs, strict=True)
    return Truth(
        np.asarray(lists.anime_ids),
        lists.user_ids[split.test_user_rows].tolist(),
        [lists.part_of(user_row, input_rows) for user_row, input_rows in pairs],
        [lists.anime_ids[rows] for rows in split.targets],
        [query for query in read_similar_truth(find_dump(data), lists.anime_ids) if not query.may_choose],
    )


def _refuse_known_users(url: str, hold_out: bool, truth: Truth) -> None:
    what = None if hold_out else "was not published with --hold-out"
    for user_id in truth.user_ids[:_N_PROBED]:
        try:
            ask(f"{url}/users/{user_id}/similar")
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
            yield Question(
                f"{label}, one per franchise" if collapse else label, card_name, parameters, key == "recommendations"
            )


def _ask_all(label: str, one: Callable[[Asked], Answered], questions: Sequence[Asked]) -> list[Answered]:
    """Ask on a few connections; return the answers in the order of the questions."""
    answers: list[Answered] = []
    with ThreadPoolExecutor(_N_CONNECTIONS) as pool, progress(label, len(questions), "questions") as update:
        for answer in pool.map(one, questions):
            answers.append(answer)
            update(len(answers))
    return answers


def _list_figures(url: str, question: Question, truth: Truth, card: dict[str, Any]) -> list[Figure]:
    next_anime = card.get("next_anime", {})
    if not truth.known or not next_anime:
        return []
    path = f"{url}/recommendations?{question.query(DEPTH)}"
    answers = _ask_all(question.label, lambda known: _ids(ask(path, _body(known, truth))), truth.known)
    pairs = zip(answers, truth.target_ids, strict=True)
    values = [list_metrics(np.array(ids, dtype=np.int64), targets) for ids, targets in pairs]
    estimates = estimate_lists(pd.DataFrame(values, columns=list(LIST_METRICS)))
    figures = [
        Figure(question.label, name, Estimate(**estimates[name]), float(next_anime[name]["mean"]))
        for name in LIST_METRICS
    ]
    covered = float(len({anime_id for ids in answers for anime_id in ids[:10]}))
    coverage = Estimate(covered, covered, covered, len(answers))
    card_coverage = float(next_anime["coverage_at_10"])
    return [*figures, Figure(question.label, "coverage_at_10", coverage, card_coverage, judged=False)]


def _similar_figures(url: str, question: Question, truth: Truth, card: dict[str, Any]) -> list[Figure]:
    of_card = card.get("similar_anime", {}).get("ndcg_at_10")
    if not truth.queries or not of_card:
        return []

    def measure_one(query: SimilarQuery) -> float:
        similar_ids = truth.anime_ids[query.similar_rows].tolist()
        gain_of = dict(zip(similar_ids, query.gains.tolist(), strict=True))
        path = f"{url}/anime/{truth.anime_ids[query.anime_row]}/similar?{question.query(SIMILAR_DEPTH)}"
        return graded_ndcg_at(SIMILAR_DEPTH, [gain_of.get(i, 0.0) for i in _ids(ask(path))], list(gain_of.values()))

    values = np.array(_ask_all(question.label, measure_one, truth.queries))
    return [Figure(question.label, "similar ndcg_at_10", estimate_mean(values), float(of_card["mean"]))]


def _body(known: UserList, truth: Truth) -> dict[str, Any]:
    ids = truth.anime_ids[known.anime_rows].tolist()
    entries = zip(ids, known.ratings.tolist(), known.statuses.tolist(), strict=True)
    return {
        "ratings": [
            {"anime_id": identity, "rating": rating, "status": None if status == Status.UNKNOWN else status}
            for identity, rating, status in entries
        ]
    }


def _ids(answer: dict[str, Any]) -> list[int]:
    return [row["anime_id"] for row in answer["data"]]


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
