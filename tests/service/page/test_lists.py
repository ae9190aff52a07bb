"""A list that somebody brings: read by the service, held by the address and kept by the browser."""

import json
import re
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from playwright.sync_api import Page, Request, expect

from tests.service.page.conftest import Visit, titles

ENTRIES = [
    {"anime_id": 1, "rating": 9, "status": "completed"},
    {"anime_id": 4, "rating": 10, "status": "completed"},
    {"anime_id": 7, "status": "watching"},
    {"anime_id": 10, "rating": 2, "status": "dropped"},
]


def bring(page: Page, path: Path) -> None:
    page.locator(".picker input[type=file]").first.set_input_files(path)


def paste(page: Page, text: str) -> None:
    page.get_by_text("Paste titles").click()
    page.locator(".picker textarea").fill(text)
    page.get_by_role("button", name="Find them").click()


def posted(request: Request) -> Any:
    return json.loads(request.post_data or "")["ratings"]


def names(client: httpx.Client, ratings: Any, query: str = "") -> list[str]:
    answer = client.post(f"/recommendations?limit=12{query}", json={"ratings": ratings}).json()
    return [anime["name"] for anime in answer["data"]]


def test_a_file_is_answered_with_what_to_watch_next_and_why(
    visit: Visit, client: httpx.Client, my_list: Path
) -> None:
    page = visit("/list")
    bring(page, my_list)
    assert titles(page) == names(client, ENTRIES)
    expect(page.locator("#lead")).to_contain_text("animelist.xml: 4 entries")
    expect(page.locator("#cards .because").first).to_contain_text("Because of")
    expect(page.locator("#cards .strength").first).to_contain_text(
        re.compile(r"\d in \d+ with your taste have seen it")
    )
    page.get_by_text("1 entry could not be used").click()
    expect(page.locator("#lead")).to_contain_text("Title 99999999")


def test_the_address_holds_the_list_for_whoever_gets_it(visit: Visit, client: httpx.Client, my_list: Path) -> None:
    page = visit("/list")
    bring(page, my_list)
    titles(page)
    page.click("#filters summary")
    page.select_option("#exclude_genre", "Comedy")
    page.wait_for_url("**/list?exclude_genre=Comedy#list=*")
    somebody_else = visit(page.url)
    assert titles(somebody_else) == names(client, ENTRIES, "&exclude_genre=Comedy")
    expect(somebody_else.locator("h1")).to_have_text("For a shared list")
    # It is not theirs until they say so.
    somebody_else.goto("/list")
    expect(somebody_else.locator(".picker")).to_be_visible()


def test_the_list_stays_in_the_browser_until_it_is_to_be_forgotten(visit: Visit, my_list: Path) -> None:
    page = visit("/list")
    bring(page, my_list)
    shown = titles(page)
    later = visit("/", context=page.context)
    later.get_by_text("Go on with your list").click()
    expect(later.locator("h1")).to_have_text("For you")
    assert titles(later) == shown
    later.get_by_role("button", name="Forget it").click()
    expect(later.locator(".picker")).to_be_visible()


def test_titles_that_are_not_sure_count_only_when_they_are_ticked(visit: Visit) -> None:
    page = visit("/list")
    paste(page, "Cowboy Bebop, 9\nShingeki no Kyojinn\nSteins Gaet zero\nqqqqqqqq")
    review = page.locator(".review")
    expect(review).to_contain_text("Is this what you meant?")
    ticks = review.locator("input[type=checkbox]")
    assert ticks.count() >= 1
    assert not any(tick.is_checked() for tick in ticks.all())
    ticks.first.check()
    with page.expect_request("**/recommendations?*") as sent:
        review.get_by_role("button", name="Go on").click()
    ratings = posted(sent.value)
    assert {"anime_id": 1, "rating": 9} in ratings
    assert titles(page)


