"""How good the answers of a running service are, beside what the evaluation said of them.

``python -m benchmarks.quality --url http://127.0.0.1:8000 --data DIR --work WORK`` asks over HTTP on the protocol of
docs/architecture.md. The model must not know the users who test: ``python -m training publish --hold-out`` makes one
to which they are unseen users.
"""

import argparse
import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from benchmarks.asking import AskedService, ServiceFaultError, ask_all
from models.scoring.user_list import Status, UserList
from training.dump.files import find_dump
from training.errors import InputError
from training.evaluation.evaluate import SIMILAR_DEPTH, estimate_lists
from training.evaluation.list_quality import DEPTH, LIST_METRICS, list_metrics
from training.evaluation.metrics import Estimate, estimate_mean, graded_ndcg_at
from training.evaluation.served_scorers import COLLAPSED, ITEMS, RANKED
from training.lists.prepared import load_prepared
from training.lists.split import Split, split_interactions
from training.similar_anime.truth import SimilarQuery, read_similar_truth
from training.support.terminal import progress

# What a figure over HTTP may differ from the card's.
TOLERANCE: Final = 0.002
# How many of the users who test are asked for, to see whether the model knows them.
_N_PROBED: Final = 5
_COVERED: Final = 10
_SIMILAR: Final = "similar anime, ranked"


@dataclass(frozen=True)
class Question:
    """One way to ask.

    Attributes
    ----------
    card_name : str
        The method's name on the model's card.
    method : str
    is_default : bool
        Whether the model answers so by default: then the method is left out of the query string.
    collapse : bool
        Whether each franchise stands once.
    of_lists : bool
        Whether recommendations are asked for; otherwise similar anime.
    """

    card_name: str
    method: str
    is_default: bool
    collapse: bool
    of_lists: bool

    @property
    def label(self) -> str:
        """The question in a few words."""
        route = "recommendations" if self.of_lists else "similar"
        method = "default" if self.is_default else f"method={self.method}"
        return f"{route}, {method}{', one per franchise' if self.collapse else ''}"

    def parameters(self, limit: int) -> dict[str, str | int]:
        """Write the query string."""
        method = {} if self.is_default else {"method": self.method}
        return {"limit": limit, "include_adult": "true", "collapse_franchise": str(self.collapse).lower(), **method}


@dataclass(frozen=True)
class Figure:
    """One figure over HTTP, and how the service was asked for it, beside the card's."""

    asked: str
    metric: str
    measured: Estimate
    card: float
    # A count of anime is shown, and not judged.
    judged: bool = True

    @property
    def difference(self) -> float:
        """What was measured less what the card says."""
        return self.measured.mean - self.card

    @property
    def differs(self) -> bool:
        """Whether the card does not say what was measured."""
        return self.judged and not abs(self.difference) <= TOLERANCE


@dataclass(frozen=True)
class Truth:
    """What is asked, and what the answers should hold: of users who test, the known part of each one's list."""

    anime_ids: np.ndarray[Any, np.dtype[np.int64]]
    user_ids: list[int]
    known: list[UserList]
    split: Split
    queries: list[SimilarQuery]


def measure(service: AskedService, data: Path, work: Path) -> list[Figure]:
    """Measure everything that the model's card holds figures of.

    Parameters
    ----------
    service : AskedService
    data : Path
        The dump; recommendations.csv in it is the truth for similar anime.
    work : Path
        Holds the prepared dump the model was trained on.

    Raises
    ------
    InputError
        If the model knows those who test, is of other data, or has no figures to compare with.
    ServiceFaultError
        If the service does not answer.
    """
    model = service.json("GET", "/model")
    prepared = load_prepared(work / "prepared")
    if model["data"]["fingerprint"] != prepared.report.data.fingerprint:
        raise InputError(f"{service.url} serves a model of other data than what is prepared in {work}")
    settings = model["training"].get("settings", {})
    truth = _read_truth(data, work, int(settings.get("split_seed", 0)))
    _refuse_insiders(service, bool(settings.get("hold_out")), truth)
    methods: dict[str, Any] = model["metrics"].get("methods", {})
    questions = [question for question in _questions(model) if question.card_name in methods]
    if not questions:
        raise InputError(f"{service.url}: the model's card holds no metrics; `evaluate` before `publish`")
    figures: list[Figure] = []
    for question in questions:
        ask = _list_figures if question.of_lists else _similar_figures
        figures += ask(service, question, truth, methods[question.card_name])
    return figures


def _read_truth(data: Path, work: Path, split_seed: int) -> Truth:
    lists = load_prepared(work / "prepared").interactions
    split = split_interactions(lists, split_seed)
    pairs = zip(split.test_user_rows.tolist(), split.inputs, strict=True)
    known = [lists.part_of(user_row, input_rows) for user_row, input_rows in pairs]
    queries = read_similar_truth(find_dump(data), lists.anime_ids)
    return Truth(
        np.asarray(lists.anime_ids),
        lists.user_ids[split.test_user_rows].tolist(),
        known,
        split,
        [query for query in queries if not query.may_choose],
    )


