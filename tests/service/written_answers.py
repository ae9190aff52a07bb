"""Answers of the small bundle as numbers, so that a change in scoring is seen beside numbers and not beside itself.

They are in written_answers.json. Where a change is meant, write them anew and review what differs:

    python -m tests.service.written_answers
"""

import json
import tempfile
from pathlib import Path
from typing import Any, Final

import httpx2 as httpx

from models.bundle.reader import Bundle
from models.scoring.user_list import list_of_user
from tests.service.running import running
from tests.service.small_bundle import make_bundle, publish

PATH: Final = Path(__file__).with_name("written_answers.json")
N_EXPLAINED: Final = 3
# The two most popular anime, a user the model knows, and one whose every second title is posted.
ANIME: Final = (4, 1)
NEW_ANIME: Final = 12  # of the new ones, that with the most members
KNOWN_USER, POSTED_USER = 72, 167
OF_LISTS: Final[list[tuple[str, str, str | None]]] = [
    ("similar_users", "embedding", None),
    ("recommendations", "embedding", None),
    ("recommendations", "popular", None),
    ("recommendations", "neighbours", "top-quarter"),
    ("recommendations", "neighbours", "weighted"),
    ("recommendations", "items", None),
    ("recommendations", "ranked", None),
]
QUESTIONS: Final[list[dict[str, Any]]] = (
    [
        {"kind": "similar_anime", "method": method, "rule": None, "unseen": False, "query_id": anime_id}
        for anime_id in ANIME
        for method in ("embedding", "ranked", "cosine")
    ]
    + [{"kind": "similar_anime", "method": "content", "rule": None, "unseen": False, "query_id": NEW_ANIME}]
    + [
        {"kind": kind, "method": method, "rule": rule, "unseen": unseen, "query_id": user_id}
        for unseen, user_id in ((False, KNOWN_USER), (True, POSTED_USER))
        for kind, method, rule in OF_LISTS
    ]
)


def ask(client: httpx.Client, bundle: Bundle, question: dict[str, Any]) -> dict[str, Any]:
    """Ask a service; give the numbers of its answer, best first, and why the first few are recommended."""
    kind, query_id = question["kind"], question["query_id"]
    asked = {key: question[key] for key in ("method", "rule") if question[key]}
    if kind != "similar_users":
        asked |= {"include_adult": True, "collapse_franchise": False}
    if kind == "recommendations":
        asked["include_disliked_franchises"] = True
    if question["unseen"]:
        path = {"recommendations": "/recommendations", "similar_users": "/users/similar"}[kind]
        answer = client.post(path, params=asked, json={"ratings": _every_second(bundle, query_id)})
    elif kind == "similar_anime":
        answer = client.get(f"/anime/{query_id}/similar", params=asked)
    else:
        what = {"recommendations": "recommendations", "similar_users": "similar"}[kind]
        answer = client.get(f"/users/{query_id}/{what}", params=asked)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    if kind != "similar_users":
        assert body["method"] == question["method"]
    id_of, score_of = {
        "similar_anime": ("anime_id", "similarity"),
        "similar_users": ("user_id", "similarity"),
        "recommendations": ("anime_id", "score"),
    }[kind]
    numbers: dict[str, Any] = {"rows": [[row[id_of], row[score_of]] for row in body["data"]]}
    if kind == "similar_users":
        numbers["in_common"] = [row["anime_in_common"] for row in body["data"]]
    if kind == "recommendations":
        assert body["rule"] == question["rule"]
        numbers["why"] = [_why(row) for row in body["data"][:N_EXPLAINED]]
    return numbers


def _every_second(bundle: Bundle, user_id: int) -> list[dict[str, int | None]]:
    user_list = list_of_user(bundle, bundle.user_ids.tolist().index(user_id))
    columns = (bundle.anime_ids[user_list.anime_rows], user_list.ratings, user_list.statuses)
    entries = list(zip(*(column.tolist() for column in columns), strict=True))[::2]
    return [{"anime_id": entry[0], "rating": entry[1], "status": entry[2] or None} for entry in entries]


def _why(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "because": [[reason["anime_id"], reason["contribution"]] for reason in row["because"]],
        "supporters": [[who["user_id"], who["similarity"], who["rating"]] for who in row["supporters"]],
        "n_supporters": row["n_supporters"],
        "notes": row["notes"],
    }


def main() -> None:
    """Write the answers anew."""
    with tempfile.TemporaryDirectory() as folder:
        publish(Path(folder))
        bundle = make_bundle()
        with running(Path(folder)) as url, httpx.Client(base_url=url) as client:
            answers = [question | ask(client, bundle, question) for question in QUESTIONS]
    fields = [
        ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in answer.items()) for answer in answers
    ]
    PATH.write_text("[{\n" + "\n}, {\n".join(fields) + "\n}]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
