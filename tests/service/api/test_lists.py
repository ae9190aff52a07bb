"""Lists in bodies: somebody the model never saw."""

import json
from collections.abc import Sequence
from typing import Any, Final

import httpx2 as httpx
import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from models.bundle.reader import Bundle
from models.scoring.user_list import Status, list_of_user
from service.api import answers as schemas
from service.api.bodies import read_list
from service.api.problems import Problem
from service.app import create_app
from service.recommending.catalogue import Catalogue
from service.recommending.errors import InvalidRequestError, Issue
from service.settings import Settings
from tests.service.small_bundle import N_USERS, make_bundle

BUNDLE: Final[Bundle] = make_bundle()
CATALOGUE: Final = Catalogue(BUNDLE)
ROUTES: Final = ["/recommendations", "/users/similar"]
JSON: Final = {"content-type": "application/json"}


def _entries_of(user_row: int) -> list[dict[str, Any]]:
    user_list = list_of_user(BUNDLE, user_row)
    columns = (BUNDLE.anime_ids[user_list.anime_rows], user_list.ratings, user_list.statuses)
    return [
        {"anime_id": anime_id, "rating": rating, "status": status or None}
        for anime_id, rating, status in zip(*(column.tolist() for column in columns), strict=True)
    ]


def _post(client: httpx.Client, path: str, entries: Any, **parameters: Any) -> dict[str, Any]:
    answer = client.post(path, json={"ratings": entries}, params=parameters)
    assert answer.status_code == 200, answer.text
    schema = schemas.ListRecommendationsAnswer if path == "/recommendations" else schemas.ListSimilarUsersAnswer
    schema.model_validate_json(answer.content, strict=True)
    body: dict[str, Any] = answer.json()
    return body


def _problem(answer: httpx.Response) -> Problem:
    assert answer.headers["content-type"] == "application/problem+json"
    problem = Problem.model_validate_json(answer.content)
    assert problem.status == answer.status_code
    return problem


@pytest.mark.parametrize("method", ["embedding", "neighbours"])
def test_a_stranger_with_a_known_users_list_gets_the_known_users_answer(client: httpx.Client, method: str) -> None:
    for user_row in range(2, N_USERS):
        user_id = int(BUNDLE.user_ids[user_row])
        asked: dict[str, Any] = {"method": method, "limit": 100}
        known = client.get(f"/users/{user_id}/recommendations", params=asked).json()
        posted = _post(client, "/recommendations", _entries_of(user_row), **asked)
        if method == "embedding":  # To neighbours, the stranger's nearest is the known user.
            assert [row["anime_id"] for row in posted["data"]] == [row["anime_id"] for row in known["data"]]
            assert posted["pagination"] == known["pagination"]
            for mine, theirs in zip(posted["data"], known["data"], strict=True):
                assert mine["score"] == pytest.approx(theirs["score"], abs=2e-6)
                assert [r["anime_id"] for r in mine["because"]] == [r["anime_id"] for r in theirs["because"]]
                assert mine["franchise"] == theirs["franchise"]
        listed = {entry["anime_id"] for entry in _entries_of(user_row)}
        assert not listed & {row["anime_id"] for row in posted["data"]}


def test_the_user_most_similar_to_a_known_users_list_is_that_user(client: httpx.Client) -> None:
    for user_row in range(2, N_USERS):
        user_id = int(BUNDLE.user_ids[user_row])
        posted = _post(client, "/users/similar", _entries_of(user_row), limit=100)
        assert posted["data"][0]["user_id"] == user_id
        assert posted["data"][0]["similarity"] == pytest.approx(1.0, abs=1e-5)
        assert posted["data"][0]["anime_in_common"] == len(list_of_user(BUNDLE, user_row).seen_rows)
        others = client.get(f"/users/{user_id}/similar", params={"limit": 100}).json()["data"]
        assert [row["user_id"] for row in posted["data"][1:]] == [row["user_id"] for row in others]
        assert posted["pagination"]["total"] == N_USERS


