"""Every failure is an RFC 9457 problem with a stable code."""

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import httpx2 as httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from starlette.testclient import TestClient
from starlette.types import Message

from service.api.problems import EXAMPLES, KINDS, Problem
from service.app import create_app
from service.recommending import errors
from service.settings import Settings

INT64_OVERFLOW = 2**63

CASES: list[tuple[str, str, int, str]] = [
    ("GET", "/anime/99999999", 404, "unknown_anime"),
    ("GET", "/anime/99999999/similar", 404, "unknown_anime"),
    ("GET", "/anime/0/similar", 404, "unknown_anime"),
    ("GET", f"/anime/{INT64_OVERFLOW - 1}/similar", 404, "unknown_anime"),
    ("GET", "/users/99999999/similar", 404, "unknown_user"),
    ("GET", "/users/99999999/recommendations", 404, "unknown_user"),
    ("GET", f"/users/{INT64_OVERFLOW - 1}/similar", 404, "unknown_user"),
    ("GET", "/users/0/similar", 404, "unknown_user"),
    ("GET", "/nothing/here", 404, "unknown_path"),
    ("GET", "/anime/1/", 404, "unknown_path"),
    ("GET", "/page/nothing.js", 404, "unknown_path"),
    ("GET", "/page/../settings.py", 404, "unknown_path"),
    ("POST", "/anime/1/similar", 405, "method_not_allowed"),
    ("DELETE", "/model", 405, "method_not_allowed"),
    ("POST", "/page/page.js", 405, "method_not_allowed"),
    ("GET", f"/anime/{INT64_OVERFLOW}/similar", 422, "invalid_request"),
    ("GET", f"/users/{INT64_OVERFLOW}/similar", 422, "invalid_request"),
    ("GET", "/anime/-1/similar", 422, "invalid_request"),
    ("GET", "/anime/1.0/similar", 422, "invalid_request"),
    ("GET", "/anime/1_0/similar", 422, "invalid_request"),
    ("GET", "/anime/bebop", 422, "invalid_request"),
    ("GET", "/anime/%00", 422, "invalid_request"),
    ("GET", "/users/" + "9" * 5000 + "/similar", 422, "invalid_request"),
    ("GET", "/anime/1?limit=1", 422, "invalid_request"),
    ("GET", "/model?x", 422, "invalid_request"),
    ("GET", "/metrics?x=1", 422, "invalid_request"),
    ("GET", "/health/ready?x=1", 422, "invalid_request"),
]

FAULTY_QUERIES: list[tuple[str, str, str]] = [
    ("limit=0", "limit", "0"),
    ("limit=101", "limit", "101"),
    ("limit=ten", "limit", "ten"),
    ("limit=", "limit", ""),
    ("limit=1e1", "limit", "1e1"),
    ("limit=10&limit=20", "limit", "10 and 20"),
    ("offset=-1", "offset", "-1"),
    ("offset=1000001", "offset", "1000001"),
    ("order=random", "order", "random"),
    ("method=magic", "method", "magic"),
    ("type=Opera", "type", "Opera"),
    ("genre=Action&genre=Cooking", "genre", "Cooking"),
    ("exclude_genre=Cooking", "exclude_genre", "Cooking"),
    ("min_score=11", "min_score", "11"),
    ("min_score=nan", "min_score", "nan"),
    ("min_members=-5", "min_members", "-5"),
    ("year_from=1800", "year_from", "1800"),
    ("year_from=2010&year_to=2000", "year_from", "2010"),
    ("min_members=10&max_members=9", "min_members", "10"),
    ("exclude=1&exclude=two", "exclude", "two"),
    ("&".join(["exclude=1"] * 1001), "exclude", "1001 times"),
    ("include_adult=yes", "include_adult", "yes"),
    ("limt=10", "limt", "10"),
    ("limt=10&limt=20", "limt", "20"),
    ("LIMIT=10", "LIMIT", "10"),
    ("min_score=5&min_score=5", "min_score", "5 and 5"),
    ("&&limit=0&&", "limit", "0"),
    ("limit=0&type=TV&type=OVA", "limit", "0"),
    ("exclude=1&exclude=-1", "exclude", "-1"),
    ("limit=00", "limit", "00"),
    ("include_plan_to_watch=true", "include_plan_to_watch", "true"),
    ("include_disliked_franchises=true", "include_disliked_franchises", "true"),
]


