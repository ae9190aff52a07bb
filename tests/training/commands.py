"""Runs commands in this process."""

import sys

import pytest

# Imported now, so that `run` has nothing to import beside the tests that follow: it sets warnings aside meanwhile.
import training.embeddings.keras_setup  # noqa: F401
from training import cli

# The bundle that is published before a command runs.
OLD = "20260101T000000Z-old"


def fails(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """Run a command that must fail; give its one line."""
    monkeypatch.setattr(sys, "argv", ["training", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert isinstance(stop.value.code, str), stop.value.code
    assert stop.value.code.startswith("error: ")
    assert "\n" not in stop.value.code
    return stop.value.code


def works(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    """Run a command that must work."""
    monkeypatch.setattr(sys, "argv", ["training", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 0
