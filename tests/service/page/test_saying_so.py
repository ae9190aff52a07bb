"""What the visitor says of a card is in the ranking at once, and stays in their browser."""

from pathlib import Path

import httpx2 as httpx
from playwright.sync_api import Route, expect

from tests.service.page.conftest import Visit, titles
from tests.service.page.test_lists import ENTRIES, bring, names, posted


def test_what_does_not_interest_makes_room_and_stays_away(visit: Visit, client: httpx.Client, my_list: Path) -> None:
    page = visit("/list")
    bring(page, my_list)
    first, second, *_ = titles(page)
    anime_id = page.locator("#cards article").first.get_attribute("data-anime-id")
    page.get_by_role("button", name=f"Not interested: {first}").click()
    expect(page.locator("#cards h2 a")).to_have_text(names(client, ENTRIES, f"&exclude={anime_id}"))
    expect(page.locator("#cards h2 a").first).to_have_text(second)
    later = visit("/list", context=page.context)
    assert first not in titles(later)
    later.get_by_text("1 title not interesting to you").click()
    later.get_by_role("button", name=f"Show {first} again").click()
    expect(later.locator("#cards h2 a").first).to_have_text(first)


def test_what_does_not_interest_is_among_the_popular_no_longer(visit: Visit) -> None:
    page = visit("/")
    first, second, *_ = titles(page)
    page.get_by_role("button", name=f"Not interested: {first}").click()
    expect(page.locator("#cards h2 a").first).to_have_text(second)


def test_a_link_is_copied_with_all_that_is_shown(visit: Visit, my_list: Path) -> None:
    page = visit("/list?exclude_genre=Comedy", permissions=["clipboard-read", "clipboard-write"])
    bring(page, my_list)
    titles(page)
    page.get_by_role("button", name="Copy a link to this").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.url


def test_it_can_be_taken_back(visit: Visit) -> None:
    page = visit("/u/12")
    first = titles(page)[0]
    page.get_by_role("button", name=f"Not interested: {first}").click()
    expect(page.locator("#cards h2 a").first).not_to_have_text(first)
    expect(page.locator("#toast")).to_contain_text(f"{first} will not be shown again.")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#cards h2 a").first).to_have_text(first)


def test_what_was_seen_is_on_the_list_and_its_rating_counts(
    visit: Visit, client: httpx.Client, my_list: Path
) -> None:
    page = visit("/list")
    bring(page, my_list)
    first = titles(page)[0]
    anime_id = int(page.locator("#cards article").first.get_attribute("data-anime-id") or 0)
    with page.expect_request("**/recommendations?*") as sent:
        page.get_by_role("button", name=f"Seen it: {first}").click()
    entry = {"anime_id": anime_id, "status": "completed"}
    assert posted(sent.value) == [*ENTRIES, entry]
    expect(page.locator("#cards h2 a")).to_have_text(names(client, [*ENTRIES, entry]))
    expect(page.locator("#lead")).to_contain_text("5 entries")
    page.goto(f"/a/{anime_id}")
    page.locator(".subject select").select_option("3")
    page.goto("/list")
    rated = [*ENTRIES, {**entry, "rating": 3}]
    expect(page.locator("#cards h2 a")).to_have_text(names(client, rated))


def test_covers_are_loaded_only_once_the_visitor_allows_it(visit: Visit) -> None:
    page = visit("/a/1", foreign=True)
    asked: list[str] = []
    pixel = b"<svg xmlns='http://www.w3.org/2000/svg' width='2' height='3'/>"

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if "jikan" in route.request.url:
            images = {"webp": {"large_image_url": "https://cdn.myanimelist.net/images/1.webp"}}
            route.fulfill(json={"data": {"images": images}}, headers={"access-control-allow-origin": "*"})
        else:
            route.fulfill(body=pixel, content_type="image/svg+xml")

    page.route("https://*/**", answer)
    titles(page)
    page.wait_for_timeout(300)
    assert asked == []
    page.get_by_role("button", name="Show covers").click()
    expect(page.locator(".subject .poster img")).to_have_attribute("src", "https://cdn.myanimelist.net/images/1.webp")
    assert "https://api.jikan.moe/v4/anime/1" in asked
    # It is remembered, as is the address of each cover.
    asked.clear()
    page.goto("/a/1")
    expect(page.locator(".subject .poster img")).to_be_attached()
    assert "https://api.jikan.moe/v4/anime/1" not in asked
    page.get_by_role("button", name="Show covers").click()
    expect(page.locator(".poster img")).to_have_count(0)
