"""Fixtures of bundles."""

import shutil
from pathlib import Path

import pytest

from models.bundle.writer import write_bundle
from models.object_store import ObjectStore
from models.store import Store
from tests.models.small_bundle import make_arrays, make_manifest
from tests.object_store.server import Bucket

OLD, NEW = "20260101T000000Z-old", "20260102T000000Z-new"


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


@pytest.fixture(scope="session")
def published_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one published bundle that nobody may change."""
    root = tmp_path_factory.mktemp("published") / "deep" / "store"
    Store(root).publish(make_manifest(OLD), make_arrays())
    return root


@pytest.fixture
def store(published_store: Path, tmp_path: Path) -> Store:
    """A store with one published bundle. A copy: syncing every file takes a tenth of a second."""
    return Store(Path(shutil.copytree(published_store, tmp_path / "store")))


@pytest.fixture
def remote(bucket: Bucket) -> ObjectStore:
    """A store in a bucket with one published bundle."""
    store = ObjectStore(f"{bucket.url}/deep/store")
    store.publish(make_manifest(OLD), make_arrays())
    return store
