"""The page's own routes."""

import re

import httpx2 as httpx


def test_the_page_and_the_docs_load_nothing_from_elsewhere(client: httpx.Client) -> None:
    for path in ("/", "/docs"):
        page = client.get(path)
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        for attribute in ('src="', 'href="', "url: '"):
            for found in page.text.split(attribute)[1:]:
                address = found.split(attribute[-1])[0]
                assert not address.startswith(("http", "//"))
                if not address.startswith("#"):
                    assert client.get(f"/{address.lstrip('/')}").status_code == 200, address


def test_every_part_of_the_page_is_there(client: httpx.Client) -> None:
    parts = {"page.js", "style.css", "parts.css"}
    for _ in range(3):
        sources = [client.get(f"/page/{part}") for part in sorted(parts)]
        assert {source.status_code for source in sources} == {200}
        parts |= {found for source in sources for found in re.findall(r'from "\./(\w+\.js)"', source.text)}
    assert parts >= {"api.js", "cards.js", "list_picker.js", "map_canvas.js", "suggestions.js"}


def test_every_view_has_an_address_that_shows_the_page(client: httpx.Client) -> None:
    page = client.get("/")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for path in ("/a/1", "/u/12", "/u/Zo%C3%AB%2F3", "/list", "/together?genre=Drama", "/map", "/map/1"):
        view = client.get(path)
        assert (view.status_code, view.text) == (200, page.text), path
        assert client.get(path, headers={"if-none-match": view.headers["etag"]}).status_code == 304
