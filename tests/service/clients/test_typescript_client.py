"""openapi-typescript makes types of the document: strict programs can use them, and misuse is refused."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.service.clients.conftest import FOLDER
from tests.service.clients.test_python_client import DOCUMENT, OPERATIONS


def _run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def project(node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TypeScript project with the generated types, checked and compiled."""
    folder = tmp_path_factory.mktemp("typescript") / "client"
    shutil.copytree(FOLDER / "typescript", folder)
    (folder / "package.json").write_text(json.dumps({"type": "module"}), encoding="utf-8")
    (folder / "node_modules").symlink_to(node_modules)
    made = _run(folder, node_modules / ".bin" / "openapi-typescript", DOCUMENT, "--output", "schema.ts")
    assert made.returncode == 0, made.stdout + made.stderr
    assert "warn" not in (made.stdout + made.stderr).lower()
    return folder


@pytest.fixture(scope="module")
def errors(project: Path, node_modules: Path) -> set[tuple[str, int]]:
    """Where the compiler finds errors: file and line. What it compiles lies beside."""
    compiled = _run(project, node_modules / ".bin" / "tsc", "--pretty", "false")
    found = re.findall(r"^(.+)\((\d+),\d+\): error", compiled.stdout, re.MULTILINE)
    assert bool(found) == bool(compiled.returncode), compiled.stdout
    return {(file, int(line)) for file, line in found}


def test_a_strict_program_that_calls_every_operation_compiles(errors: set[tuple[str, int]]) -> None:
    assert {error for error in errors if error[0] != "misuse.ts"} == set()


def test_every_operation_can_be_called(
    project: Path, errors: set[tuple[str, int]], node_modules: Path, service_url: str
) -> None:
    done = _run(project, "node", "calls.js", service_url)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == sorted(name for name, _, _ in OPERATIONS)


def test_every_misuse_is_refused_and_nothing_else(project: Path, errors: set[tuple[str, int]]) -> None:
    lines = (project / "misuse.ts").read_text(encoding="utf-8").splitlines()
    marked = {number for number, line in enumerate(lines, 1) if line.endswith("// refused")}
    assert len(marked) == 14
    assert {line for file, line in errors if file == "misuse.ts"} == marked
