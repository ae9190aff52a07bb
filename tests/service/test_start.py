"""Starting and stopping: ready only with a sound bundle, one clear line where there is none."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import httpx2 as httpx
import numpy as np
import pytest
from starlette.testclient import TestClient

import service.app
from models.bundle import assemble
from models.errors import BundleContentError
from service.app import create_app
from service.loaded_model import build_model
from service.readiness import Readiness
from service.settings import Settings
from tests.service.running import (
    ROOT,
    clean_environment,
    free_port,
    has_ended,
    running,
    start,
    stop,
    wait_until,
    wait_until_ready,
    workers,
)
from tests.service.small_bundle import VERSION, make_arrays, make_manifest, publish


def _flip_a_byte(store: Path) -> None:
    path = store / VERSION / "anime_embeddings.npy"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def _remove_a_file(store: Path) -> None:
    (store / VERSION / "members.npy").unlink()


def _remove_everything(store: Path) -> None:
    shutil.rmtree(store)


def _spoil_the_manifest(store: Path) -> None:
    path = store / VERSION / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace("synthetic", "Synthetic"), encoding="utf-8")


FAULTS: list[tuple[Callable[[Path], None], str]] = [
    (_flip_a_byte, "anime_embeddings.npy: has sha256"),
    (_remove_a_file, "members.npy: cannot be read"),
    (_remove_everything, "no bundle is published here yet"),
    (_spoil_the_manifest, "does not match manifest.json"),
]


def _wait_for_the_end_of_loading(app: Any) -> None:
    async def wait() -> None:
        async with app.router.lifespan_context(app):
            pass

    asyncio.run(wait())


@pytest.mark.parametrize(("spoil", "fault"), FAULTS)
def test_a_refused_bundle_is_told_to_whoever_asks(own_store: Path, spoil: Callable[[Path], None], fault: str) -> None:
    spoil(own_store)
    app = create_app(Settings(store=own_store, access_log=False))
    _wait_for_the_end_of_loading(app)
    client = TestClient(app)
    ready: Any = client.get("/health/ready")
    assert (ready.status_code, ready.json()["code"]) == (503, "model_refused")
    assert fault in ready.json()["detail"]
    answer: Any = client.get("/anime/1/similar")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert client.get("/health/live").json() == {"status": "live", "model_version": None}
    assert "osusume_ready 0.0" in client.get("/metrics").text


def test_an_error_of_our_own_while_loading_is_told_too(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> NoReturn:
        raise KeyError("nobody thought of this")

    refused: list[bool] = []
    app = create_app(Settings(access_log=False), load=fail, on_refused=lambda: refused.append(True))
    _wait_for_the_end_of_loading(app)
    answer: Any = TestClient(app).get("/health/ready")
    assert (answer.json()["code"], refused) == ("model_refused", [True])
    # With the place where it happened, as nobody can mend it without.
    assert caplog.records[-1].exc_info is not None


def test_what_can_wait_may_fail_without_a_word_to_whoever_asks(
    store: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(service.app, "read_ahead", fail)
    app = create_app(Settings(store=store, access_log=False))
    _wait_for_the_end_of_loading(app)
    assert TestClient(app).get("/health/ready").status_code == 200
    assert caplog.records[-1].message == "not all is as ready as it could be"
    assert "title_search" in vars(app.state.readiness.model())


def test_until_the_model_is_read_the_service_says_so(store: Path) -> None:
    # Without its lifespan an application never loads.
    client = TestClient(create_app(Settings(store=store, access_log=False)))
    for path in ("/health/ready", "/anime/1", "/anime", "/users/2/similar", "/model"):
        answer: Any = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert client.get("/health/live").status_code == 200


@pytest.mark.parametrize(("spoil", "fault", "workers"), [(*fault, "1") for fault in FAULTS] + [(*FAULTS[0], "2")])
def test_with_a_bad_bundle_the_process_ends_with_one_clear_line(
    own_store: Path, tmp_path: Path, spoil: Callable[[Path], None], fault: str, workers: str
) -> None:
    spoil(own_store)
    log = tmp_path / "log"
    process = start(own_store, "--workers", workers, port=free_port(), log=log)
    assert process.wait(20) != 0
    text = log.read_text(encoding="utf-8")
    assert fault in text
    assert "Traceback" not in text


def _refusal(*arguments: str, **settings: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "service", *arguments],
        cwd=ROOT,
        env=clean_environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_port_in_use_is_one_clear_line(store: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, text = _refusal("--store", str(store), "--port", str(port))
    assert code == 1
    assert text == f"service: cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_a_host_that_is_not_ours_is_one_clear_line(store: Path) -> None:
    code, text = _refusal("--store", str(store), "--host", "192.0.2.1")
    assert (code, text.count("\n")) == (1, 1)
    assert "cannot listen on 192.0.2.1:8000" in text


def test_an_unknown_setting_is_one_clear_line(store: Path) -> None:
    code, text = _refusal("--store", str(store), OSUSUME_PROT="9000")
    assert code == 2
    assert text.startswith("service: unknown setting OSUSUME_PROT; known: OSUSUME_HOST,")
    assert text.count("\n") == 1


def test_a_value_that_cannot_be_is_one_clear_line() -> None:
    assert _refusal("--port", "70000") == (
        2,
        "service: OSUSUME_PORT should be less than or equal to 65535, not 70000\n",
    )


@pytest.mark.parametrize(("stop", "workers"), [("SIGTERM", "1"), ("SIGINT", "1"), ("SIGTERM", "2")])
def test_being_stopped_is_no_failure(store: Path, tmp_path: Path, stop: str, workers: str) -> None:
    log = tmp_path / "log"
    port = free_port()
    process = start(store, "--workers", workers, port=port, log=log, TMPDIR=str(tmp_path))
    wait_until_ready(f"http://127.0.0.1:{port}", process)
    process.send_signal(getattr(signal, stop))
    assert process.wait(15) == 0
    assert "Traceback" not in log.read_text(encoding="utf-8")
    assert not list(tmp_path.glob("osusume-workers-*"))


def test_several_workers_answer_alike_count_together_and_log_in_one_form(store: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(store, "--workers", "2", log=log, OSUSUME_LOG_FORMAT="json") as url:
        # A new connection each time, so that both workers get some.
        assert len({httpx.get(f"{url}/anime/1/similar").content for _ in range(40)}) == 1
        metrics = httpx.get(f"{url}/metrics").text
        labels = 'method="GET",route="/anime/{anime_id}/similar",status="200"'
        assert f"osusume_http_requests_total{{{labels}}} 40.0" in metrics
        assert "osusume_ready 1.0" in metrics
        httpx.get(f"{url}/anime/1", headers={"x-request-id": "mine"})
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    (mine,) = [event for event in events if event.get("request_id") == "mine"]
    assert (mine["method"], mine["path"], mine["status"]) == ("GET", "/anime/1", 200)
    assert {event["model"] for event in events if event["message"] == "ready"} == {VERSION}


def test_workers_started_later_answer_with_the_model_of_those_beside_them(own_store: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    port = free_port()
    process = start(own_store, "--workers", "2", port=port, log=log, OSUSUME_LOG_FORMAT="json")
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: len(_models_ready(log)) == 2)
        # A sound bundle, then one that is none: both workers are replaced, one after either.
        publish(own_store, "20260102T000000Z-small-00000000")
        _kill(workers(process)[0])
        wait_until(lambda: len(_models_ready(log)) == 3)
        (own_store / "current").write_text("no such bundle", encoding="utf-8")
        _kill(workers(process)[0])
        wait_until(lambda: len(_models_ready(log)) == 4)
        assert _models_ready(log) == [VERSION] * 4
        # A new connection each time, so that both workers get some.
        assert {httpx.get(f"{url}/model").json()["model_version"] for _ in range(40)} == {VERSION}
    finally:
        code = stop(process)
    assert code == 0


def _models_ready(log: Path) -> list[str]:
    """Name the model of every worker that became ready, in that order."""
    # The last line may be half written.
    events = map(json.loads, log.read_text(encoding="utf-8").split("\n")[:-1])
    return [event["model"] for event in events if event["message"] == "ready"]


def _kill(process_id: int) -> None:
    os.kill(process_id, signal.SIGKILL)
    wait_until(lambda: has_ended(process_id))


def test_a_text_log_line_stays_one_line_whatever_the_client_asks(store: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(store, log=log) as url:
        httpx.get(f"{url}/x%0Ainfo%20forged%20status=200")
    (line,) = [line for line in log.read_text(encoding="utf-8").splitlines() if "forged" in line]
    assert "status=404" in line


def test_settings_choose_what_is_served(store: Path) -> None:
    settings = Settings(
        store=store,
        access_log=False,
        docs=False,
        metrics=False,
        cors_origins=("https://a.example",),
        root_path="/api",
    )
    app = create_app(settings)
    client = TestClient(app)
    assert client.get("/docs").status_code == 404
    assert client.get("/metrics").status_code == 404
    answer: Any = client.get("/health/live", headers={"origin": "https://a.example"})
    assert answer.headers["access-control-allow-origin"] == "https://a.example"




@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda card: b"x" + card[1:], "card 0, JSON"),
        (lambda card: b" " + card[1:], "card 0, JSON"),
        (lambda card: card.replace(b'"anime_id":1,', b'"anime_id":7,'), "card 0 is not that of anime 1"),
        (lambda card: card.replace(b'"score":', b'"Score":'), "card 0, score"),
        (lambda card: card.replace(b'"year":', b'"yaer":'), "card 0, year"),
    ],
)
def test_a_card_that_is_none_is_refused(change: Callable[[bytes], bytes], fault: str) -> None:
    arrays = make_arrays()
    end = int(arrays["card_offsets"][1])
    content = arrays["cards"].tobytes()
    arrays["cards"] = np.frombuffer(change(content[:end]) + content[end:], dtype=np.uint8)
    with pytest.raises(BundleContentError, match=fault):
        build_model(assemble(make_manifest(arrays), arrays))


def test_readiness_gives_no_model_before_there_is_one() -> None:
    assert Readiness().model_if_ready() is None


def test_the_application_loads_neither_training_nor_what_it_needs() -> None:
    code = (
        "import sys, service.app, service.__main__; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert "service" in loaded
    assert not loaded & {"training", "tensorflow", "keras", "pandas", "scipy", "pyarrow", "sklearn", "typer"}


def test_importing_the_application_reads_no_setting() -> None:
    code = "import service.app, service.__main__, service.openapi"
    environment = clean_environment(OSUSUME_PORT="nonsense", OSUSUME_NO_SUCH_SETTING="1")
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, timeout=60, check=True)
