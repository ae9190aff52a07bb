"""A clock that jumps while the service runs: nothing hangs, nothing is refused for ever."""

import mmap
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import httpx2 as httpx
import pytest

from models.store import Store
from service.operations.keys import new_key
from tests.chaos.scale import takes_long
from tests.service.models.test_swap import SECOND, publish_other
from tests.service.running import PATIENCE_S, running, wait_until
from tests.service.small_bundle import VERSION

HOUR: Final = 3600.0
# Python runs it at every start of a process that finds it: the clock is moved by what a file says.
_MOVED_CLOCK: Final = """
import datetime, mmap, os, struct, time
with open(os.environ["OSUSUME_TEST_CLOCK"], "rb") as file:
    moved = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)
true_time = time.time
time.time = lambda: true_time() + struct.unpack("d", moved[:8])[0]
time.time_ns = lambda: int(time.time() * 1e9)

class MovedDatetime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)

datetime.datetime = MovedDatetime
"""


@pytest.fixture
def jump(tmp_path: Path) -> Iterator[Callable[[float], None]]:
    """Move the clock so far from the true time, in processes that are started with this folder to import from."""
    (tmp_path / "sitecustomize.py").write_text(_MOVED_CLOCK, encoding="utf-8")
    (tmp_path / "clock").write_bytes(bytes(8))
    with (tmp_path / "clock").open("r+b") as file, mmap.mmap(file.fileno(), 8) as moved:

        def move(seconds: float) -> None:
            moved[:8] = struct.pack("d", seconds)

        yield move


@takes_long
def test_whatever_the_clock_does_all_goes_on(own_store: Path, tmp_path: Path, jump: Callable[[float], None]) -> None:
    key, lines = new_key("site", ["read", "metrics"])
    keys, log = tmp_path / "keys.toml", tmp_path / "log"
    keys.write_text(lines, encoding="utf-8")
    publish_other(own_store, SECOND)
    settings = {
        "PYTHONPATH": str(tmp_path),
        "OSUSUME_TEST_CLOCK": str(tmp_path / "clock"),
        "OSUSUME_API_KEYS": str(keys),
        "OSUSUME_CLIENT_RATE": "1",
        "OSUSUME_MAX_WAITING": "1",
        "OSUSUME_WATCH_S": "0.1",
        "OSUSUME_LOG_FORMAT": "json",
    }
    with running(own_store, log=log, **settings) as url:

        def ask(path: str) -> int:
            headers = {"authorization": f"Bearer {key}"}
            return httpx.get(url + path, headers=headers, timeout=PATIENCE_S).status_code

        for number, seconds in enumerate((HOUR, -HOUR, 365 * 24 * HOUR, -365 * 24 * HOUR, 0.0)):
            jump(seconds)
            version = (VERSION, SECOND)[number % 2]
            Store(own_store).pin(version)
            wait_until(lambda version=version: _version(url) == version)  # type: ignore[misc]
            # A client asks too often, and may ask again a moment later.
            wait_until(lambda: ask("/anime/1/similar") == 429, pause=0)
            wait_until(lambda: ask("/users/2/recommendations") == 200, pause=0.1)
            wait_until(lambda: ask("/metrics") == 200, pause=0.1)
            # Keys are read again.
            key, lines = new_key("site", ["read", "metrics"])
            keys.write_text(lines, encoding="utf-8")
            wait_until(lambda: ask("/model") == 200, pause=0.1)
    years = set(re.findall(r'"time":"(\d{4})', log.read_text(encoding="utf-8")))
    assert len(years) > 1, "the clock did not jump: this proves nothing"


def _version(url: str) -> object:
    return httpx.get(f"{url}/health/ready", timeout=PATIENCE_S).json().get("model_version")
