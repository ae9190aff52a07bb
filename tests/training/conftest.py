"""Fixtures of dumps."""

from pathlib import Path

import pytest

from tests.training.small_dump import SmallDump, write_small_dump


@pytest.fixture
def small_dump(tmp_path: Path) -> SmallDump:
    """A dump to damage."""
    return write_small_dump(tmp_path / "dump")