def _problem(answer: httpx.Response) -> Problem:
    assert answer.headers["content-type"] == "application/problem+json"
    problem = Problem.model_validate_json(answer.content)
    assert problem.status == answer.status_code
    assert problem.type == f"urn:osusume:problem:{problem.code}"
    return problem


@pytest.mark.parametrize(("method", "path", "status", "code"), CASES)
def test_a_failure_is_a_problem(client: httpx.Client, method: str, path: str, status: int, code: str) -> None:
    answer = client.request(method, path)
    problem = _problem(answer)
    assert (answer.status_code, problem.code) == (status, code)
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(("query", "parameter", "received"), FAULTY_QUERIES)
def test_a_faulty_parameter_is_named_with_what_came(
    client: httpx.Client, query: str, parameter: str, received: str
) -> None:
    answer = client.get(f"/anime/1/similar?{query}")
    problem = _problem(answer)
    assert answer.status_code == 422
    assert parameter in problem.detail
    assert [(issue.parameter, issue.received) for issue in problem.errors or []] == [(parameter, received)]
    assert all(issue.expected for issue in problem.errors or [])


def test_a_problem_names_the_path_as_it_was_asked_for(client: httpx.Client) -> None:
    for path in ("/users/a%3Fb%23c/similar", "/users/%E3%82%AB%20b/similar", "/nothing%3F"):
        assert _problem(client.get(path)).instance == path


def test_a_query_that_is_no_utf_8_is_refused() -> None:
    """The service's own server lets none through; others do."""
    app = create_app(Settings(access_log=False))
    statuses: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        statuses.append(message.get("status", 0))

    path = {"method": "GET", "path": "/health/live", "raw_path": b"/health/live", "query_string": b"x=\xb4"}
    asyncio.run(app({"type": "http", "headers": [], "root_path": "", **path}, receive, send))
    assert statuses[0] == 422


def test_the_method_not_allowed_comes_with_those_that_are(client: httpx.Client) -> None:
    assert "GET" in client.post("/anime/1/similar").headers["allow"]


def test_an_unknown_genre_is_answered_with_the_known_ones(client: httpx.Client) -> None:
    problem = _problem(client.get("/anime?genre=Cooking"))
    assert "Action, Comedy, Drama, Hentai, Slice of Life" in (problem.errors or [])[0].expected


def test_a_mistyped_parameter_is_answered_with_the_one_meant(client: httpx.Client) -> None:
    assert _problem(client.get("/anime?limt=3")).hint == "did you mean limit?"


def test_every_fault_of_a_request_is_listed_at_once(client: httpx.Client) -> None:
    problem = _problem(client.get("/anime?limit=0&offset=-1&order=x"))
    assert {issue.parameter for issue in problem.errors or []} == {"limit", "offset", "order"}


def test_faults_of_the_path_and_of_the_query_are_listed_together(client: httpx.Client) -> None:
    problem = _problem(client.get("/users/x/recommendations?rule=best&anime_id=1"))
    assert [
        (issue.parameter, issue.expected.partition(";")[0], issue.received) for issue in problem.errors or []
    ] == [
        ("user_id", "a whole number from 0 to 9223372036854775807", "x"),
        ("rule", "one of weighted, top-quarter", "best"),
        ("anime_id", "no such parameter", "1"),
    ]
    assert [issue.parameter for issue in _problem(client.get("/anime/x/similar?order=best")).errors or []] == [
        "anime_id",
        "order",
    ]


