"""The page's own routes."""

import re

import httpx2 as httpx
from pydantic import BaseModel

from service.api import answers as schemas

ANSWERS: list[tuple[str, type[BaseModel]]] = [
    ("/anime/1/similar", schemas.SimilarAnimeAnswer),
    ("/anime/1/similar?order=least&limit=100&include_adult=true", schemas.SimilarAnimeAnswer),
    ("/anime/1/similar?offset=1000", schemas.SimilarAnimeAnswer),
    ("/anime/28/similar?limit=100", schemas.SimilarAnimeAnswer),
    ("/anime", schemas.TitlesAnswer),
    ("/anime?query=cowboi+bebop", schemas.TitlesAnswer),
    ("/anime?query=nothing+is+called+like+this", schemas.TitlesAnswer),
    ("/anime/1", schemas.AnimeAnswer),
    ("/users/12/similar", schemas.SimilarUsersAnswer),
    ("/users/12/similar?order=least&offset=35", schemas.SimilarUsersAnswer),
    ("/users/12/recommendations", schemas.RecommendationsAnswer),
    ("/users/12/recommendations?method=neighbours&limit=100", schemas.RecommendationsAnswer),
    ("/users/12/recommendations?order=least&limit=100&include_adult=true", schemas.RecommendationsAnswer),
    ("/users/2/recommendations", schemas.RecommendationsAnswer),
    ("/users/7/recommendations?method=neighbours", schemas.RecommendationsAnswer),
    ("/model", schemas.ModelAnswer),
    ("/health/live", schemas.HealthAnswer),
    ("/health/ready", schemas.HealthAnswer),
]


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
