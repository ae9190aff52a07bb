"""Lists of the small bundle's users as bodies, and what the service answers when they are posted."""

from typing import Any, Final

import httpx2 as httpx

from models.bundle.reader import Bundle
from models.scoring.user_list import list_of_user
from service.api import answers as schemas
from service.api.problems import Problem
from service.recommending.catalogue import Catalogue
from tests.service.small_bundle import make_bundle

BUNDLE: Final[Bundle] = make_bundle()
CATALOGUE: Final = Catalogue(BUNDLE)
ROUTES: Final = ["/recommendations", "/users/similar"]
JSON: Final = {"content-type": "application/json"}


def entries_of(user_row: int) -> list[dict[str, Any]]:
    """Give the list of a known user as the entries of a body."""
    user_list = list_of_user(BUNDLE, user_row)
    columns = (BUNDLE.anime_ids[user_list.anime_rows], user_list.ratings, user_list.statuses)
    return [
        {"anime_id": anime_id, "rating": rating, "status": status or None}
        for anime_id, rating, status in zip(*(column.tolist() for column in columns), strict=True)
    ]


def post_list(client: httpx.Client, path: str, entries: Any, **parameters: Any) -> dict[str, Any]:
    """Post a list; give the answer, which has to keep its schema."""
    answer = client.post(path, json={"ratings": entries}, params=parameters)
    assert answer.status_code == 200, answer.text
    schema = schemas.ListRecommendationsAnswer if path == "/recommendations" else schemas.ListSimilarUsersAnswer
    schema.model_validate_json(answer.content, strict=True)
    body: dict[str, Any] = answer.json()
    return body


def problem_of(answer: httpx.Response) -> Problem:
    """Give the problem that an answer tells of."""
    assert answer.headers["content-type"] == "application/problem+json"
    problem = Problem.model_validate_json(answer.content)
    assert problem.status == answer.status_code
    return problem
