"""The bundle that updates begin from."""

from pathlib import Path

import pytest

from models.store import Store
from tests.training.commands import works
from tests.training.small_dump import SmallDump
from tests.training.test_stages import pretend_to_train


@pytest.fixture
def store(small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with a model of the small dump that was trained in no time."""
    work = tmp_path / "trained"
    works(monkeypatch, "prepare", "--data", str(small_dump.folder), "--work", str(work))
    pretend_to_train(work, seed=0)
    works(monkeypatch, "publish", "--work", str(work), "--store", str(tmp_path / "store"))
    return Store(tmp_path / "store")
