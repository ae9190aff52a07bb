"""Light and dark, phone and desktop, keyboard and screen reader; and nobody else is asked."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.service.clients.conftest import FOLDER
from tests.service.page.conftest import Visit

VIEWS = ["/", "/a/1", "/u/12", "/list", "/list#list=AQkDCg", "/together#list=AQk&with=BAo", "/map/1"]
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
DESKTOP = {"viewport": {"width": 1280, "height": 860}}


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core, which looks for what keeps people from using a page: https://github.com/dequelabs/axe-core."""
    path = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
    if not path.is_file():
        pytest.skip("axe-core is not installed: `make tools` does it")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_nothing_keeps_anybody_from_using_it(
    visit: Visit, axe: str, view: str, scheme: str, device: dict[str, Any]
) -> None:
    page = visit(view, color_scheme=scheme, **device)
    page.wait_for_selector("#cards article, #map-about article, #lead > .picker", state="attached")
    if page.locator("#filters").is_visible():
        page.click("#filters summary")
    page.evaluate(axe)
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    serious = [fault for fault in found["violations"] if fault["impact"] in {"serious", "critical"}]
    assert [(fault["id"], [node["html"] for node in fault["nodes"]][:3]) for fault in serious] == []
    # Nothing lies outside a narrow screen.
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_all_of_it_can_be_reached_by_keys(visit: Visit) -> None:
    page = visit("/a/1")
    page.wait_for_selector("#cards article")
    page.keyboard.press("Tab")
    expect(page.get_by_text("To the content")).to_be_focused()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.textContent.trim() || document.activeElement.id"))
    assert reached >= {"title", "Your list", "Map", "Seen it", "Not interested", "Least similar", "Synopsis"}


def test_without_a_service_it_says_so(visit: Visit) -> None:
    page = visit("/")
    page.wait_for_selector("#cards article")
    page.route("**/anime/**", lambda route: route.abort())
    page.locator("#cards h2 a").first.click()
    expect(page.locator("#status.failed")).to_have_text("The service does not answer. Is it running?")
