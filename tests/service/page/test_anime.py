"""An anime at its own address, and filters that its address holds."""

import httpx2 as httpx
import pytest
from playwright.sync_api import Route, expect

from tests.service.page.conftest import Visit, titles


def test_an_address_of_an_anime_shows_it_with_what_is_most_and_least_like_it(
    visit: Visit, client: httpx.Client
) -> None:
    page = visit("/a/1")
    similar = client.get("/anime/1/similar?limit=12").json()["data"]
    assert titles(page) == [anime["name"] for anime in similar]
    expect(page.locator("h1")).to_have_text("Cowboy Bebop")
    expect(page.locator(".subject")).to_contain_text("カウボーイビバップ")
    share = round(100 * similar[0]["similarity"])
    expect(page.locator("#cards article").first).to_contain_text(f"{share} % likely that fans recommend it")
    page.get_by_role("link", name="Least similar").click()
    least = client.get("/anime/1/similar?limit=12&order=least").json()["data"]
    expect(page.locator("#cards h2 a").first).to_have_text(least[0]["name"])
    assert page.url.endswith("/a/1?order=least")
    page.go_back()
    expect(page.locator("#cards h2 a").first).to_have_text(similar[0]["name"])


def test_cards_show_gaps_as_gaps_and_titles_as_text(visit: Visit) -> None:
    page = visit("/a/28")
    expect(page.locator("h1")).to_have_text('Say "I love you," score: 5')
    page = visit("/a/22")
    expect(page.locator(".subject")).to_contain_text("No synopsis.")
    assert "null" not in page.locator("main").inner_text()


def test_new_anime_are_marked(visit: Visit) -> None:
    page = visit("/a/6")
    expect(page.locator(".subject")).to_contain_text("New: too few lists held it")
    page.goto("/?year_from=1981&year_to=1988")
    new = page.locator("#cards article", has_text="Hardly Known").first
    expect(new.locator(".badge")).to_have_text("new")


def test_links_lead_to_myanimelist_and_anilist(visit: Visit) -> None:
    page = visit("/a/1")
    links = page.locator(".subject .elsewhere a")
    assert [link.get_attribute("href") for link in links.all()] == [
        "https://myanimelist.net/anime/1",
        "https://anilist.co/search/anime?search=Cowboy+Bebop",
    ]


@pytest.mark.parametrize(
    ("path", "words"),
    [("/a/2", "anime 2 is not in the model"), ("/a/cat", "a whole number"), ("/u/1", "user 1 is not in the model")],
)
def test_what_the_service_refuses_is_said(visit: Visit, path: str, words: str) -> None:
    page = visit(path)
    expect(page.locator("#status.failed")).to_contain_text(words)


def test_a_known_user_is_shown_what_to_watch_and_why(visit: Visit, client: httpx.Client) -> None:
    page = visit("/")
    page.fill("#user", "12")
    page.press("#user", "Enter")
    best = client.get("/users/12/recommendations?limit=12").json()["data"]
    expect(page.locator("#cards h2 a").first).to_have_text(best[0]["name"])
    assert page.url.endswith("/u/12")
    supported = next(anime for anime in best if anime["because"])
    card = page.locator(f"#cards [data-anime-id='{supported['anime_id']}']")
    expect(card.locator(".because")).to_contain_text(f"Because of {supported['because'][0]['name']}")


def test_filters_are_held_by_the_address_and_shown_again_by_it(visit: Visit, client: httpx.Client) -> None:
    page = visit("/a/1")
    titles(page)
    page.click("#filters summary")
    page.select_option("#exclude_genre", "Action")
    page.select_option("#type", "TV")
    page.select_option("#type", "Movie")
    page.fill("#min_members", "500")
    page.press("#min_members", "Tab")
    page.locator("#collapse_franchise").uncheck()
    query = "exclude_genre=Action&type=TV&type=Movie&min_members=500&collapse_franchise=false"
    page.wait_for_url(f"**/a/1?{query}")
    expected = [anime["name"] for anime in client.get(f"/anime/1/similar?limit=12&{query}").json()["data"]]
    expect(page.locator("#cards h2 a")).to_have_text(expected)
    again = visit(f"/a/1?{query}")
    assert titles(again) == expected
    expect(again.locator("#n-filters")).to_have_text(" (5)")
    again.click("#filters summary")
    expect(again.locator("#type-chosen button")).to_have_text(["TV ✕", "Movie ✕"])
    expect(again.locator("#min_members")).to_have_value("500")
    again.get_by_role("button", name="Remove Movie").click()
    again.wait_for_url(lambda url: "Movie" not in url and "type=TV" in url)
    again.click("#clear-filters")
    again.wait_for_url("**/a/1")


def test_only_filters_that_a_list_takes_are_offered_and_sent(visit: Visit) -> None:
    page = visit("/?novelty=0.5&include_new=true&genre=Drama")
    assert titles(page)
    page.click("#filters summary")
    expect(page.locator("#novelty")).to_be_hidden()
    page = visit("/a/1?include_new=true")
    assert titles(page)
    page.click("#filters summary")
    expect(page.locator("#novelty")).to_be_visible()
    expect(page.locator("#include_new")).to_be_hidden()


def test_sliders_steer_towards_hidden_gems_and_variety(visit: Visit, client: httpx.Client) -> None:
    page = visit("/u/12")
    titles(page)
    page.click("#filters summary")
    page.locator("#novelty").fill("0.8")
    page.locator("#diversity").fill("0.5")
    page.wait_for_url("**/u/12?novelty=0.8&diversity=0.5")
    steered = client.get("/users/12/recommendations?limit=12&novelty=0.8&diversity=0.5").json()["data"]
    expect(page.locator("#cards h2 a")).to_have_text([anime["name"] for anime in steered])


def test_what_passes_no_filter_is_said(visit: Visit) -> None:
    page = visit("/a/1?year_from=2100")
    expect(page.locator("#status")).to_have_text("Nothing passes these filters.")


def test_an_answer_to_what_was_asked_earlier_is_not_shown_when_it_comes_late(visit: Visit) -> None:
    page = visit("/")
    titles(page)
    held: list[Route] = []
    page.route("**/anime/1/similar*", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks its handlers
    page.evaluate("history.pushState(null, '', '/a/1'); dispatchEvent(new Event('navigate-here'))")
    page.wait_for_timeout(400)
    page.evaluate("history.pushState(null, '', '/a/4'); dispatchEvent(new Event('navigate-here'))")
    expect(page.locator("#cards article")).to_have_count(12)
    shown = titles(page)
    held[0].continue_()
    page.wait_for_timeout(300)
    assert titles(page) == shown
    expect(page.locator("h1")).to_have_text("Shingeki no Kyojin")