def _refuse_insiders(service: AskedService, hold_out: bool, truth: Truth) -> None:
    statuses = {
        user: service.send("GET", f"/users/{user}/similar").status_code for user in truth.user_ids[:_N_PROBED]
    }
    knows = [user for user, status in statuses.items() if status == 200]
    if hold_out and not knows:
        return
    what = f"knows user {knows[0]}, who tests" if knows else "was not published with --hold-out"
    raise InputError(
        f"the model {what}: it has seen the answers; `python -m training publish --hold-out` makes one that has not"
    )


def _questions(model: dict[str, Any]) -> Iterator[Question]:
    network, default = model["network"], model["default_methods"]
    embedding = f"{network}, embedding"
    of_lists = {"ranked": RANKED, "items": ITEMS, "embedding": embedding, "neighbours": f"{network}, neighbours"}
    for collapse, names in ((False, of_lists), (True, {"ranked": COLLAPSED})):
        for method, name in names.items():
            yield Question(name, method, method == default["recommendations"], collapse, of_lists=True)
    similar = (
        (False, "ranked", _SIMILAR),
        (True, "ranked", f"{_SIMILAR}, one per franchise"),
        (False, "embedding", embedding),
    )
    for collapse, method, name in similar:
        yield Question(name, method, method == default["similar_anime"], collapse, of_lists=False)


def _list_figures(service: AskedService, question: Question, truth: Truth, card: dict[str, Any]) -> list[Figure]:
    next_anime = card.get("next_anime", {})
    if not truth.known or not next_anime:
        return []
    parameters = question.parameters(DEPTH)

    def ask(known: UserList) -> list[int]:
        return _ids(service.json("POST", "/recommendations", params=parameters, json=_body(known, truth)))

    with progress(question.label, len(truth.known), "lists") as update:
        answers = [np.array(ids, dtype=np.int64) for ids in ask_all(ask, truth.known, update)]
    wanted = [truth.anime_ids[rows] for rows in truth.split.targets]
    values = [list_metrics(ids, target_ids) for ids, target_ids in zip(answers, wanted, strict=True)]
    estimates = estimate_lists(pd.DataFrame(values, columns=list(LIST_METRICS)))
    figures = [
        Figure(question.label, name, Estimate(**estimates[name]), float(next_anime[name]["mean"]))
        for name in LIST_METRICS
    ]
    covered = float(len(np.unique(np.concatenate([ids[:_COVERED] for ids in answers]))))
    coverage = Estimate(covered, covered, covered, len(answers))
    return [
        *figures,
        Figure(question.label, "coverage_at_10", coverage, float(next_anime["coverage_at_10"]), judged=False),
    ]


def _similar_figures(service: AskedService, question: Question, truth: Truth, card: dict[str, Any]) -> list[Figure]:
    of_card = card.get("similar_anime", {}).get("ndcg_at_10")
    if not truth.queries or not of_card:
        return []
    parameters = question.parameters(SIMILAR_DEPTH)

    def ask(query: SimilarQuery) -> float:
        anime_id = int(truth.anime_ids[query.anime_row])
        similar_ids = truth.anime_ids[query.similar_rows].tolist()
        gain_of = dict(zip(similar_ids, query.gains.tolist(), strict=True))
        answer = _ids(service.json("GET", f"/anime/{anime_id}/similar", params=parameters))
        gains = [gain_of.get(identity, 0.0) for identity in answer]
        return graded_ndcg_at(SIMILAR_DEPTH, gains, list(gain_of.values()))

    with progress(question.label, len(truth.queries), "queries") as update:
        values = ask_all(ask, truth.queries, update)
    return [Figure(question.label, "similar ndcg_at_10", estimate_mean(np.array(values)), float(of_card["mean"]))]


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


def print_figures(figures: list[Figure]) -> None:
    """Print what was measured beside the card."""
    table = Table()
    for heading in ("asked", "metric", "over HTTP", "95 %", "on the card", "difference"):
        table.add_column(heading, no_wrap=True)
    asked = ""
    for figure in figures:
        measured, digits = figure.measured, 4 if figure.judged else 0
        if asked and figure.asked != asked:
            table.add_section()
        table.add_row(
            "" if figure.asked == asked else figure.asked,
            figure.metric,
            f"{measured.mean:.{digits}f}",
            f"±{measured.high - measured.mean:.3f}" if figure.judged else "",
            f"{figure.card:.{digits}f}",
            f"{figure.difference:+.{digits}f}{' !' if figure.differs else ''}",
        )
        asked = figure.asked
    Console(highlight=False, width=140).print(table)


def main() -> None:
    """Measure, print, and fail where the card does not say what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__.partition("\n")[0])
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="of the running service [%(default)s]")
    parser.add_argument("--data", type=Path, required=True, help="folder of the dump")
    parser.add_argument("--work", type=Path, default=Path("runs/latest"), help="folder of the run [%(default)s]")
    parser.add_argument("--wait", type=float, default=0.0, help="seconds to wait for the service [%(default)s]")
    options = parser.parse_args()
    try:
        with contextlib.closing(AskedService(options.url)) as service:
            service.wait_until_ready(options.wait)
            figures = measure(service, options.data, options.work)
    except (InputError, ServiceFaultError) as error:
        sys.exit(f"error: {' '.join(str(error).split())}")
    print_figures(figures)
    differing = sum(figure.differs for figure in figures)
    if differing:
        sys.exit(f"error: {differing} of {len(figures)} figures differ from the card by more than {TOLERANCE}")


if __name__ == "__main__":
    main()
