"""``python -m service``: what it says, how it ends, and what becomes of its workers."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2 as httpx
import pytest

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
from tests.service.small_bundle import VERSION, publish


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


@pytest.mark.parametrize(
    ("host", "fault"),
    [
        ("no-such-host.invalid", "cannot listen on no-such-host.invalid:8000: "),
        ("a" * 300, f"cannot listen on {'a' * 100}: "),
    ],
)
def test_a_host_that_is_none_is_one_clear_line(
    store: Path, capsys: pytest.CaptureFixture[str], host: str, fault: str
) -> None:
    code, text = _refusal("--store", str(store), "--host", host)
    assert (code, text.count("\n")) == (1, 1)
    assert text.startswith(f"service: {fault}")
    assert len(text) < 200


@pytest.mark.parametrize(
    ("host", "greeted"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104
        ("::", "127.0.0.1"),
        ("::1", "[::1]"),
        ("localhost", "localhost"),
    ],
)
def test_the_log_says_where_to_look(store: Path, tmp_path: Path, host: str, greeted: str) -> None:
    log = tmp_path / "log"
    port = free_port()
    process = start(store, "--host", host, port=port, log=log)
    try:
        wait_until(lambda: b"\n" in log.read_bytes())
    finally:
        process.kill()
        process.wait(60)
    (line, *_) = log.read_text(encoding="utf-8").splitlines()
    assert line.endswith(f" info    starting url=http://{greeted}:{port} workers=1")


def test_an_address_just_left_is_taken_again(store: Path, tmp_path: Path) -> None:
    # Whoever closes first keeps the connection in TIME_WAIT, as a service does that was stopped.
    with socket.socket() as before:
        before.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        before.bind(("127.0.0.1", 0))
        before.listen()
        port = before.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port), timeout=10)
        before.accept()[0].close()
        client.recv(1)
        client.close()
    log = tmp_path / "log"
    process = start(store, port=port, log=log)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
    finally:
        assert stop(process) == 0


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
    process = start(store, "--workers", workers, port=port, log=log)
    wait_until_ready(f"http://127.0.0.1:{port}", process)
    process.send_signal(getattr(signal, stop))
    assert process.wait(60) == 0
    assert "Traceback" not in log.read_text(encoding="utf-8")


@pytest.mark.parametrize(("signal_name", "workers"), [("SIGTERM", "1"), ("SIGINT", "1"), ("SIGINT", "2")])
def test_being_stopped_before_it_is_ready_is_no_failure(
    store: Path, tmp_path: Path, signal_name: str, workers: str
) -> None:
    log = tmp_path / "log"
    process = start(store, "--workers", workers, port=free_port(), log=log)
    try:
        wait_until(lambda: b"\n" in log.read_bytes())
        process.send_signal(getattr(signal, signal_name))
        assert process.wait(60) == 0
    finally:
        process.kill()
    assert "Traceback" not in log.read_text(encoding="utf-8")


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
    process = start(own_store, "--workers", "2", port=port, log=log, OSUSUME_LOG_FORMAT="json", OSUSUME_WATCH_S="0")
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
