"""When each stage of a run began and how long it took, for benchmarks."""

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

TIMINGS_FILE: Final = "timings.json"


class StageTimes:
    """Writes ``timings.json`` into the work folder: per stage its start (``time.monotonic``) and seconds."""

    def __init__(self, work: Path) -> None:
        self._path = work / TIMINGS_FILE
        self._stages: dict[str, dict[str, float]] = {}

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage; one that fails is not written."""
        started = time.monotonic()
        yield
        self._stages[name] = {"started": started, "seconds": time.monotonic() - started}
        self._path.write_text(json.dumps(self._stages, indent=2) + "\n", encoding="utf-8")
