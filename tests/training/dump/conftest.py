"""Servers that dumps may be on."""

from collections.abc import Iterator

import pytest
from adbc_driver_postgresql import dbapi

from tests.training.dump.postgresql_server import PASSWORD, running_server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A local PostgreSQL server."""
    with running_server() as url:
        yield url


@pytest.fixture
def postgresql(postgresql_server: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty database, whose password is in the environment."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    name = f"test_{abs(hash(request.node.nodeid)):x}"
    with dbapi.connect(postgresql_server, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    return f"{postgresql_server.rpartition('/')[0]}/{name}"