def test_entries_are_accounted_for(client: httpx.Client) -> None:
    entries = [
        {"anime_id": 1, "rating": 2, "status": "completed"},
        {"anime_id": 4},
        {"anime_id": 7, "rating": None, "status": "plan_to_watch"},
        {"anime_id": 999, "rating": 10},
        {"anime_id": 1, "rating": 9.0, "status": 4},
        {"anime_id": 998, "status": 6},
        {"anime_id": 9, "rating": 7},
        {"anime_id": 999},
    ]
    for path in ROUTES:
        answer = _post(client, path, entries)
        assert answer["list_summary"] == {
            "n_entries": 8,
            "n_seen": 2,
            "n_plan_to_watch": 1,
            "n_new": 1,
            "n_unknown": 2,
            "n_overruled": 2,
        }
        assert answer["new_anime_ids"] == [9]
        assert answer["unknown_anime_ids"] == [999, 998]
        assert answer["repeated_anime_ids"] == [1, 999]
        assert answer["no_evidence"] is None
        assert [note.split()[0] for note in answer["notes"]] == ["2", "1", "2"]


def test_of_an_anime_that_comes_twice_the_last_entry_counts() -> None:
    body = {"ratings": [{"anime_id": 4, "rating": 3}, {"anime_id": 1, "status": 6}, {"anime_id": 4, "rating": 8}]}
    posted = read_list(orjson.dumps(body), CATALOGUE)
    assert posted.user_list.anime_rows.tolist() == [0, 1]
    assert posted.user_list.ratings.tolist() == [0, 8]
    assert posted.user_list.statuses.tolist() == [Status.PLAN_TO_WATCH, Status.UNKNOWN]


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([], "empty_list"),
        ([{"anime_id": 2}, {"anime_id": 99999999}], "only_unknown_ids"),
        ([{"anime_id": 1, "status": "plan_to_watch"}, {"anime_id": 2}], "only_plan_to_watch"),
    ],
)
def test_a_list_that_says_nothing_gets_what_is_popular_and_is_told_why(
    client: httpx.Client, entries: list[dict[str, Any]], reason: str
) -> None:
    answer = _post(client, "/recommendations", entries, method="neighbours")
    assert (answer["method"], answer["rule"], answer["no_evidence"]) == ("popular", None, reason)
    assert "well-rated" in answer["notes"][0]
    assert len(answer["data"]) == 10
    assert 1 not in [row["anime_id"] for row in answer["data"] if reason == "only_plan_to_watch"]
    nobody = _post(client, "/users/similar", entries)
    assert (nobody["data"], nobody["no_evidence"], nobody["pagination"]["total"]) == ([], reason, 0)


def test_every_filter_and_all_paging_work_as_for_known_users(client: httpx.Client) -> None:
    entries = _entries_of(5)
    filters = {"type": "Movie", "year_from": 1995, "include_disliked_franchises": "true"}
    whole = _post(client, "/recommendations", entries, limit=100, **filters)["data"]
    assert whole
    assert all(row["type"] == "Movie" and row["year"] >= 1995 for row in whole)
    paged = []
    for offset in range(0, len(whole) + 3, 3):
        paged += _post(client, "/recommendations", entries, limit=3, offset=offset, **filters)["data"]
    assert paged == whole
    least = _post(client, "/recommendations", entries, limit=100, order="least", **filters)["data"]
    assert [row["score"] for row in least] == [row["score"] for row in reversed(whole)]


