"""What operators deploy: Kubernetes files, alert rules and a dashboard, each of which names what the service has."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml
from starlette.testclient import TestClient

from service.app import create_app
from service.recommending.model import LoadedModel, build_model
from service.settings import Settings
from tests.service.small_bundle import make_bundle

ROOT: Final = Path(__file__).resolve().parent.parent
KUBERNETES: Final = ROOT / "docker" / "kubernetes"
WATCH: Final = ROOT / "docker" / "watch"


def _documents(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(text) if document]


def _files() -> list[dict[str, Any]]:
    return [
        document
        for path in sorted((KUBERNETES / "base").glob("*.yaml"))
        if path.name != "kustomization.yaml"
        for document in _documents(path.read_text(encoding="utf-8"))
    ]


def _pods(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Find the pod templates of deployments and cron jobs."""
    specs = [document["spec"] for document in documents if document["kind"] in {"Deployment", "CronJob"}]
    return [(spec["jobTemplate"]["spec"] if "jobTemplate" in spec else spec)["template"]["spec"] for spec in specs]


def test_kubernetes_files_are_what_kubernetes_expects() -> None:
    documents = _files()
    assert len(documents) == 10
    for document in documents:
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("overlay", ["base", "s3"])
def test_kustomize_builds_what_kubernetes_expects(overlay: str) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    command = ["kubectl", "kustomize", str(KUBERNETES / overlay)]
    built = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    documents = _documents(built)
    for document in documents:
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
        # A volume that is mounted is one of the pod's.
    for pod in _pods(documents):
        mounted = {mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["volumes"]}
    claims = {document["metadata"]["name"] for document in documents if document["kind"] == "PersistentVolumeClaim"}
    assert claims == ({"osusume-store", "osusume-data"} if overlay == "base" else {"osusume-data"})


def test_pods_have_no_privileges() -> None:
    pods = _pods(_files())
    assert len(pods) == 2
    for pod in pods:
        assert pod["automountServiceAccountToken"] is pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            secured = container["securityContext"]
            assert secured["readOnlyRootFilesystem"] is True
            assert secured["allowPrivilegeEscalation"] is False
            assert secured["capabilities"] == {"drop": ["ALL"]}
            assert {"requests", "limits"} <= set(container["resources"])


def test_settings_in_kubernetes_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for overlay in ("base", "s3"):
        kustomization = _documents((KUBERNETES / overlay / "kustomization.yaml").read_text(encoding="utf-8"))[0]
        for literal in kustomization["configMapGenerator"][0]["literals"]:
            name, _, value = literal.partition("=")
            monkeypatch.setenv(name, value)
    settings = Settings()
    assert (settings.host, settings.port, settings.metrics_port) == ("0.0.0.0", 8000, 8001)  # noqa: S104
    ports = _pods(_files())[0]["containers"][0]["ports"]
    assert [port["containerPort"] for port in ports] == [settings.port, settings.metrics_port]


@pytest.mark.parametrize("half", ["service", "training"])
def test_images_hold_what_they_need_and_no_more(half: str) -> None:
    text = (ROOT / "docker" / f"{half}.Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    steps = [
        line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]
    assert [rest for step, rest in steps if step == "FROM"] == ["python:3.11-slim"]
    # Nobody is root by the time that anything runs, and after that nothing is built.
    assert [rest for step, rest in steps if step == "USER"] == ["osusume"]
    after = [step for step, _ in steps][[step for step, _ in steps].index("USER") :]
    assert not {"RUN", "COPY", "ADD"} & set(after)
    copied = {name for step, rest in steps if step in {"COPY", "ADD"} for name in rest.split()[:-1]}
    script = "docker/healthcheck.py" if half == "service" else "docker/train.sh"
    packages = {"models", "service"} | ({"training"} if half == "training" else set())
    assert copied == {"pyproject.toml", "constraints.txt", script} | packages
    # Neither a compiler nor pip's cache stays.
    runs = [rest for step, rest in steps if step == "RUN"]
    assert not any("apt" in rest.split() or "apt-get" in rest.split() for rest in runs)
    assert all("--mount=type=cache,target=/var/cache/pip" in rest for rest in runs if "pip install" in rest)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    shown = {line[1:] for line in ignored if line.startswith("!")}
    assert ignored[1] == "*"
    assert copied <= shown <= copied | {"training", "docker/healthcheck.py", "docker/train.sh"}
    assert "models/store" in ignored


@pytest.fixture(scope="module")
def exposition() -> str:
    model: LoadedModel = build_model(make_bundle())
    with TestClient(create_app(Settings(access_log=False, watch_s=0), load=lambda: model)) as client:
        while client.get("/health/ready").status_code != 200:
            pass
        client.post("/recommendations", json={"ratings": []})
        text: str = client.get("/metrics").text
    return text


def _names(text: str) -> set[str]:
    return set(re.findall(r"\b(?:osusume|process)_[a-z_]+", text))


@pytest.mark.parametrize("name", ["alerts.yml", "dashboard.json"])
def test_metrics_that_are_asked_for_exist(name: str, exposition: str) -> None:
    content = (WATCH / name).read_text(encoding="utf-8")
    if name == "dashboard.json":
        panels = json.loads(content)["panels"]
        content = " ".join(target["expr"] for panel in panels for target in panel["targets"])
    asked = _names(content)
    assert len(asked) >= 6
    assert asked <= _names(exposition)


def test_each_alert_is_explained() -> None:
    rules = yaml.safe_load((WATCH / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert all(f"| {rule['alert']} |" in page for rule in rules)


def test_alerts_fire_when_they_should() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        if os.environ.get("OSUSUME_REQUIRE_PROMTOOL"):
            pytest.fail("promtool is not installed")
        pytest.skip("promtool is not installed: Debian's package prometheus has it")
    for check in (["check", "config", "prometheus.yml"], ["test", "rules", "alerts_test.yml"]):
        done = subprocess.run([promtool, *check], cwd=WATCH, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
