"""Two lists side by side."""

from pathlib import Path

import httpx2 as httpx
from playwright.sync_api import expect

from tests.service.page.conftest import Visit, titles
from tests.service.page.test_lists import ENTRIES, bring

OTHERS = [{"anime_id": 1, "rating": 8}, {"anime_id": 4, "rating": 3}, {"anime_id": 13, "rating": 10}]


def test_two_lists_are_compared_and_answered_together(
    visit: Visit, client: httpx.Client, my_list: Path, tmp_path: Path
) -> None:
    page = visit("/together")
    bring(page, my_list)
    expect(page.locator(".sides")).to_contain_text("animelist.xml: 4 entries")
    theirs = tmp_path / "theirs.csv"
    theirs.write_text("anime_id,rating\n1,8\n4,3\n13,10\n", encoding="utf-8")
    page.locator("form[aria-label='Their list'] input[type=file]").set_input_files(theirs)
    body = {"lists": [{"name": "you", "ratings": ENTRIES}, {"name": "them", "ratings": OTHERS}]}
    group = client.post("/recommendations/group?limit=12", json=body).json()["data"]
    assert titles(page) == [anime["name"] for anime in group]
    first = page.locator("#cards article").first
    for member, name in zip(group[0]["lists"], ("you", "them"), strict=True):
        expect(first).to_contain_text(f"No. {member['rank']} for {name}")
    compared = client.post("/users/compare", json=body).json()
    expect(page.locator(".compared .score")).to_contain_text(f"{round(100 * compared['score'])} of 100 pairs")
    expect(page.locator(".compared")).to_contain_text("Shingeki no Kyojin")
    # Whoever gets the address sees the same.
    assert titles(visit(page.url)) == [anime["name"] for anime in group]


def test_filters_apply_to_both_together(visit: Visit, my_list: Path) -> None:
    page = visit("/together?genre=Drama&include_new=true#list=AQk&with=BAo")
    assert titles(page)
    for genres in page.locator("#cards .genres").all_inner_texts():
        assert genres
    page.click("#filters summary")
    expect(page.locator("#include_new")).to_be_hidden()
    expect(page.locator("#novelty")).to_be_visible()
