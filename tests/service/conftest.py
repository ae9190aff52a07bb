"""A small model: in memory, in a store, and behind a real server."""

from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest

from models.bundle import Bundle
from service.loaded_model import LoadedModel, build_model
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


@pytest.fixture(scope="session")
def service_url(store: Path) -> Iterator[str]:
    with running(store) as url:
        yield url


@pytest.fixture(scope="session")
def client(service_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service_url) as session:
        yield session
