"""Titles are suggested while one is typed."""

import httpx2 as httpx
from playwright.sync_api import Route, expect

from tests.service.page.conftest import Visit, titles


def test_it_begins_with_the_most_popular_and_more_brings_the_next_until_there_are_none(
    visit: Visit, client: httpx.Client
) -> None:
    page = visit("/")
    popular = [anime["name"] for anime in client.get("/anime?limit=100").json()["data"]]
    assert titles(page) == popular[:12]
    while page.locator("#more").is_visible():
        n_shown = page.locator("#cards article").count()
        page.click("#more")
        expect(page.locator("#cards article")).not_to_have_count(n_shown)
    assert titles(page) == popular


def test_the_suggestion_that_is_chosen_by_keys_is_shown_at_its_own_address(visit: Visit) -> None:
    page = visit("/")
    page.fill("#title", "shingeki")
    expect(page.locator("#suggestions li")).not_to_have_count(0)
    second = page.locator("#suggestions li").nth(1)
    name = second.locator("span").last.evaluate("span => span.firstChild.data")
    page.press("#title", "ArrowDown")
    page.press("#title", "ArrowDown")
    expect(second).to_have_attribute("aria-selected", "true")
    expect(page.locator("#title")).to_have_attribute("aria-activedescendant", second.get_attribute("id") or "")
    page.press("#title", "Enter")
    expect(page.locator("h1")).to_have_text(name)
    assert "/a/" in page.url
    # Who hears the page is told where they are.
    expect(page.locator("h1")).to_be_focused()
    assert page.title() == f"{name} · Osusume"


def test_a_suggestion_can_be_clicked_and_the_list_closes_by_escape_and_with_the_text(visit: Visit) -> None:
    page = visit("/")
    page.fill("#title", "bebop")
    page.wait_for_selector("#suggestions li")
    page.press("#title", "Escape")
    expect(page.locator("#suggestions")).to_be_hidden()
    page.fill("#title", "beb")
    page.wait_for_selector("#suggestions li")
    page.fill("#title", "")
    expect(page.locator("#suggestions")).to_be_hidden()
    page.fill("#title", "bebop")
    page.locator("#suggestions li").first.click()
    expect(page.locator("h1")).to_have_text("Cowboy Bebop")


def test_enter_takes_the_best_and_a_title_that_nobody_knows_is_said_to_be_none(visit: Visit) -> None:
    page = visit("/")
    page.fill("#title", "qqqqqqqq")
    expect(page.locator("#suggestions")).to_contain_text("No title is like “qqqqqqqq”.")
    page.fill("#title", "cowboy bebop")
    page.press("#title", "Enter")
    expect(page.locator("h1")).to_have_text("Cowboy Bebop")


def test_titles_found_for_what_was_typed_earlier_are_not_suggested_when_they_come_late(visit: Visit) -> None:
    page = visit("/")
    held: list[Route] = []
    page.route("**/anime?query=bebop*", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks its handlers
    page.fill("#title", "bebop")
    page.wait_for_timeout(300)
    page.fill("#title", "steins")
    expect(page.locator("#suggestions")).to_contain_text("Steins;Gate")
    assert held
    held[0].continue_()
    page.wait_for_timeout(300)
    expect(page.locator("#suggestions")).not_to_contain_text("Cowboy Bebop")
