"""How much is tried: a little in CI, all of it by ``make chaos``."""

import os
import sys
from typing import Final

import pytest

IS_FULL: Final = os.environ.get("OSUSUME_TEST_CHAOS") == "full"
# For what waits longer than CI has time.
takes_long: Final = pytest.mark.skipif(not IS_FULL, reason="takes long: `make chaos`")


def scaled(short: int, full: int) -> int:
    """Choose between the two."""
    return full if IS_FULL else short


def report(figures: str) -> None:
    """Say what came out; ``make chaos`` shows it."""
    sys.stdout.write(f"{figures}\n")
