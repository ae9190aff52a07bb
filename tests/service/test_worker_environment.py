"""The note of which process serves a port, and the folder that workers have in common."""

import os
import tempfile
from pathlib import Path

import pytest

from service.worker_environment import noted_process, process_of, shared_folder


def test_only_a_process_that_still_runs_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert process_of(8123) is None
    with noted_process(8123):
        assert process_of(8123) == os.getpid()
        (note,) = tmp_path.iterdir()
    assert not note.exists()
    # Of a service that was killed: by now another process may have its number.
    note.write_text(str(os.getpid()), encoding="utf-8")
    assert process_of(8123) is None


def test_what_killed_services_left_in_memory_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.worker_environment._IN_MEMORY", tmp_path)
    left = tmp_path / "osusume-workers-left"
    left.mkdir()
    (left / "counter_1.db").touch()
    os.utime(left, (0, 0))
    with shared_folder() as one, shared_folder() as other:
        assert sorted(tmp_path.iterdir()) == sorted((one, other))
    assert not list(tmp_path.iterdir())
