"""The tools that generate and run clients: `make tools` installs them."""

import os
from pathlib import Path
from typing import Final

import pytest

FOLDER: Final = Path(__file__).resolve().parent


def _installed(stamp: Path) -> Path:
    """Give the folder of a stamp that make leaves; skip without it, fail without it where it is mandatory."""
    if not stamp.is_file():
        message = f"{stamp.parent} is not installed: `make tools` does it"
        if os.environ.get("OSUSUME_REQUIRE_CLIENTS"):
            pytest.fail(message)
        pytest.skip(message)
    return stamp.parent


@pytest.fixture(scope="session")
def python_tools() -> Path:
    """The folder of commands with openapi-python-client, and a Python that can run what it generates."""
    return _installed(FOLDER / ".venv" / ".installed") / "bin"


@pytest.fixture(scope="session")
def node_modules() -> Path:
    return _installed(FOLDER / "node_modules" / ".installed")
