"""What a client sends and gets back is cut: small answers, whatever came."""

import json
from typing import Any, Final

import httpx2 as httpx
import pytest

LONG: Final = "x" * 5_000
JSON: Final = {"content-type": "application/json"}

ASKED: Final[list[tuple[str, int, int]]] = [
    # What is asked, how many x come back at a time, how often.
    (f"/anime/{LONG}", 100, 1),
    (f"/anime/{LONG}/similar", 100, 1),
    (f"/users/{LONG}/similar", 100, 1),
    (f"/users/{LONG}/recommendations", 100, 1),
    (f"/anime?limit={LONG}", 100, 1),
    (f"/anime?min_score={LONG}", 100, 1),
    (f"/anime?min_members={LONG}", 100, 1),
    (f"/anime?include_adult={LONG}", 100, 1),
    (f"/anime?exclude={LONG}", 100, 1),
    (f"/anime?genre={LONG}", 100, 1),
    (f"/anime?genre={LONG[:100]}", 100, 1),
    (f"/anime?type={LONG}", 100, 1),
    (f"/anime?exclude_genre={LONG}", 100, 1),
    (f"/anime?query={LONG}", 100, 1),
    (f"/anime?limit={LONG}&limit={LONG}", 100, 1),
    (f"/anime/1/similar?order={LONG}", 100, 1),
    (f"/anime/1/similar?method={LONG}", 100, 1),
    (f"/users/12/recommendations?rule={LONG}", 100, 1),
    (f"/anime?unknown={LONG}", 100, 1),
    # In the detail and in the list of faults.
    (f"/anime?{LONG}=1", 50, 2),
    (f"/model?{LONG}", 50, 2),
]
BODIES: Final[list[tuple[Any, int, int]]] = [
    ({"ratings": [{"anime_id": LONG}]}, 100, 1),
    ({"ratings": [{"anime_id": 1, "rating": LONG}]}, 100, 1),
    ({"ratings": [{"anime_id": 1, "status": LONG}]}, 100, 1),
    ({"ratings": LONG}, 100, 1),
    (LONG, 100, 1),
    ({"ratings": [], LONG: 1}, 50, 2),
    ({"ratings": [{"anime_id": 1, LONG: 1}]}, 50, 2),
    ({"ratings": [], "unknown": LONG}, 100, 1),
    ({"ratings": [], "unknown": {LONG: LONG}}, 0, 0),
    ({"ratings": [], "unknown": [LONG]}, 0, 0),
]


def _check_cut(answer: httpx.Response, status: int, n_given_back: int, times: int) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    runs = [len(run) for run in "".join(c if c == "x" else " " for c in answer.text).split()]
    assert [run for run in runs if run > 10] == [n_given_back] * times
    assert len(answer.content) < 2_000


@pytest.mark.parametrize(("path", "n_given_back", "times"), ASKED, ids=[path[:30] for path, _, _ in ASKED])
def test_what_is_asked_for_comes_back_cut(client: httpx.Client, path: str, n_given_back: int, times: int) -> None:
    answer = client.get(path)
    instance = answer.json().pop("instance")
    assert len(instance) <= 200
    text = answer.text.replace(instance, "")
    _check_cut(httpx.Response(answer.status_code, headers=answer.headers, text=text), 422, n_given_back, times)


@pytest.mark.parametrize(
    ("body", "n_given_back", "times"), BODIES, ids=[json.dumps(body)[:30] for body, _, _ in BODIES]
)
def test_what_stands_in_a_body_comes_back_cut(client: httpx.Client, body: Any, n_given_back: int, times: int) -> None:
    for path in ("/recommendations", "/users/similar"):
        _check_cut(client.post(path, json=body), 422, n_given_back, times)


def test_a_media_type_comes_back_cut(client: httpx.Client) -> None:
    _check_cut(client.post("/recommendations", content=b"", headers={"content-type": LONG}), 415, 100, 1)
    headers = JSON | {"content-encoding": LONG}
    _check_cut(client.post("/recommendations", content=b"", headers=headers), 415, 100, 1)


def test_a_path_where_nothing_is_comes_back_cut(client: httpx.Client) -> None:
    # A slash and 199 more, in the detail and as the instance.
    _check_cut(client.get(f"/{LONG}"), 404, 199, 2)
    _check_cut(client.post(f"/{LONG}"), 404, 199, 2)
    answer = client.get("/" + "あ" * 2_000)
    assert answer.json()["instance"] == "/" + "%E3%81%82" * 199
    assert len(answer.content) < 3_000


def test_a_request_id_that_is_too_long_does_not_come_back(client: httpx.Client) -> None:
    assert client.get("/anime/1", headers={"x-request-id": LONG[:128]}).headers["x-request-id"] == LONG[:128]
    assert len(client.get("/anime/1", headers={"x-request-id": LONG[:129]}).headers["x-request-id"]) < 50


@pytest.mark.parametrize(
    ("query", "n_faults", "first"),
    [
        ("&".join(f"p{number}" for number in range(1_100)), 1_100, "p0"),
        ("&".join(f"p{number}=1" for number in range(21)), 21, "p0"),
        ("&".join(f"exclude=p{number}" for number in range(1_000)), 1_000, "exclude"),
        ("&".join(f"genre=p{number}" for number in range(50)), 50, "genre"),
        ("limit=0&" + "&".join(f"p{number}" for number in range(30)), 31, "limit"),
    ],
)
def test_faults_of_a_query_are_listed_up_to_twenty_and_counted(
    client: httpx.Client, query: str, n_faults: int, first: str
) -> None:
    answer = client.get(f"/anime?{query}")
    problem = answer.json()
    assert (answer.status_code, len(problem["errors"])) == (422, 20)
    assert problem["errors"][0]["parameter"] == first
    assert problem["hint"].endswith(f"{n_faults} faults in all, of which 20 are listed")
    assert len(problem["detail"]) < 200
    assert len(answer.content) < 8_000


def test_twenty_faults_are_all_listed_and_not_counted(client: httpx.Client) -> None:
    problem = client.get("/anime?" + "&".join(f"zz{number}" for number in range(20))).json()
    assert len(problem["errors"]) == 20
    assert "hint" not in problem


def test_a_mistyped_parameter_among_many_faults_is_answered_with_the_one_meant(client: httpx.Client) -> None:
    problem = client.get("/anime?limt=1&" + "&".join(f"p{number}" for number in range(30))).json()
    assert problem["hint"] == "did you mean limit?; 31 faults in all, of which 20 are listed"


@pytest.mark.parametrize("rating", ["99", "1e-40"])
def test_faults_of_a_body_are_named_up_to_twenty(client: httpx.Client, rating: str) -> None:
    entry = f'{{"anime_id": 1, "rating": {rating}}}'
    content = f'{{"ratings": [{", ".join([entry] * 500)}]}}'.encode()
    answer = client.post("/recommendations", content=content, headers=JSON)
    problem = answer.json()
    assert problem["detail"].count("ratings[") == len(problem["errors"]) == 20
    assert problem["hint"] == "500 faults in all, of which 20 are listed"
    assert len(answer.content) < 5_000
