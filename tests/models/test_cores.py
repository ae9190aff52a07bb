"""The cores that a process may use, against joblib's count of them and by hand."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.cores import usable_cores

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def sixteen_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose process is pinned to 16 of 64 cores."""
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(16)))


def _write(folder: Path, **files: str) -> Path:
    (folder / "cpu").mkdir()
    for name, content in files.items():
        path = folder / "cpu.max" if name == "cpu_max" else folder / "cpu" / f"cpu.cfs_{name}_us"
        path.write_text(content, encoding="ascii")
    return folder


@pytest.mark.usefixtures("sixteen_cores")
@pytest.mark.parametrize(
    ("files", "n_cores"),
    [
        ({}, 16),
        ({"cpu_max": "200000 100000\n"}, 2),
        ({"cpu_max": "150000 100000\n"}, 2),
        ({"cpu_max": "5000 100000\n"}, 1),
        ({"cpu_max": "150000 50000\n"}, 3),
        ({"cpu_max": "6400000 100000\n"}, 16),
        ({"cpu_max": "max 100000\n"}, 16),
        ({"cpu_max": ""}, 16),
        ({"quota": "400000\n", "period": "100000\n"}, 4),
        ({"quota": "-1\n", "period": "100000\n"}, 16),
        ({"quota": "400000\n"}, 16),
    ],
)
def test_a_quota_of_processor_time_bounds_the_cores(tmp_path: Path, files: dict[str, str], n_cores: int) -> None:
    assert usable_cores(_write(tmp_path, **files)) == n_cores


def test_where_processes_are_not_pinned_the_machines_cores_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("os.sched_getaffinity")
    monkeypatch.setattr("os.cpu_count", lambda: 12)
    assert usable_cores(tmp_path) == 12
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert usable_cores(tmp_path) == 1


def _in_a_process(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout


def test_a_pinned_process_counts_what_it_is_pinned_to() -> None:
    core = min(os.sched_getaffinity(0))
    code = f"import os; os.sched_setaffinity(0, {{{core}}}); from models.cores import usable_cores as n; print(n())"
    assert _in_a_process(code) == "1\n"


def test_as_many_processes_precompute_as_there_are_usable_cores() -> None:
    core = min(os.sched_getaffinity(0))
    command = "from service.precompute.__main__ import main; main(['--help'])"
    code = f"import os; os.sched_setaffinity(0, {{{core}}}); {command}"
    assert "(one per usable core: 1)" in " ".join(_in_a_process(code).split())


def test_here_it_is_what_joblib_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)
    joblib = pytest.importorskip("joblib")
    assert usable_cores() == joblib.cpu_count()
