"""In a pod beside a Service named osusume: its variables are no settings, and a mistyped setting is still refused."""

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2 as httpx
import pytest

from service.__main__ import main
from service.settings import SettingsError, read_settings
from tests.service.running import ROOT, clean_environment, running
from tests.service.small_bundle import VERSION

# Were the settings taken, it would end here.
NO_STORE: Final = ["--store", "/nowhere"]
HEALTH_CHECK: Final = ROOT / "docker" / "healthcheck.py"
# What a kubelet sets for a Service with one port.
LINKS: Final = {
    "OSUSUME_SERVICE_HOST": "10.0.48.109",
    "OSUSUME_SERVICE_PORT": "8000",
    "OSUSUME_PORT": "tcp://10.0.48.109:8000",
    "OSUSUME_PORT_8000_TCP": "tcp://10.0.48.109:8000",
    "OSUSUME_PORT_8000_TCP_PROTO": "tcp",
    "OSUSUME_PORT_8000_TCP_PORT": "8000",
    "OSUSUME_PORT_8000_TCP_ADDR": "10.0.48.109",
}
# Named ports, as many as there are; a Service for UDP with an address of IPv6.
NAMED_PORTS: Final = LINKS | {
    "OSUSUME_SERVICE_PORT_HTTP": "8000",
    "OSUSUME_SERVICE_PORT_METRICS_2": "9000",
    "OSUSUME_PORT_9000_UDP": "udp://[fd00::1]:9000",
    "OSUSUME_PORT_9000_UDP_PROTO": "udp",
    "OSUSUME_PORT_9000_UDP_PORT": "9000",
    "OSUSUME_PORT_9000_UDP_ADDR": "fd00::1",
}


def _of_another_name(links: dict[str, str], name: str) -> dict[str, str]:
    return {variable.replace("OSUSUME", name, 1): value for variable, value in links.items()}


OTHER_SERVICES: Final = [
    NAMED_PORTS,
    _of_another_name(NAMED_PORTS, "OSUSUME_API"),
    # Its OSUSUME_SERVICE_PORT is an address.
    _of_another_name(LINKS, "OSUSUME_SERVICE"),
    LINKS | _of_another_name(LINKS, "OSUSUME_SERVICE") | _of_another_name(LINKS, "OSUSUME_CANARY_2"),
]


def _set(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_service_starts_beside_a_service_of_its_name(store: Path, tmp_path: Path, workers: str) -> None:
    log = tmp_path / "log"
    with running(store, "--workers", workers, log=log, **LINKS) as url:
        # A new connection each time, so that both workers get some.
        assert {httpx.get(f"{url}/model").json()["model_version"] for _ in range(20)} == {VERSION}
        port = str(urlsplit(url).port)
        assert _check_health(OSUSUME_PORT=port, OSUSUME_SERVICE_HOST="10.0.48.109", OSUSUME_SERVICE_PORT="8000") == 0
    (line,) = [line for line in log.read_text(encoding="utf-8").splitlines() if "of Kubernetes" in line]
    assert " info " in line
    assert line.endswith(" names=" + ",".join(LINKS))


@pytest.mark.parametrize("links", [LINKS, *OTHER_SERVICES])
def test_links_are_no_settings(monkeypatch: pytest.MonkeyPatch, links: dict[str, str]) -> None:
    _set(monkeypatch, links | {"OSUSUME_WORKERS": "3"})
    settings = read_settings()
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 3)
    assert read_settings(port=9001).port == 9001


def test_a_port_that_the_pod_itself_sets_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, LINKS | {"OSUSUME_PORT": "9000"})
    assert read_settings().port == 9000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OSUSUME_PROT", "8000"),
        ("OSUSUME_WORKER", "2"),
        ("OSUSUME_SERVICE_HOSTS", "x"),
        ("OSUSUME_SERVICE_PORTS", "8000"),
        ("OSUSUME_API_PORT", "tcp://10.0.48.110:8000"),
        ("OSUSUME_PORT_HTTP", "8000"),
        ("OSUSUME_PORT_8000_TCP_HOST", "x"),
        ("OSUSUME_PORT_8000_HTTP", "x"),
        ("OSUSUME_PORT_X_TCP", "x"),
        ("OSUSUME_XSERVICE_HOST", "x"),
        ("osusume_service_host", "10.0.48.109"),
    ],
)
def test_a_mistyped_setting_beside_links_is_still_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    _set(monkeypatch, LINKS | {name: value})
    assert main(NO_STORE) == 2
    assert capsys.readouterr().err.startswith(f"service: unknown setting {name}; known: OSUSUME_HOST, ")


@pytest.mark.parametrize("value", ["80a", "http://10.0.48.109:8000", "tcp:8000", "", "10.0.48.109:8000"])
def test_what_is_neither_a_port_nor_a_link_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    _set(monkeypatch, LINKS | {"OSUSUME_PORT": value})
    assert main(NO_STORE) == 2
    error = capsys.readouterr().err
    assert error.startswith("service: OSUSUME_PORT should be a valid integer")
    assert error.endswith(f", not {value!r}\n")


@pytest.mark.parametrize("missing", ["OSUSUME_SERVICE_HOST", "OSUSUME_SERVICE_PORT"])
def test_half_a_service_is_none(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    _set(monkeypatch, {name: value for name, value in LINKS.items() if name != missing})
    with pytest.raises(SettingsError, match="unknown setting OSUSUME_PORT_8000_TCP, "):
        read_settings()


def test_answers_are_precomputed_beside_a_service_of_its_name(tmp_path: Path) -> None:
    # Not the settings are refused, but the store.
    command = [sys.executable, "-m", "service.precompute", "--store", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, env=clean_environment(**LINKS), capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, "no bundle is published here yet" in done.stderr) == (1, True)


def _check_health(**variables: str) -> int:
    command = [sys.executable, str(HEALTH_CHECK)]
    environment = clean_environment(**variables)
    return subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False).returncode


@pytest.mark.parametrize(("variables", "port"), [({}, 8000), (LINKS, 8000), (LINKS | {"OSUSUME_PORT": "9000"}, 9000)])
def test_the_health_check_asks_where_the_service_listens(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], port: int
) -> None:
    class Connection:
        def __init__(self, *address: Any, timeout: float) -> None:
            asked.append(address)

        def request(self, method: str, path: str) -> None:
            asked.append((method, path))

        def getresponse(self) -> Any:
            return type("Response", (), {"status": 200})

    asked: list[tuple[Any, ...]] = []
    monkeypatch.delenv("OSUSUME_PORT", raising=False)
    _set(monkeypatch, variables)
    monkeypatch.setattr("http.client.HTTPConnection", Connection)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(HEALTH_CHECK))
    assert asked == [("127.0.0.1", port), ("GET", "/health/ready")]
    assert ended.value.code is None


def test_the_health_check_of_a_service_that_is_not_there_fails() -> None:
    assert _check_health(OSUSUME_PORT="1") == 1
