"""What the quality over HTTP is made of: ways to ask, answers by id, and figures beside the card's."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.scoring.user_list import Status, UserList
from training.errors import InputError
from training.evaluation.metrics import Estimate
from training.support.terminal import progress

# By how much a figure over HTTP may differ from the card's.
TOLERANCE: Final = 0.002
_N_CONNECTIONS: Final = 4
_TIMEOUT_S: Final = 60.0
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

    def query(self, limit: int, exclude: Sequence[int] = ()) -> str:
        """Write the query string; what `exclude` names cannot be an answer."""
        asked = {"limit": limit, "include_adult": "true", **self.parameters, "exclude": list(exclude)}
        return urllib.parse.urlencode(asked, doseq=True)


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


def ask_all(label: str, one: Callable[[Asked], Answered], questions: Sequence[Asked]) -> list[Answered]:
    """Ask on a few connections; return the answers in the order of the questions."""
    answers: list[Answered] = []
    with ThreadPoolExecutor(_N_CONNECTIONS) as pool, progress(label, len(questions), "questions") as update:
        for answer in pool.map(one, questions):
            answers.append(answer)
            update(len(answers))
    return answers


def body_of(known: UserList, anime_ids: NDArray[np.int64]) -> dict[str, Any]:
    """Write a list as the service takes it."""
    ids = anime_ids[known.anime_rows].tolist()
    entries = zip(ids, known.ratings.tolist(), known.statuses.tolist(), strict=True)
    return {
        "ratings": [
            {"anime_id": identity, "rating": rating, "status": None if status == Status.UNKNOWN else status}
            for identity, rating, status in entries
        ]
    }


def ids_of(answer: dict[str, Any]) -> NDArray[np.int64]:
    """Return the ids of the anime of an answer, best first."""
    return np.array([row["anime_id"] for row in answer["data"]], dtype=np.int64)
