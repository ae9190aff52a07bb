"""Traces: what a collector receives of each request, and that it is nothing private."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from service.operations import traces
from tests.service.running import ROOT, clean_environment, free_port, running, wait_until

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Collector:
    """Takes spans the way any collector does, and keeps them."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        kept = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/v1/traces"
                kept.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def resources(self) -> list[tuple[dict[str, Any], list[Any]]]:
        """Give what each worker said: its attributes, and its spans."""
        found = []
        for body in list(self.bodies):
            for one in ExportTraceServiceRequest.FromString(body).resource_spans:
                spans = [span for scope in one.scope_spans for span in scope.spans]
                found.append((attributes_of(one.resource), spans))
        return found

    def spans(self) -> list[Any]:
        return [span for _, spans in self.resources() for span in spans]


def attributes_of(one: Any) -> dict[str, Any]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in one.attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


def test_a_collector_hears_of_every_request_by_its_route_alone(
    own_store: Path, tmp_path: Path, collector: Collector
) -> None:
    log, keys = tmp_path / "log", tmp_path / "keys.toml"
    made = subprocess.run(
        [sys.executable, "-m", "service.keys", "mine", "--scopes", "read", "lists"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    keys.write_text(made.stdout, encoding="utf-8")
    key = next(word for word in made.stderr.split() if len(word) > 30)
    headers = {"authorization": f"Bearer {key}", "host": "hidden.example"}
    parent = "0af7651916cd43dd8448eb211c80319c"
    with running(
        own_store,
        log=log,
        OSUSUME_LOG_FORMAT="json",
        OSUSUME_API_KEYS=str(keys),
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_BSP_SCHEDULE_DELAY="100",
    ) as url:
        for _ in range(2):
            traceparent = f"00-{parent}-b7ad6b7169203331-01"
            answer = httpx.get(
                f"{url}/users/7/recommendations?limit=3", headers=headers | {"traceparent": traceparent}
            )
            assert answer.status_code == 200
        httpx.get(f"{url}/anime?query=Hidden%20title", headers=headers)
        httpx.get(f"{url}/users/4711/similar", headers=headers)
        httpx.post(f"{url}/recommendations", headers=headers, json={"ratings": [{"anime_id": 987654321}]})
        httpx.get(f"{url}/hidden/path?hidden=1", headers=headers)
        httpx.get(f"{url}/anime/1", headers={"authorization": "Bearer hidden"})
        wait_until(lambda: len(collector.spans()) == 7)
    (resource, _), *_ = collector.resources()
    assert resource["service.name"] == "osusume"
    spans = collector.spans()
    assert [span.name for span in spans] == [
        "GET /users/{user_id}/recommendations",
        "GET /users/{user_id}/recommendations",  # from memory
        "GET /anime",
        "GET /users/{user_id}/similar",
        "POST /recommendations",
        "GET",
        "GET",
    ]
    told = [attributes_of(span) for span in spans]
    assert [one["http.response.status_code"] for one in told] == [200, 200, 200, 404, 200, 404, 401]
    assert told[1]["http.route"] == "/users/{user_id}/recommendations"
    # The same ids as in the log and in the answer.
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    logged = {line["request_id"]: line["trace_id"] for line in lines if "trace_id" in line}
    assert len(logged) == 7
    assert {one["osusume.request_id"]: span.trace_id.hex() for one, span in zip(told, spans, strict=True)} == logged
    assert logged[answer.headers["x-request-id"]] == parent
    # Health was asked for, and is no news; nothing that a client wrote is there.
    kept = {"url.scheme", "network.protocol.version", "http.request.method", "http.response.status_code"}
    kept |= {"http.route", "osusume.request_id"}
    assert {value for one in told for name, value in one.items() if name not in kept} == {"REDACTED"}
    everything = b"".join(collector.bodies).lower()
    for private in (b"hidden", b"/users/7", b"4711", b"987654321", b"limit=3", key.encode().lower()):
        assert private not in everything


def test_each_worker_sends_its_own(own_store: Path, collector: Collector) -> None:
    with running(
        own_store,
        "--workers",
        "2",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_BSP_SCHEDULE_DELAY="50",
        OTEL_SERVICE_NAME="mine",
    ) as url:

        def both_have() -> bool:
            httpx.get(f"{url}/model")
            return len({resource["process.pid"] for resource, _ in collector.resources()}) == 2

        wait_until(both_have)
    assert {resource["service.name"] for resource, _ in collector.resources()} == {"mine"}


def test_what_was_not_sent_yet_is_sent_at_the_end(own_store: Path, collector: Collector) -> None:
    with running(own_store, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{collector.url}/v1/traces") as url:
        httpx.get(f"{url}/model")
        assert not collector.bodies
    assert [span.name for span in collector.spans()] == ["GET /model"]


def test_a_collector_that_is_away_keeps_nobody_waiting(own_store: Path) -> None:
    with running(own_store, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}") as url:
        assert httpx.get(f"{url}/model").status_code == 200
        started = time.monotonic()
    assert time.monotonic() - started < 15


@pytest.mark.parametrize(
    ("variables", "fault"),
    [
        ({ENDPOINT: "collector:4318"}, f"{ENDPOINT} should be a URL with http:// or https://, not 'collector:4318'"),
        (
            {ENDPOINT: "http://x:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL should be http/protobuf, not 'grpc'",
        ),
        ({ENDPOINT: "http://x:4318", "OTEL_SDK_DISABLED": "true"}, None),
        ({ENDPOINT: "http://x:4318", "OTEL_TRACES_EXPORTER": "none"}, None),
        ({}, None),
    ],
)
def test_what_cannot_be_sent_is_said(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], fault: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert (traces.traces_fault() or "").startswith(fault or "")
    assert (traces.traces_fault() is None) == (fault is None)
    assert traces.make_tracer_provider() is None


def test_asked_for_without_the_extra_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setenv(ENDPOINT, "http://x:4318")
    monkeypatch.setattr(traces, "distribution", lacking)
    assert str(traces.traces_fault()).endswith("is not installed; install osusume[otel]")
    assert traces.make_tracer_provider() is None


def test_a_service_that_cannot_send_says_so_once_and_answers(own_store: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(own_store, "--workers", "2", log=log, OTEL_EXPORTER_OTLP_ENDPOINT="collector") as url:
        assert httpx.get(f"{url}/model").status_code == 200
    assert log.read_text(encoding="utf-8").count("no traces are sent") == 1


def test_without_an_endpoint_nothing_is_imported_or_done(tmp_path: Path) -> None:
    code = (
        "import sys; from service.worker import create_worker_app; app = create_worker_app();"
        "assert not app._native_telemetry.enabled();"
        "sdk = ('opentelemetry.sdk', 'opentelemetry.exporter');"
        "assert not [name for name in sys.modules if name.startswith(sdk)]"
    )
    # FastAPI's own variable would send paths and queries.
    environment = clean_environment(FASTAPI_OTEL_AUTO_CONFIGURE="true", _OSUSUME_CHECKED_BUNDLE="x")
    environment |= {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
