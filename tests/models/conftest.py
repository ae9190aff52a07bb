"""Fixtures of bundles."""

import shutil
from pathlib import Path

import pytest

from models.writer import write_bundle
from tests.models.small_bundle import make_arrays, make_manifest


@pytest.fixture(scope="session")
def written_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle nobody may change."""
    folder = tmp_path_factory.mktemp("bundle")
    write_bundle(folder, make_manifest(), make_arrays())
    return folder


@pytest.fixture
def bundle_folder(written_bundle: Path, tmp_path: Path) -> Path:
    """A bundle to damage."""
    return Path(shutil.copytree(written_bundle, tmp_path / "bundle"))
