"""Fixtures of dumps."""

from pathlib import Path

import pytest

from models.store import Store
from tests.models.small_bundle import make_arrays, make_manifest
from tests.training.commands import OLD
from tests.training.small_dump import SmallDump, write_small_dump


@pytest.fixture
def small_dump(tmp_path: Path) -> SmallDump:
    """A dump to damage."""
    return write_small_dump(tmp_path / "dump")


@pytest.fixture
def places(tmp_path: Path) -> tuple[str, ...]:
    """Work folder and store, where a bundle is published already."""
    Store(tmp_path / "store").publish(make_manifest(OLD), make_arrays())
    return "--work", str(tmp_path / "work"), "--store", str(tmp_path / "store")
