"""moto's S3 server in a process of its own, and buckets of it."""

import contextlib
import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.service.running import free_port

FOLDER: Final = Path(__file__).resolve().parent
# Nothing may ever show it.
SECRET: Final = "geheim-4711"  # noqa: S105
ACCOUNT: Final = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1"}


class Bucket:
    """A bucket of the server."""

    def __init__(self, endpoint: str, name: str) -> None:
        self.endpoint = endpoint
        self.name = name
        self.url = f"s3://{name}"
        self.environment = {**ACCOUNT, "AWS_ENDPOINT_URL": endpoint}

    def ask(self, method: str, path: str = "", content: bytes | None = None) -> bytes:
        """Ask the server without the library that is tested."""
        # The server looks whether a request is signed, not how.
        headers = {"Content-Type": "text/plain", "Authorization": "AWS test:x"}
        request = urllib.request.Request(f"{self.endpoint}/{self.name}{path}", content, headers, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
            content = answer.read()
        assert isinstance(content, bytes)
        return content

    def deny(self, *actions: str) -> None:
        """Take rights away from everybody."""
        statement = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": list(actions),
            "Resource": [f"arn:aws:s3:::{self.name}/*", f"arn:aws:s3:::{self.name}"],
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        self.ask("PUT", "?policy", json.dumps(policy).encode())


@contextlib.contextmanager
def running_server(folder: Path) -> Iterator[str]:
    """Run a server; skip without its programs, fail without them where they are mandatory."""
    if not (FOLDER / ".venv" / ".installed").is_file():
        message = f"{FOLDER / '.venv'} is not installed: `make tools` does it"
        if os.environ.get("OSUSUME_REQUIRE_SERVERS"):
            pytest.fail(message)
        pytest.skip(message)
    port = free_port()
    command = [str(FOLDER / ".venv" / "bin" / "python"), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended"
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/moto-api/", timeout=5):  # noqa: S310
            return
        time.sleep(0.05)
    pytest.fail("the server does not answer")
