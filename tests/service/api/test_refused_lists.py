"""Bodies that are no lists: refused with the place of every fault, and none breaks the service."""

import json
from collections.abc import Sequence
from typing import Final

import httpx2 as httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.api.bodies import read_list
from service.recommending.errors import InvalidRequestError, Issue
from tests.service.api.posted_lists import BUNDLE, CATALOGUE, JSON, ROUTES, post_list, problem_of

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
        problem = problem_of(answer)
        assert (answer.status_code, problem.code) == (422, "invalid_request")
        (issue,) = problem.errors or []
        assert issue.parameter == place
        assert issue.expected
        assert issue.received is None if received is None else received in (issue.received or "")


def test_a_field_that_belongs_in_the_query_string_is_sent_there(client: httpx.Client) -> None:
    answer = client.post("/recommendations", json={"ratings": [], "min_score": 8})
    assert "?min_score=" in (problem_of(answer).errors or [])[0].expected


def test_faults_are_listed_up_to_twenty_and_counted(client: httpx.Client) -> None:
    answer = client.post("/recommendations", json={"ratings": [{"anime_id": 1, "rating": 99}] * 500})
    problem = problem_of(answer)
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
    problem = problem_of(answer)
    assert (answer.status_code, problem.code) == (415, "unsupported_media_type")
    assert "application/json" in (problem.hint or "")


def test_json_may_name_its_charset(client: httpx.Client) -> None:
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    assert client.post("/recommendations", content=b'{"ratings": []}', headers=headers).status_code == 200


def test_the_longest_list_is_answered_and_a_longer_one_refused(client: httpx.Client) -> None:
    entries = [{"anime_id": anime_id, "rating": 10, "status": "plan_to_watch"} for anime_id in range(20_000)]
    answer = post_list(client, "/recommendations", entries)
    assert answer["list_summary"]["n_entries"] == 20_000
    assert len(answer["unknown_anime_ids"]) == 20_000 - len(BUNDLE.catalogue_ids)
    problem = problem_of(client.post("/recommendations", json={"ratings": [*entries, {"anime_id": 1}]}))
    ((issue,), code) = problem.errors or [], problem.code
    assert (code, issue.parameter, issue.received) == ("invalid_request", "ratings", "a list of 20001")


def test_a_body_that_is_too_large_is_refused(client: httpx.Client) -> None:
    for content in (b" " * (4_000_000 + 1), (b" " * 1_000_000 for _ in range(6))):
        answer = client.post("/recommendations", content=content, headers=JSON)
        assert (answer.status_code, problem_of(answer).code) == (413, "body_too_large")


@pytest.mark.parametrize("path", ROUTES)
def test_a_faulty_query_string_is_refused_before_a_body_is_looked_at(client: httpx.Client, path: str) -> None:
    answer = client.post(path, params={"limit": 0}, content=b"{", headers=JSON)
    assert [issue.parameter for issue in problem_of(answer).errors or []] == ["limit"]


@pytest.mark.parametrize("path", ["/users/12/recommendations", "/recommendations"])
def test_a_rule_is_refused_where_the_method_has_none(client: httpx.Client, path: str) -> None:
    for query in ("rule=weighted&method=embedding", "rule=top-quarter", "rule=weighted&method=popular"):
        url = f"{path}?{query}"
        answer = client.get(url) if "users" in path else client.post(url, json={"ratings": []})
        assert [issue.parameter for issue in problem_of(answer).errors or []] == ["rule"]


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
            assert problem_of(answer).errors
