"""Lists in bodies: somebody the model never saw."""

from typing import Any

import httpx2 as httpx
import orjson
import pytest
from starlette.testclient import TestClient

from models.scoring.user_list import Status, list_of_user
from service.api.bodies import read_list
from service.app import create_app
from service.settings import Settings
from tests.service.api.posted_lists import BUNDLE, CATALOGUE, ROUTES, entries_of, post_list
from tests.service.small_bundle import N_USERS


@pytest.mark.parametrize("method", ["embedding", "neighbours"])
def test_a_stranger_with_a_known_users_list_gets_the_known_users_answer(client: httpx.Client, method: str) -> None:
    for user_row in range(2, N_USERS):
        user_id = int(BUNDLE.user_ids[user_row])
        asked: dict[str, Any] = {"method": method, "limit": 100}
        known = client.get(f"/users/{user_id}/recommendations", params=asked).json()
        posted = post_list(client, "/recommendations", entries_of(user_row), **asked)
        if method == "embedding":  # To neighbours, the stranger's nearest is the known user.
            assert [row["anime_id"] for row in posted["data"]] == [row["anime_id"] for row in known["data"]]
            assert posted["pagination"] == known["pagination"]
            for mine, theirs in zip(posted["data"], known["data"], strict=True):
                assert mine["score"] == pytest.approx(theirs["score"], abs=2e-6)
                assert [r["anime_id"] for r in mine["because"]] == [r["anime_id"] for r in theirs["because"]]
                assert mine["franchise"] == theirs["franchise"]
        listed = {entry["anime_id"] for entry in entries_of(user_row)}
        assert not listed & {row["anime_id"] for row in posted["data"]}


def test_the_user_most_similar_to_a_known_users_list_is_that_user(client: httpx.Client) -> None:
    for user_row in range(2, N_USERS):
        user_id = int(BUNDLE.user_ids[user_row])
        posted = post_list(client, "/users/similar", entries_of(user_row), limit=100)
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
        answer = post_list(client, path, entries)
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


def test_a_list_of_dislikes_gets_what_is_popular_and_similar_users(client: httpx.Client) -> None:
    entries = [{"anime_id": 1, "rating": 2}, {"anime_id": 4, "status": "dropped"}]
    answer = post_list(client, "/recommendations", entries)
    assert (answer["method"], answer["no_evidence"]) == ("popular", "only_dislikes")
    assert answer["notes"][0].startswith("The list holds nothing but what was dropped or rated low.")
    alike = post_list(client, "/users/similar", entries)
    assert alike["no_evidence"] is None
    assert alike["data"]


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
    answer = post_list(client, "/recommendations", entries, method="neighbours")
    assert (answer["method"], answer["rule"], answer["no_evidence"]) == ("popular", None, reason)
    assert "well-rated" in answer["notes"][0]
    assert len(answer["data"]) == 10
    assert 1 not in [row["anime_id"] for row in answer["data"] if reason == "only_plan_to_watch"]
    nobody = post_list(client, "/users/similar", entries)
    assert (nobody["data"], nobody["no_evidence"], nobody["pagination"]["total"]) == ([], reason, 0)


def test_every_filter_and_all_paging_work_as_for_known_users(client: httpx.Client) -> None:
    entries = entries_of(5)
    filters = {"type": "Movie", "year_from": 1995, "include_disliked_franchises": "true"}
    whole = post_list(client, "/recommendations", entries, limit=100, **filters)["data"]
    assert whole
    assert all(row["type"] == "Movie" and row["year"] >= 1995 for row in whole)
    paged = []
    for offset in range(0, len(whole) + 3, 3):
        paged += post_list(client, "/recommendations", entries, limit=3, offset=offset, **filters)["data"]
    assert paged == whole
    least = post_list(client, "/recommendations", entries, limit=100, order="least", **filters)["data"]
    assert [row["score"] for row in least] == [row["score"] for row in reversed(whole)]


def test_an_answer_to_a_list_is_not_to_be_kept(client: httpx.Client) -> None:
    answer = client.post("/recommendations", json={"ratings": []}, headers={"if-none-match": "*"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers


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
