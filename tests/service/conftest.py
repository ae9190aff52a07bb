"""A small model: in memory, in a store, and behind a real server."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest

from models.bundle.reader import Bundle
from models.store import Store
from service.recommending.model import LoadedModel, build_model, load_model
from tests.service import small_bundle
from tests.service.running import running


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return small_bundle.make_bundle()


@pytest.fixture(scope="session")
def model(bundle: Bundle) -> LoadedModel:
    return build_model(bundle)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    small_bundle.publish(folder)
    return folder


@pytest.fixture
def own_store(store: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    folder = tmp_path / "store"
    shutil.copytree(store, folder)
    return folder


@pytest.fixture
def loaded(own_store: Path) -> LoadedModel:
    """The model of that copy, read as the service reads it."""
    return load_model(Store(own_store).current_folder())


@pytest.fixture(scope="session")
def service_url(store: Path) -> Iterator[str]:
    with running(store) as url:
        yield url


@pytest.fixture(scope="session")
def client(service_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service_url) as session:
        yield session
