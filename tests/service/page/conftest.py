"""The page in Debian's chromium, with a real service behind it."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

Visit = Callable[..., Page]


# Not longer than this package: as long as Playwright runs, no other test can start an event loop.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        message = "chromium is not installed: `apt-get install chromium` does it"
        if os.environ.get("OSUSUME_REQUIRE_BROWSER"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        # Root has no sandbox.
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def visit(browser: Browser, service_url: str) -> Iterator[Visit]:
    """Open the page as somebody new, or as who came before if their context is given.

    In the end the console has no error, and nobody but the service was asked, unless a test answers for others.
    """
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def watch(request: Request) -> None:
        if not request.url.startswith((service_url, "data:", "blob:")):
            faults.append(f"asked {request.url}")

    def open_page(path: str, *, context: BrowserContext | None = None, foreign: bool = False, **options: Any) -> Page:
        if context is None:
            context = browser.new_context(base_url=service_url, **options)
            context.set_default_timeout(20_000)
            contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        # What the service refuses, browsers report by themselves.
        page.on(
            "console",
            lambda message: (
                faults.append(message.text)
                if message.type == "error" and "Failed to load resource" not in message.text
                else None
            ),
        )
        if not foreign:
            page.on("request", watch)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def my_list(tmp_path: Path) -> Path:
    """A MyAnimeList export of five entries, one of which no model has."""
    rated = [
        (1, 9, "Completed"),
        (4, 10, "Completed"),
        (7, 0, "Watching"),
        (10, 2, "Dropped"),
        (99999999, 8, "Completed"),
    ]
    entries = "".join(
        f"<anime><series_animedb_id>{anime_id}</series_animedb_id>"
        f"<series_title><![CDATA[Title {anime_id}]]></series_title>"
        f"<my_score>{score}</my_score><my_status>{status}</my_status></anime>"
        for anime_id, score, status in rated
    )
    path = tmp_path / "animelist.xml"
    path.write_text(f'<?xml version="1.0"?><myanimelist><myinfo/>{entries}</myanimelist>', encoding="utf-8")
    return path


def titles(page: Page) -> list[str]:
    """Name the anime of the cards, once there are some."""
    page.wait_for_selector("#cards article")
    return page.locator("#cards h2 a").all_inner_texts()