def test_an_answer_to_a_list_is_not_to_be_kept(client: httpx.Client) -> None:
    answer = client.post("/recommendations", json={"ratings": []}, headers={"if-none-match": "*"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers


FAULTS: Final[list[tuple[str, str, str | None]]] = [
    ("", "body", "nothing"),
    ("{", "body", "unexpected end"),
    ('{"ratings": [NaN]}', "body", "line 1 column 14"),
    ('{"ratings": [{"anime_id": 1, "rating": Infinity}]}', "body", "line 1"),
    ("\ufeff{}", "body", "line 1"),
    ("[" * 100_000, "body", ""),
    ("[]", "body", "a list of 0"),
    ("null", "body", "null"),
    ("7", "body", "7"),
    ("{}", "ratings", None),
    ('{"ratings": null}', "ratings", "null"),
    ('{"ratings": {"1": 9}}', "ratings", "an object"),
    ('{"ratings": [1]}', "ratings[0]", "1"),
    ('{"ratings": [{"anime_id": 1}, {}]}', "ratings[1].anime_id", None),
    ('{"ratings": [{"anime_id": "1"}]}', "ratings[0].anime_id", '"1"'),
    ('{"ratings": [{"anime_id": -1}]}', "ratings[0].anime_id", "-1"),
    ('{"ratings": [{"anime_id": 1.5}]}', "ratings[0].anime_id", "1.5"),
    ('{"ratings": [{"anime_id": true}]}', "ratings[0].anime_id", "true"),
    ('{"ratings": [{"anime_id": 9223372036854775808}]}', "ratings[0].anime_id", "9223372036854775808"),
    ('{"ratings": [{"anime_id": 1e400}]}', "body", ""),
    ('{"ratings": [{"anime_id": 1, "rating": 11}]}', "ratings[0].rating", "11"),
    ('{"ratings": [{"anime_id": 1, "rating": -1}]}', "ratings[0].rating", "-1"),
    ('{"ratings": [{"anime_id": 1, "rating": 8.5}]}', "ratings[0].rating", "8.5"),
    ('{"ratings": [{"anime_id": 1, "rating": 1e-40}]}', "ratings[0].rating", "1e-40"),
    ('{"ratings": [{"anime_id": 1, "rating": "9"}]}', "ratings[0].rating", '"9"'),
    ('{"ratings": [{"anime_id": 1, "rating": true}]}', "ratings[0].rating", "true"),
    ('{"ratings": [{"anime_id": 1, "rating": [9]}]}', "ratings[0].rating", "a list of 1"),
    ('{"ratings": [{"anime_id": 1, "status": "seen"}]}', "ratings[0].status", '"seen"'),
    ('{"ratings": [{"anime_id": 1, "status": 5}]}', "ratings[0].status", "5"),
    ('{"ratings": [{"anime_id": 1, "status": true}]}', "ratings[0].status", "true"),
    ('{"ratings": [{"anime_id": 1, "status": 2.5}]}', "ratings[0].status", "2.5"),
    ('{"ratings": [{"anime_id": 1, "raiting": 9}]}', "ratings[0].raiting", "9"),
    ('{"ratings": [], "limit": 5}', "limit", "5"),
    ('{"ratings": [], "else": {"a": {}}}', "else", "an object"),
]


@pytest.mark.parametrize(("body", "place", "received"), FAULTS, ids=[body[:60] for body, _, _ in FAULTS])
def test_a_faulty_body_is_refused_with_the_place_of_the_fault(
    client: httpx.Client, body: str, place: str, received: str | None
) -> None:
    for path in ROUTES:
        answer = client.post(path, content=body.encode(), headers=JSON)
        problem = _problem(answer)
        assert (answer.status_code, problem.code) == (422, "invalid_request")
        (issue,) = problem.errors or []
        assert issue.parameter == place
        assert issue.expected
        assert issue.received is None if received is None else received in (issue.received or "")


def test_a_field_that_belongs_in_the_query_string_is_sent_there(client: httpx.Client) -> None:
    answer = client.post("/recommendations", json={"ratings": [], "min_score": 8})
    assert "?min_score=" in (_problem(answer).errors or [])[0].expected


def test_faults_are_listed_up_to_twenty_and_counted(client: httpx.Client) -> None:
    answer = client.post("/recommendations", json={"ratings": [{"anime_id": 1, "rating": 99}] * 500})
    problem = _problem(answer)
    assert [issue.parameter for issue in problem.errors or []] == [f"ratings[{place}].rating" for place in range(20)]
    assert "500 faults" in (problem.hint or "")


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/csv"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": ""},
        {"content-type": "application/jsonp"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
def test_what_is_no_json_by_its_own_account_is_refused(client: httpx.Client, headers: dict[str, str]) -> None:
    answer = client.post("/recommendations", content=b'{"ratings": []}', headers=headers)
    problem = _problem(answer)
    assert (answer.status_code, problem.code) == (415, "unsupported_media_type")
    assert "application/json" in (problem.hint or "")


def test_json_may_name_its_charset(client: httpx.Client) -> None:
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    assert client.post("/recommendations", content=b'{"ratings": []}', headers=headers).status_code == 200


def test_the_longest_list_is_answered_and_a_longer_one_refused(client: httpx.Client) -> None:
    entries = [{"anime_id": anime_id, "rating": 10, "status": "plan_to_watch"} for anime_id in range(20_000)]
    answer = _post(client, "/recommendations", entries)
    assert answer["list_summary"]["n_entries"] == 20_000
    assert len(answer["unknown_anime_ids"]) == 20_000 - len(BUNDLE.catalogue_ids)
    problem = _problem(client.post("/recommendations", json={"ratings": [*entries, {"anime_id": 1}]}))
    ((issue,), code) = problem.errors or [], problem.code
    assert (code, issue.parameter, issue.received) == ("invalid_request", "ratings", "a list of 20001")


def test_a_body_that_is_too_large_is_refused(client: httpx.Client) -> None:
    for content in (b" " * (4_000_000 + 1), (b" " * 1_000_000 for _ in range(6))):
        answer = client.post("/recommendations", content=content, headers=JSON)
        assert (answer.status_code, _problem(answer).code) == (413, "body_too_large")


@pytest.mark.parametrize("path", ROUTES)
def test_a_faulty_query_string_is_refused_before_a_body_is_looked_at(client: httpx.Client, path: str) -> None:
    answer = client.post(path, params={"limit": 0}, content=b"{", headers=JSON)
    assert [issue.parameter for issue in _problem(answer).errors or []] == ["limit"]


@pytest.mark.parametrize("path", ["/users/12/recommendations", "/recommendations"])
def test_a_rule_is_refused_where_the_method_has_none(client: httpx.Client, path: str) -> None:
    for query in ("rule=weighted&method=embedding", "rule=top-quarter", "rule=weighted&method=popular"):
        url = f"{path}?{query}"
        answer = client.get(url) if "users" in path else client.post(url, json={"ratings": []})
        assert [issue.parameter for issue in _problem(answer).errors or []] == ["rule"]


def test_scripts_of_named_pages_may_post_lists() -> None:
    app = create_app(Settings(cors_origins=("https://a.example",), access_log=False))
    asked = {
        "origin": "https://a.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    answer = TestClient(app).options("/recommendations", headers=asked)
    assert answer.status_code == 200
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "content-type" in answer.headers["access-control-allow-headers"].lower()


def test_lists_are_posted_and_nothing_else(client: httpx.Client) -> None:
    for path in ROUTES:
        answer = client.get(path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
fields = st.sampled_from(["anime_id", "rating", "status", "ratings", "limit", "", "é"])
entries = st.dictionaries(fields, json_values | st.integers(0, 12), max_size=4)
bodies = st.one_of(
    st.binary(max_size=60),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.lists(entries | json_values, max_size=5).map(lambda rows: json.dumps({"ratings": rows}).encode()),
    st.dictionaries(fields, json_values, max_size=3).map(lambda value: json.dumps(value).encode()),
)


@settings(max_examples=300)
@given(body=bodies)
def test_any_body_is_read_or_refused_with_reasons(body: bytes) -> None:
    issues: Sequence[Issue] = ()
    try:
        posted = read_list(body, CATALOGUE)
    except InvalidRequestError as error:
        posted, issues = None, error.issues
    if posted is None:
        assert issues
        assert all(issue.parameter and issue.expected for issue in issues)
        return
    n_known = len(posted.user_list.anime_rows)
    assert (np.diff(posted.user_list.anime_rows) > 0).all()
    assert posted.user_list.ratings.max(initial=0) <= 10
    assert posted.n_seen + posted.n_planned == n_known
    assert n_known + len(posted.unknown_anime_ids) <= posted.n_entries


@settings(max_examples=100)
@given(body=bodies)
def test_no_body_breaks_the_service(client: httpx.Client, body: bytes) -> None:
    for path in ROUTES:
        answer = client.post(path, content=body, headers=JSON)
        assert answer.status_code in {200, 422}
        if answer.status_code == 422:
            assert _problem(answer).errors
