"""Documentation names what exists."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from tests.service import small_bundle
from tests.service.clients.test_python_client import OPERATIONS
from tests.service.running import running

ROOT: Final = Path(__file__).resolve().parents[1]


def test_every_file_and_module_of_the_map_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    files = re.findall(r"`((?:models|service|training|tests)/[\w/]+\.py)`", text)
    assert len(files) > 30
    assert [name for name in files if not (ROOT / name).is_file()] == []
    request = text[text.index("## One request") : text.index("## One row")]
    row = text[text.index("## One row") : text.index("## Recommending")]
    for home, walk in (("service", request), ("training", row)):
        modules = re.findall(r"`([a-z_]+/[\w/]+)`", walk)
        assert len(modules) > 10
        assert [
            name for name in modules if not any((ROOT / f"{place}{name}.py").is_file() for place in (f"{home}/", ""))
        ] == []


def test_what_data_scientists_are_told_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_bundle.publish(tmp_path / "models" / "store")
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "data-scientists.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 7
    known: dict[str, Any] = {}
    for block in blocks:
        exec(block, known)  # noqa: S102 - it is what readers will paste
    assert len(known["nearest"]) == len(known["best"]) == 10


def test_every_route_has_a_curl_that_works(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    commands = re.findall(
        r"^curl .*", text[text.index("## A curl for each") : text.index("## User ids")], re.MULTILINE
    )
    asked = []
    small_bundle.publish(tmp_path)
    with running(tmp_path) as url:
        for command in commands:
            given = shlex.split(command.replace("http://127.0.0.1:8000", url))
            path = next(part for part in given if part.startswith(url)).removeprefix(url).partition("?")[0]
            asked.append(("POST" if "--json" in given or "--data-binary" in given else "GET", path))
            if shutil.which("curl"):
                done = subprocess.run([*given, "-sSf", "--max-time", "20"], capture_output=True, check=False)
                assert done.returncode == 0, (command, done.stderr)
    for _, verb, path in OPERATIONS:
        pattern = re.sub(r"{.*?}", "[0-9]+", path)
        assert any(verb == sent and re.fullmatch(pattern, to) for sent, to in asked), (verb, path)
