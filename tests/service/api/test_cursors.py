"""Pages that never repeat: a cursor is of one model, and says where the next page begins."""

import base64
from typing import Any

import httpx2 as httpx
import pytest

from service.api.cursors import MAX_OFFSET, read_cursor
from service.api.params import RecommendationsQuery
from service.api.rendering import write_cursor
from tests.service.small_bundle import VERSION

LIST = {"ratings": [{"anime_id": 1, "rating": 9}, {"anime_id": 13}]}


def _ask(client: httpx.Client, path: str, body: Any, **query: Any) -> httpx.Response:
    answer: httpx.Response = client.request("POST" if body else "GET", path, params=query, json=body)
    return answer


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/anime/1/similar", None),
        ("/anime", None),
        ("/users/12/similar", None),
        ("/users/12/recommendations", None),
        ("/recommendations", LIST),
        ("/users/similar", LIST),
    ],
)
def test_cursors_lead_through_a_list_without_repeating_or_missing_a_row(
    client: httpx.Client, path: str, body: Any
) -> None:
    whole = _ask(client, path, body, limit=100).json()
    assert whole["pagination"]["next_cursor"] is None
    rows: list[Any] = []
    query: dict[str, Any] = {}
    while True:
        page = _ask(client, path, body, limit=7, **query).json()
        rows += page["data"]
        if (cursor := page["pagination"]["next_cursor"]) is None:
            break
        query = {"cursor": cursor}
    assert rows == whole["data"]
    assert len(rows) > 14


def test_a_list_that_ends_with_a_page_has_no_next_one(client: httpx.Client) -> None:
    total = client.get("/anime/1/similar").json()["pagination"]["total"]
    ends = client.get(f"/anime/1/similar?limit=1&offset={total - 1}").json()
    assert ends["pagination"]["next_cursor"] is None


@pytest.mark.parametrize(("path", "body"), [("/anime/1/similar", None), ("/recommendations", LIST)])
def test_the_cursor_of_another_model_is_refused(client: httpx.Client, path: str, body: Any) -> None:
    cursor = write_cursor("20250101T000000Z-other-00000000", 10).decode()
    refused = _ask(client, path, body, cursor=cursor)
    assert refused.status_code == 410
    problem = refused.json()
    assert (problem["code"], problem["hint"]) == ("stale_cursor", "begin again without cursor")
    assert VERSION in problem["detail"]


@pytest.mark.parametrize(("path", "body"), [("/anime/1", None), ("/model", None), ("/users/compare", LIST)])
def test_a_route_without_pages_takes_no_cursor_of_whatever_model(client: httpx.Client, path: str, body: Any) -> None:
    refused = _ask(client, path, body, cursor=write_cursor("20250101T000000Z-other-00000000", 10).decode())
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["expected"].startswith("no such parameter")


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "AAAA", "§", base64.urlsafe_b64encode(b"0000000g1").decode(), "A" * 41]
    + [base64.urlsafe_b64encode(text).decode() for text in (b"00000000-1", b"00000000+1", b"0000000001")]
    + [write_cursor(VERSION, MAX_OFFSET + 1).decode()],
)
def test_what_is_no_cursor_is_refused(client: httpx.Client, cursor: str) -> None:
    refused = client.get("/anime/1/similar", params={"cursor": cursor})
    assert refused.status_code == 422
    (issue,) = refused.json()["errors"]
    assert (issue["parameter"], issue["received"]) == ("cursor", cursor)
    assert "next_cursor" in issue["expected"]


def test_a_cursor_and_an_offset_do_not_go_together(client: httpx.Client) -> None:
    cursor = client.get("/anime/1/similar?limit=1").json()["pagination"]["next_cursor"]
    refused = client.get("/anime/1/similar", params={"cursor": cursor, "offset": 3})
    (issue,) = refused.json()["errors"]
    assert (issue["parameter"], issue["received"]) == ("cursor", cursor)
    assert "no offset" in issue["expected"]


def test_a_cursor_is_read_as_it_was_written_and_means_its_offset() -> None:
    for offset in (1, 12, MAX_OFFSET):
        cursor = write_cursor(VERSION, offset).decode()
        assert read_cursor(cursor)[1] == offset
        assert cursor.isascii()
        # What was computed in advance for the offset is found for the cursor.
        assert RecommendationsQuery.model_validate({"cursor": cursor}) == RecommendationsQuery(offset=offset)
