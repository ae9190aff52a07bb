"""Behind a reverse proxy that serves the service under /osusume: every address of the page leads back through it."""

import contextlib
import re
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin

import httpx2 as httpx
import pytest
from starlette.testclient import TestClient

from service.app import create_app
from service.settings import Settings
from tests.service.running import running

ROOT_PATH: Final = "/osusume"
INDEX: Final = Path(__file__).resolve().parents[3] / "service" / "page" / "index.html"


@contextlib.contextmanager
def _proxy(service_url: str, *, strips: bool) -> Iterator[str]:
    """Serve a service under /osusume, and nothing anywhere else; give the address of the proxy."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, question, query = self.path.partition("?")
            if not f"{path}/".startswith(f"{ROOT_PATH}/"):
                self.send_error(404, "not under the proxy's path")
                return
            if strips:
                path = path.removeprefix(ROOT_PATH) or "/"
            answer = session.get(f"{service_url}{path}{question}{query}")
            self.send_response(answer.status_code)
            self.send_header("content-type", answer.headers["content-type"])
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            pass

    with httpx.Client() as session, ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(30)


@pytest.fixture(scope="module")
def behind(store: Path) -> Iterator[str]:
    with running(store, OSUSUME_ROOT_PATH=ROOT_PATH) as url:
        yield url


@pytest.fixture(scope="module", params=[True, False], ids=["strips", "does not strip"])
def proxy(request: pytest.FixtureRequest, behind: str) -> Iterator[str]:
    with _proxy(behind, strips=request.param) as url:
        yield url


class _Addresses(HTMLParser):
    """What a browser would load or could be led to from a page."""

    def __init__(self, page: httpx.Response) -> None:
        super().__init__()
        self.base = str(page.url)
        self.found: list[str] = []
        self.feed(page.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if tag == "base" and name == "href":
                self.base = urljoin(self.base, value or "")
            elif name in {"href", "src"}:
                self.found.append(urljoin(self.base, value or ""))


def _get(url: str) -> httpx.Response:
    # Making ready for HTTPS would take longer than all the rest.
    answer: httpx.Response = httpx.get(url, verify=False)
    assert answer.status_code == 200, f"{url}: {answer.status_code}"
    return answer


@pytest.mark.parametrize("path", ["/osusume", "/osusume/", "/osusume?from=elsewhere"])
def test_everything_on_the_page_is_found_through_the_proxy(proxy: str, path: str) -> None:
    page = _get(f"{proxy}{path}")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    addresses = _Addresses(page)
    loaded = {url.partition("#")[0]: _get(url) for url in addresses.found}
    scripts = {url: script.text for url, script in loaded.items() if url.endswith(".js")}
    assert any(url.endswith("/docs") for url in loaded)
    assert any("text/css" in answer.headers["content-type"] for answer in loaded.values())
    # Modules name each other relative to themselves, and what they ask for relative to the page.
    todo = list(scripts)
    while todo:
        url = todo.pop()
        for name in re.findall(r'from "(.+?)"', scripts[url]):
            imported = urljoin(url, name)
            if imported not in scripts:
                scripts[imported] = _get(imported).text
                todo.append(imported)
    assert len(scripts) >= 5
    asked = {name for text in scripts.values() for name in re.findall(r'\bask\("(.+?)"', text)}
    assert asked == {"anime", "anime/map", "import", "model", "users/compare"}
    assert _get(urljoin(addresses.base, "model?")).json()["model_version"]
    similar = _get(urljoin(addresses.base, "anime/1/similar?limit=3&collapse_franchise=true")).json()
    assert len(similar["data"]) == 3


@pytest.mark.parametrize("path", ["/osusume/docs", "/osusume/docs/"])
def test_the_documentation_is_found_through_the_proxy(proxy: str, path: str) -> None:
    page = _get(f"{proxy}{path}")
    for url in _Addresses(page).found:
        _get(url)
    (document_url,) = re.findall(r"url: '(.+?)'", page.text)
    document = _get(urljoin(str(page.url), document_url)).json()
    # What it offers to try is asked of the proxy too.
    (server,) = document["servers"]
    assert server == {"url": "/osusume"}
    assert "/anime/{anime_id}" in document["paths"]
    _get(urljoin(str(page.url), f"{server['url']}/anime/1"))


def test_problems_name_the_address_outside(proxy: str) -> None:
    answer = httpx.get(f"{proxy}/osusume/anime/99999999")
    assert (answer.status_code, answer.json()["instance"]) == (404, "/osusume/anime/99999999")


def test_probes_that_do_not_know_the_proxy_are_answered(behind: str) -> None:
    assert _get(f"{behind}/health/ready").json()["status"] == "ready"
    assert "osusume_ready 1.0" in _get(f"{behind}/metrics").text


def _client(**settings: Any) -> httpx.Client:
    """Ask an application that never loads a model."""
    client: httpx.Client = TestClient(create_app(Settings(access_log=False, **settings)))
    return client


def test_a_path_that_only_begins_like_the_root_path_is_another() -> None:
    assert _client(root_path="/api").get("/apiary").json()["instance"] == "/api/apiary"


@pytest.mark.parametrize("path", ["/anime/1", "//anime/1", "/osusume/anime/1", "/osusume//anime/1"])
def test_a_slash_too_many_is_no_other_path(path: str) -> None:
    # As nginx leaves it: location /osusume { proxy_pass http://service/; }
    answer = _client(root_path="/osusume").get(f"http://testserver{path}")
    assert (answer.status_code, answer.json()["instance"]) == (503, "/osusume/anime/1")


def test_a_root_path_like_a_path_of_the_services_own_is_taken_for_stripped() -> None:
    client = _client(root_path="/anime")
    assert '<base href="/anime/">' in client.get("/").text
    # Title search and an anime's card, of a model that is not there.
    for path in ("/anime", "/anime/1"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["instance"]) == (503, f"/anime{path}")


def test_without_a_root_path_the_page_is_as_written_and_relative_to_the_root() -> None:
    answer = _client().get("/")
    assert answer.content == INDEX.read_bytes()
    base, *others = re.findall(r'(?:href|src)="(.*?)"', answer.text)
    assert base == "/"
    assert all(not url.startswith("/") for url in others)


@pytest.mark.parametrize("root_path", ["", "/osusume"])
def test_browsers_ask_whether_the_page_has_changed(root_path: str) -> None:
    client = _client(root_path=root_path)
    for path in ("/", "/page/page.js", "/page/style.css"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
        again = client.get(path, headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content, again.headers["cache-control"]) == (304, b"", "no-cache")


def test_another_page_has_another_etag() -> None:
    etags = {_client(**choice).get("/").headers["etag"] for choice in ({}, {"root_path": "/a"}, {"docs": False})}
    assert len(etags) == 3


def test_a_page_without_documentation_does_not_lead_there() -> None:
    client = _client(docs=False)
    page = client.get("/").text
    assert 'href="docs"' not in page
    assert "<nav>" not in page
    assert 'href="docs"' in _client().get("/").text
    for path in ("/docs", "/docs/", "/docs/assets/swagger-ui.css"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_path")
    assert client.get("/openapi.json").status_code == 200


@pytest.mark.parametrize("path", ["/page/nothing.js", "/page", "/page/", "/docs/assets/nothing.css", "/index.html"])
def test_a_part_that_is_not_there_is_a_problem(path: str) -> None:
    answer = _client().get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert (answer.json()["code"], answer.json()["instance"]) == ("unknown_path", path)
