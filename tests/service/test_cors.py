"""What scripts of other pages may read: every answer, also where something went wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx2 as httpx
import pytest

from service.app import create_app
from service.recommending.recommendations import Recommender
from service.settings import Settings
from tests.service.running import serving

PAGE: Final = "https://a.example"


@pytest.fixture(scope="module")
def script(store: Path) -> Iterator[httpx.Client]:
    """A client that asks the way a browser does for a page's script."""
    app = create_app(Settings(store=store, access_log=False, cors_origins=(PAGE, "https://b.example")))
    with serving(app) as url, httpx.Client(base_url=url, headers={"origin": PAGE}) as client:
        yield client


def _check_readable(answer: httpx.Response) -> None:
    assert answer.headers["access-control-allow-origin"] == PAGE
    exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert exposed == {"etag", "x-request-id", "retry-after"}
    assert answer.headers["x-request-id"]
    # What depends on who asks must not be given to others by a cache.
    assert "origin" in answer.headers["vary"].lower()


def test_a_script_may_read_that_something_broke(script: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: Any) -> None:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr(Recommender, "page", break_down)
    for answer in (
        script.get("/users/12/recommendations", headers={"x-request-id": "find-me"}),
        script.post("/recommendations", json={"ratings": []}, headers={"x-request-id": "find-me"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert answer.headers["x-request-id"] == "find-me"
        assert "swordfish" not in answer.text
        _check_readable(answer)
    assert 'route="/recommendations",status="500"} 1.0' in script.get("/metrics").text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/anime/1", 200),
        ("GET", "/anime/99999999", 404),
        ("GET", "/nowhere", 404),
        ("DELETE", "/model", 405),
        ("POST", "/recommendations", 415),
        ("GET", "/anime?limit=0", 422),
    ],
)
def test_a_script_may_read_every_failure(script: httpx.Client, method: str, path: str, status: int) -> None:
    answer = script.request(method, path)
    assert answer.status_code == status
    _check_readable(answer)


def test_a_script_may_read_that_nothing_has_changed(script: httpx.Client) -> None:
    etag = script.get("/anime/1").headers["etag"]
    for _ in range(2):
        answer = script.get("/anime/1", headers={"if-none-match": etag})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
        _check_readable(answer)


def test_a_page_that_was_not_named_may_read_nothing(script: httpx.Client) -> None:
    for path in ("/anime/1", "/nowhere"):
        answer = script.get(path, headers={"origin": "https://c.example"})
        assert "access-control-allow-origin" not in answer.headers
