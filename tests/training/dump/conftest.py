"""Servers that dumps may be on."""

import csv
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pyarrow.csv as pacsv
import pytest
from adbc_driver_postgresql import dbapi

from tests.training.dump.postgresql_server import PASSWORD, running_server
from tests.training.small_dump import SmallDump

TABLES = ("animelist", "anime", "anime_with_synopsis", "recommendations")


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


def _fill_postgresql(url: str, folder: Path) -> None:
    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        for name in TABLES:
            cursor.adbc_ingest(name, pacsv.read_csv(folder / f"{name}.csv"))
        connection.commit()


def _fill_sqlite(path: Path, folder: Path) -> None:
    with sqlite3.connect(path) as connection:
        for name in TABLES:
            with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
                header, *rows = csv.reader(file)
            cells = ", ".join(f'"{cell}" NUMERIC' for cell in header)
            connection.execute(f"CREATE TABLE {name} ({cells})")
            connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(header))})", rows)  # noqa: S608
    connection.close()


@pytest.fixture
def in_postgresql(postgresql: str, small_dump: SmallDump) -> str:
    """The URL of a database that holds the small dump."""
    _fill_postgresql(postgresql, small_dump.folder)
    return postgresql


@pytest.fixture
def in_sqlite(tmp_path: Path, small_dump: SmallDump) -> str:
    """The URL of a file that holds the small dump."""
    _fill_sqlite(tmp_path / "lists #1.db", small_dump.folder)
    return f"sqlite:///{tmp_path / 'lists #1.db'}".replace("#", "%23")
