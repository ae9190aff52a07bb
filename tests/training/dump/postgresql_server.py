"""A PostgreSQL server of the tests' own: Debian's programs, a cluster in a temporary folder."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.service.running import free_port

# Nothing may ever show it.
PASSWORD: Final = "geheim-4712"  # noqa: S105
_USER: Final = "osusume"


def _programs() -> Path:
    """Find the newest programs; skip without any, fail without any where they are mandatory."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not found:
        message = 'no PostgreSQL server is installed: "apt install postgresql" brings one'
        if os.environ.get("OSUSUME_REQUIRE_SERVERS"):
            pytest.fail(message)
        pytest.skip(message)
    return found[-1].parent


@contextlib.contextmanager
def running_server() -> Iterator[str]:
    """Run a server; give the URL of its first database, without the password."""
    programs = _programs()
    # It refuses to run as root, and pytest's folders are closed to others.
    other_user: dict[str, Any] = {} if os.geteuid() else {"user": "nobody", "group": "nogroup", "extra_groups": []}
    folder = Path(tempfile.mkdtemp(prefix="osusume-postgresql-"))
    try:
        if other_user:
            shutil.chown(folder, other_user["user"], other_user["group"])
        (folder / "password").write_text(PASSWORD, encoding="utf-8")
        (folder / "password").chmod(0o644)
        port = free_port()
        settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"

        def run(program: str, *arguments: str) -> None:
            command = [str(programs / program), "-D", str(folder / "data"), *arguments]
            subprocess.run(command, check=True, cwd=folder, timeout=120, stdout=subprocess.DEVNULL, **other_user)

        run(
            "initdb",
            "-U",
            _USER,
            "--auth=scram-sha-256",
            f"--pwfile={folder / 'password'}",
            "--no-sync",
            "-E",
            "UTF8",
        )
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", settings, "start")
        try:
            yield f"postgresql://{_USER}@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
