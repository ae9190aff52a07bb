"""The page's JavaScript, run in jsdom with a real service behind it."""

import os
import re
import subprocess
from pathlib import Path

from tests.service.clients.conftest import FOLDER


def test_the_page_does_what_its_tests_say(node_modules: Path, service_url: str) -> None:
    files = sorted((FOLDER / "page").glob("*.test.mjs"))
    options = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning", "--test-reporter=tap"]
    done = subprocess.run(
        ["node", *options, "--test", *files],
        env=os.environ | {"SERVICE_URL": service_url},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # Each file ran, and not as one empty test.
    n_tests = sum(len(re.findall(r"^ *test\(", path.read_text(encoding="utf-8"), re.MULTILINE)) for path in files)
    assert int(re.findall(r"^# pass (\d+)$", done.stdout, re.MULTILINE)[-1]) >= n_tests >= 40
