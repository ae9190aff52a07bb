"""`make` on a newcomer's machine: which Python it takes, and what it says where there is none."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
WORKS = "#!/bin/sh\nexit 0\n"
# What a stand-in of pyenv does whose version is not chosen, and a Python of Debian without python3-venv.
FAILS = "#!/bin/sh\necho 'command not found' >&2\nexit 127\n"


def _set_up(path: Path, pythons: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Let make set up where these Pythons are all there are."""
    for name, script in pythons.items():
        (path / name).write_text(script, encoding="utf-8")
        (path / name).chmod(0o755)
    for tool in ("bash", "grep", "cat"):
        found = shutil.which(tool)
        assert found
        (path / tool).symlink_to(found)
    make = shutil.which("make")
    assert make
    return subprocess.run(
        [make, "setup", f"VENV={path / 'venv'}", *arguments],
        cwd=ROOT,
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("pythons", "taken"),
    [
        ({"python3.11": WORKS}, "python3.11"),
        ({"python3.12": WORKS}, "python3.12"),
        ({"python3.13": WORKS}, "python3.13"),
        ({"python3.11": WORKS, "python3.12": WORKS, "python3.13": WORKS}, "python3.13"),
        ({"python3.11": WORKS, "python3.12": WORKS, "python3.13": FAILS}, "python3.12"),
        ({"python3.11": WORKS, "python3.12": FAILS, "python3.13": FAILS}, "python3.11"),
    ],
)
def test_make_takes_the_newest_python_that_works(tmp_path: Path, pythons: dict[str, str], taken: str) -> None:
    done = _set_up(tmp_path, pythons, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert f" {taken} -m venv " in done.stdout


@pytest.mark.parametrize("pythons", [{}, {"python3.10": WORKS, "python3.14": WORKS, "python3.13": FAILS}])
def test_make_says_what_to_install_where_no_python_works(tmp_path: Path, pythons: dict[str, str]) -> None:
    done = _set_up(tmp_path, pythons)
    assert done.returncode != 0
    for needed in ("3.11, 3.12 or 3.13", "apt install", "dnf install", "brew install", "make PYTHON="):
        assert needed in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("scanner", ["trivy", "grype", None])
def test_images_are_scanned_by_what_is_installed(tmp_path: Path, scanner: str | None) -> None:
    bash, make = shutil.which("bash"), shutil.which("make")
    assert bash
    assert make
    (tmp_path / "bash").symlink_to(bash)
    if scanner:
        (tmp_path / scanner).write_text(f"#!{bash}\necho {scanner} $@\n", encoding="utf-8")
        (tmp_path / scanner).chmod(0o755)
    done = subprocess.run(
        [make, "scan"], cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=30, check=True
    )
    lines = done.stdout.splitlines()
    if scanner:
        assert [(line.split()[0], line.split()[-1]) for line in lines] == [
            (scanner, "osusume/service"),
            (scanner, "osusume/training"),
        ]
    else:
        assert lines == ["the images are not scanned: neither trivy nor grype is installed"]


def test_make_takes_the_python_it_is_told(tmp_path: Path) -> None:
    done = _set_up(tmp_path, {"python3.13": WORKS}, "PYTHON=/opt/python", "--dry-run")
    assert " /opt/python -m venv " in done.stdout
