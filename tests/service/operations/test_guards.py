"""Keys, and bounds on what clients may ask."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx2 as httpx
import pytest
from starlette.testclient import TestClient

from service.app import create_app
from service.keys import main as make_key
from service.operations import bounded_heads
from service.operations.keys import Keys, KeysError, new_key, read_keys
from service.recommending.model import LoadedModel
from service.settings import Settings
from tests.service.running import free_port, running, serving, start, wait_until

READER, READER_LINES = new_key("reader", ["read"])
SITE, SITE_LINES = new_key("site", ["read", "lists", "metrics"])
LIST: Final = {"ratings": [{"anime_id": 1, "rating": 9}]}


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.toml"
    path.write_text(READER_LINES + SITE_LINES, encoding="utf-8")
    return path


@pytest.fixture
def client(model: LoadedModel, keys_file: Path) -> Iterator[TestClient]:
    app = create_app(Settings(api_keys=keys_file, access_log=False, watch_s=0), load=lambda: model)
    with TestClient(app) as client:
        wait_until(lambda: client.get("/health/ready").status_code == 200)
        yield client


def _with(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


WRONG: Final = [
    {},
    _with(""),
    _with(READER[:-1]),
    _with(READER + "x"),
    _with("x" * 10_000),
    {"authorization": READER},
    {"authorization": f"Basic {READER}"},
    {"authorization": "Bearer é"},
]


@pytest.mark.parametrize("headers", WRONG)
@pytest.mark.parametrize("path", ["/anime/1", "/anime/1/similar", "/nowhere", "/metrics", "/", "/openapi.json"])
def test_who_has_no_key_gets_401_and_learns_nothing(client: TestClient, path: str, headers: dict[str, str]) -> None:
    answer: Any = client.get(
        path, headers=[(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    )
    content = answer.json() | {"instance": ""}
    other: Any = client.get("/users/1/similar").json() | {"instance": ""}
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert content == other


def test_a_key_opens_what_its_scopes_say(client: TestClient) -> None:
    assert client.get("/anime/1", headers=_with(READER)).status_code == 200
    refused: Any = client.post("/recommendations", json=LIST, headers=_with(READER))
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert client.get("/metrics", headers=_with(READER)).status_code == 403
    assert client.post("/recommendations", json=LIST, headers=_with(SITE)).status_code == 200
    assert client.get("/metrics", headers={"authorization": f"bearer {SITE}"}).status_code == 200
    # What was remembered for one is not for all.
    assert client.get("/anime/1").status_code == 401
    assert client.get("/health/live").status_code == 200


def test_keys_are_changed_while_the_service_runs(
    client: TestClient, keys_file: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.operations.keys._LOOK_S", 0.0)
    keys_file.write_text(SITE_LINES, encoding="utf-8")
    assert client.get("/anime/1", headers=_with(READER)).status_code == 401
    assert client.get("/anime/1", headers=_with(SITE)).status_code == 200
    keys_file.write_text('[site]\nsha256 = "secret"\nscopes = ["read"]\n', encoding="utf-8")
    assert client.get("/anime/1", headers=_with(SITE)).status_code == 200
    assert caplog.records[-1].message == "earlier keys stay"
    assert "secret" not in str(caplog.records[-1].__dict__)
    keys_file.unlink()
    assert client.get("/anime/1", headers=_with(SITE)).status_code == 200


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("[site", "is no TOML"),
        ('[site]\nsha256 = "hunter2"\nscopes = ["read"]', "site.sha256"),
        (f'[site]\nsha256 = "{"0" * 64}"\nscopes = ["all"]', "site.scopes"),
        (f'[site]\nsha256 = "{"0" * 64}"\nscopes = []', "site.scopes"),
        (f'key = "{"0" * 64}"', "key"),
    ],
)
def test_a_file_that_is_none_is_refused_without_repeating_it(tmp_path: Path, content: str, fault: str) -> None:
    path = tmp_path / "keys"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(KeysError, match=fault) as refused:
        read_keys(path)
    assert "hunter2" not in str(refused.value)
    log = tmp_path / "log"
    process = start(tmp_path, port=free_port(), log=log, OSUSUME_API_KEYS=str(path))
    assert process.wait(60) == 1
    assert fault in log.read_text(encoding="utf-8")


def test_keys_are_never_logged(store: Path, keys_file: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(store, log=log, OSUSUME_API_KEYS=str(keys_file)) as url:
        for headers in (_with(SITE), _with(SITE[:-1]), {"authorization": f"Basic {SITE}"}):
            httpx.get(f"{url}/anime/1", headers=headers)
            httpx.post(f"{url}/recommendations", json=LIST, headers=headers)
    text = log.read_text(encoding="utf-8")
    assert text.count("request method=") >= 6
    assert SITE[:20] not in text
    assert "authorization" not in text.lower()


def test_a_made_key_is_known_by_its_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert make_key(["a-site", "--scopes", "lists"]) == 0
    made = capsys.readouterr()
    path = tmp_path / "keys"
    path.write_text(made.out, encoding="utf-8")
    holder = Keys(path).holder(made.err.partition(": ")[2].strip().encode())
    assert holder is not None
    assert (holder.name, holder.scopes) == ("a-site", frozenset({"lists"}))
    with pytest.raises(SystemExit):
        make_key(["a site]"])


def test_a_client_may_ask_so_often(model: LoadedModel) -> None:
    app = create_app(Settings(client_rate=5, access_log=False, watch_s=0), load=lambda: model)
    with TestClient(app) as client:
        answers: list[Any] = [client.get("/anime/1") for _ in range(30)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert 4 <= len(answers) - len(refused) <= 12
        assert refused[0].json()["code"] == "too_many_requests"
        assert refused[0].headers["retry-after"] == "1"
        time.sleep(0.5)
        assert client.get("/anime/1").status_code == 200


def test_more_requests_than_may_wait_are_refused_at_once(model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = type(model.recommender)
    page = slow.page

    def wait(*arguments: Any) -> Any:
        time.sleep(0.3)
        return page(*arguments)

    monkeypatch.setattr(slow, "page", wait)
    app = create_app(Settings(max_waiting=2, access_log=False, watch_s=0), load=lambda: model)
    with serving(app) as url, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: httpx.post(f"{url}/recommendations", json=LIST), range(8)))
    codes = sorted(answer.status_code for answer in answers)
    assert codes.count(200) in (3, 4, 5)
    assert codes.count(503) == 8 - codes.count(200)
    busy = next(answer for answer in answers if answer.status_code == 503)
    assert (busy.json()["code"], busy.headers["retry-after"]) == ("busy", "1")


@pytest.mark.parametrize("sent", [b"", b"GET /anime/1 HTTP/1.1\r\nhost:"])
def test_who_sends_no_head_is_cut_off(model: LoadedModel, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(bounded_heads, "HEAD_TIMEOUT_S", 0.3)
    app = create_app(Settings(access_log=False, watch_s=0), load=lambda: model)
    with serving(app) as url:
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), 10) as connection:
            connection.sendall(sent)
            began = time.monotonic()
            assert connection.recv(1) == b""
            assert time.monotonic() - began < 5
        # A slow answer is another matter.
        assert httpx.get(f"{url}/anime/1").status_code == 200


@pytest.mark.parametrize("workers", ["1", "2"])
def test_metrics_have_a_port_of_their_own(store: Path, keys_file: Path, workers: str) -> None:
    port = free_port()
    settings = {"OSUSUME_METRICS_PORT": str(port), "OSUSUME_API_KEYS": str(keys_file)}
    with running(store, "--workers", workers, **settings) as url:  # type: ignore[arg-type]
        assert httpx.get(f"{url}/anime/1", headers=_with(SITE)).status_code == 200
        assert httpx.get(f"{url}/metrics", headers=_with(SITE)).status_code == 404
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        assert 'osusume_http_requests_total{method="GET",route="/anime/{anime_id}",status="200"} 1.0' in text
        assert "osusume_ready 1.0" in text
        assert httpx.get(f"http://127.0.0.1:{port}/anime/1").status_code == 404


def test_a_port_for_metrics_that_is_in_use_is_said(store: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = start(store, port=free_port(), log=log, OSUSUME_METRICS_PORT=port)
        assert process.wait(60) == 1
    assert f"cannot listen on 127.0.0.1:{port}" in log.read_text(encoding="utf-8")