@pytest.mark.parametrize("user_id", ["x", "1.0", "1_0", "+1", " 1", "%201", "-1", "9223372036854775808", "1/2"])
def test_where_user_ids_are_numbers_anything_else_is_refused(client: httpx.Client, user_id: str) -> None:
    (issue,) = _problem(client.get(f"/users/{user_id}/recommendations")).errors or []
    assert (issue.parameter, issue.received) == ("user_id", unquote(user_id))
    assert issue.expected == "a whole number from 0 to 9223372036854775807"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/anime"),
        ("GET", "/anime/1/similar"),
        ("GET", "/users/1/similar"),
        ("GET", "/users/1/recommendations"),
        ("POST", "/users/similar"),
        ("POST", "/recommendations"),
    ],
)
def test_no_route_takes_one_of_two_limits(client: httpx.Client, method: str, path: str) -> None:
    (issue,) = _problem(client.request(method, f"{path}?limit=1&limit=2")).errors or []
    assert (issue.parameter, issue.expected, issue.received) == ("limit", "given once", "1 and 2")


@pytest.mark.parametrize("path", ["/anime/1", "/model", "/health/live", "/health/ready", "/metrics"])
def test_where_there_are_no_parameters_that_is_said(client: httpx.Client, path: str) -> None:
    (issue,) = _problem(client.get(f"{path}?limit=1&limit=2")).errors or []
    assert (issue.parameter, issue.expected, issue.received) == ("limit", "no such parameter; known: none", "2")


def test_more_parameters_than_any_route_has_are_refused_as_too_many(client: httpx.Client) -> None:
    (issue,) = _problem(client.get("/anime?" + "&".join(f"p{number}" for number in range(1301)))).errors or []
    assert (issue.parameter, issue.expected) == ("query", "at most 1300 parameters")


def test_a_query_of_the_greatest_length_is_answered_and_a_longer_one_refused(client: httpx.Client) -> None:
    assert client.get("/anime", params={"query": "あ" * 200}).status_code == 200
    assert _problem(client.get("/anime", params={"query": "あ" * 201})).code == "invalid_request"


def test_a_thousand_ids_can_be_excluded(client: httpx.Client) -> None:
    ids = list(range(1, 1001))
    assert client.get("/anime/1/similar", params={"exclude": ids}).json()["pagination"]["total"] == 0


def _subclasses(kind: type[errors.ServiceError]) -> Iterator[type[errors.ServiceError]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def test_every_error_has_a_place_in_the_table_and_a_code_of_its_own() -> None:
    kinds = set(_subclasses(errors.ServiceError))
    assert kinds == set(KINDS)
    assert len({kind.code for kind in kinds}) == len(kinds)


def test_every_documented_example_is_a_problem() -> None:
    assert set(EXAMPLES) == set(KINDS) - {errors.ModelRefusedError}


@pytest.fixture
def broken_client() -> TestClient:
    """An application whose model breaks in a way nobody foresaw."""
    app: FastAPI = create_app(Settings(access_log=False))

    async def explode() -> None:
        raise RuntimeError("the password is swordfish")

    def half() -> Iterator[bytes]:
        yield b"half"
        raise RuntimeError("too late for a problem")

    async def explode_late() -> StreamingResponse:
        return StreamingResponse(half())

    app.get("/explode")(explode)
    app.get("/explode-late")(explode_late)
    return TestClient(app, raise_server_exceptions=True)


def test_an_unforeseen_error_says_nothing_of_itself(
    broken_client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer: Any = broken_client.get("/explode", headers={"x-request-id": "find-me"})
    assert (answer.status_code, _problem(answer).code) == (500, "internal_error")
    assert "swordfish" not in answer.text
    assert answer.headers["x-request-id"] == "find-me"
    (record,) = [record for record in caplog.records if record.exc_info]
    assert record.exc_info
    assert "swordfish" in str(record.exc_info[1])
    assert record.__dict__["fields"]["request_id"] == "find-me"


def test_an_error_in_the_midst_of_an_answer_is_left_to_the_server(broken_client: TestClient) -> None:
    with pytest.raises(RuntimeError, match="too late"):
        broken_client.get("/explode-late")