def test_what_is_no_list_is_said(visit: Visit, tmp_path: Path) -> None:
    page = visit("/list")
    path = tmp_path / "page.xml"
    path.write_text("<!doctype html><html><body>Sign in</body></html>", encoding="utf-8")
    bring(page, path)
    expect(page.locator("#status.failed")).not_to_be_empty()
    paste(page, "qqqqqqqq\nxxxxxxxx")
    expect(page.locator(".review")).to_contain_text("Nothing of this can be used")
    page.get_by_text("2 entries could not be used").click()
    expect(page.locator(".review")).to_contain_text("qqqqqqqq")


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["mal_1.xml", "mal_3.xml", "kitsu_1.xml", "anilist_gdpr_lists.json"])
def test_every_entry_of_real_exports_counts_or_is_listed(visit: Visit, mal_data: Path, name: str) -> None:
    page = visit("/list")
    with page.expect_response("**/import") as answered:
        bring(page, mal_data / "exports" / name)
    found = answered.value.json()
    expect(page.locator("#lead")).to_contain_text(f"{len(found['unmatched']):,} entries could not be used")
    if found["ratings"]:
        assert titles(page)


def test_the_name_of_an_account_is_asked_of_anilist_by_the_browser_and_only_then(visit: Visit) -> None:
    page = visit("/list", foreign=True)
    asked: list[Request] = []
    media = {"idMal": 1, "title": {"romaji": "Cowboy Bebop", "english": None}}
    lists = [{"entries": [{"status": "COMPLETED", "score": 9, "media": media}]}]
    page.on("request", lambda request: asked.append(request) if "anilist" in request.url else None)
    page.route(
        "https://graphql.anilist.co/**",
        lambda route: route.fulfill(
            json={"data": {"MediaListCollection": {"lists": lists}}}, headers={"access-control-allow-origin": "*"}
        ),
    )
    page.get_by_text("Take it from AniList").click()
    page.fill("[placeholder='AniList user name']", "someone")
    assert asked == []
    page.get_by_role("button", name="Ask AniList").click()
    expect(page.locator("#lead")).to_contain_text("someone on AniList: 1 entry")
    assert json.loads(asked[-1].post_data or "")["variables"] == {"name": "someone"}


@pytest.mark.parametrize(
    ("status", "words"), [(404, "AniList has no user someone"), (None, "AniList does not answer")]
)
def test_what_anilist_refuses_is_said(visit: Visit, status: int | None, words: str) -> None:
    page = visit("/list", foreign=True)
    page.route(
        "https://graphql.anilist.co/**",
        lambda route: (
            route.fulfill(status=status, json={}, headers={"access-control-allow-origin": "*"})
            if status
            else route.abort()
        ),
    )
    page.get_by_text("Take it from AniList").click()
    page.fill("[placeholder='AniList user name']", "someone")
    page.get_by_role("button", name="Ask AniList").click()
    expect(page.locator("#status.failed")).to_contain_text(words)


def test_a_list_in_an_address_is_the_list_that_went_in(visit: Visit) -> None:
    page = visit("/")
    lists = [
        [],
        [{"anime_id": 0}],
        [{"anime_id": 127}, {"anime_id": 128, "rating": 1}, {"anime_id": 16511, "rating": 10, "status": "dropped"}],
        [{"anime_id": 5, "status": "plan_to_watch"}, {"anime_id": 2**53 - 1, "rating": 7, "status": "on_hold"}],
        [{"anime_id": place * place * 37, "rating": place % 10 + 1, "status": "completed"} for place in range(1000)],
    ]
    there_and_back = "async (lists) => { const { packed, unpacked } = await import('/page/state.js');"
    assert page.evaluate(there_and_back + "return lists.map((list) => unpacked(packed(list))); }", lists) == lists
    # About three bytes an entry, written in four letters.
    assert page.evaluate(there_and_back + "return packed(lists[4]).length; }", lists) < 6000
    damaged = ["%%%", "A", "gICAgICAgICAgICAgICA", "____"]
    assert page.evaluate(there_and_back + "return lists.map((text) => unpacked(text).length <= 2); }", damaged)


def test_a_list_can_be_made_of_what_is_seen(visit: Visit, client: httpx.Client) -> None:
    page = visit("/a/1")
    page.locator(".subject").get_by_role("button", name="Seen it: Cowboy Bebop").click()
    page.locator(".subject select").select_option("9")
    page.get_by_role("link", name="Your list").click()
    entry = {"anime_id": 1, "rating": 9, "status": "completed"}
    expect(page.locator("#cards h2 a")).to_have_text(names(client, [entry]))
