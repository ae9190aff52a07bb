"""openapi-python-client makes a client of the document that can do all the service does."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.service.clients.conftest import FOLDER

ROOT: Final = Path(__file__).resolve().parents[3]
DOCUMENT: Final = ROOT / "docs" / "openapi.json"
OPERATIONS: Final = [
    (operation["operationId"], verb.upper(), path)
    for path, verbs in json.loads(DOCUMENT.read_text(encoding="utf-8"))["paths"].items()
    for verb, operation in verbs.items()
]


@pytest.fixture(scope="module")
def generated(python_tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("python") / "client"
    # Its formatter is found by name; a missing one is a warning, and warnings fail.
    environment = os.environ | {"PATH": f"{python_tools}{os.pathsep}{os.environ['PATH']}"}
    generate: list[str | Path] = [python_tools / "openapi-python-client", "generate", "--fail-on-warning"]
    done = subprocess.run(
        [*generate, "--path", DOCUMENT, "--output-path", folder],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_operation_has_a_function(generated: Path) -> None:
    modules = {path.stem for path in (generated / "osusume_client" / "api").glob("*/*.py")} - {"__init__"}
    assert modules == {re.sub(r"([A-Z])", r"_\1", name).lower() for name, _, _ in OPERATIONS}


def test_every_operation_can_be_called_and_its_answer_read(
    generated: Path, python_tools: Path, service_url: str
) -> None:
    done = subprocess.run(
        [python_tools / "python", FOLDER / "call_every_operation.py", service_url],
        env=os.environ | {"PYTHONPATH": str(generated)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name, verb, path in OPERATIONS:
        assert re.search(rf"^{verb} {re.sub('{.*?}', '[0-9]+', path)}$", done.stdout, re.MULTILINE), name
