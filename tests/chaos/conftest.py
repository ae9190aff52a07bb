"""A store of its own for each test, with the small bundle."""

from pathlib import Path

import pytest

from tests.service import small_bundle


@pytest.fixture
def own_store(tmp_path: Path) -> Path:
    small_bundle.publish(tmp_path / "store")
    return tmp_path / "store"
