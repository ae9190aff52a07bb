"""Reads a dump from a database: the results of queries, which become Parquet files that are read like all others.

ADBC drivers give Arrow batches; PostgreSQL's streams them. All queries see one state of the database. Passwords come
from the environment or a file of the driver's, so that none can reach a log, a card or an error.
"""

import contextlib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from training.dump import columns
from training.errors import InputError
from training.support.terminal import say

POSTGRESQL: Final = ("postgresql", "postgres")
SQLITE: Final = "sqlite"
# The order of rows decides which of two duplicates counts: it must not depend on who else reads the table.
_POSTGRESQL_SETTINGS: Final = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "SET max_parallel_workers_per_gather = 0",
    "SET synchronize_seqscans = off",
)
_HAS_TABLE: Final = {
    True: "SELECT to_regclass('{}') IS NOT NULL",
    False: "SELECT count(*) > 0 FROM sqlite_master WHERE name = '{}'",
}
_CONNECT_SECONDS: Final = 10
_BEFORE_REASON: Final = re.compile(r"^.*?(?:Failed to [a-z ]+|\[PGRES_\w+\]): (?:ERROR: +)?")


def _plain_columns(header: Iterable[str]) -> list[str]:
    return [columns.plain(name) for name in header]


@dataclass(frozen=True)
class _Table:
    """What a query has to give, and the file that it becomes; the table that is read by default has its name."""

    file: str
    needed: tuple[str, ...]
    standard_names: Callable[[Iterable[str]], list[str]]
    is_needed: bool = False


_TABLES: Final = {
    "lists": _Table("animelist", (columns.USER_ID, columns.ANIME_ID, columns.RATING), columns.list_columns, True),
    "catalogue": _Table("anime", ("mal_id", "name"), columns.catalogue_columns, True),
    "synopses": _Table("anime_with_synopsis", ("mal_id", "synopsis"), columns.catalogue_columns),
    "recommendations": _Table("recommendations", ("anime_id", "similar_anime_id", "votes"), _plain_columns),
    "franchises": _Table("franchises", ("anime_id", "franchise_id"), _plain_columns),
    "synonyms": _Table("synonyms", ("mal_id", "name"), columns.catalogue_columns),
    "id_map": _Table("idmap", ("mal_id",), columns.catalogue_columns),
}


def read_queries_file(path: Path | None) -> dict[str, str]:
    """Read a TOML file with a query for each of the tables, or some; what it does not name is read by default.

    Raises
    ------
    InputError
        If it is no TOML, or holds something else.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8")) if path else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is no TOML file ({error})") from error
    known = ["name", *_TABLES]
    wrong = [key for key, value in found.items() if key not in known or not isinstance(value, str)]
    if wrong:
        raise InputError(f"{path}: expected texts called {', '.join(known)}; got {wrong[0]} = {found[wrong[0]]!r}")
    return found


def without_secrets(url: str) -> str:
    """Name a database: its host and name, no user and no options.

    Raises
    ------
    InputError
        If the URL holds a password, or cannot be understood.
    """
    try:
        parts = urlsplit(url)
        secrets = parts.password is not None or any(key.endswith("password") for key in parse_qs(parts.query))
    except ValueError as error:
        raise InputError("--data: is no URL of a database; expected postgresql://user@host/database") from error
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    if secrets:
        raise InputError(
            f"{shown}: the URL holds a password, which others could read: set PGPASSWORD or PGPASSFILE instead"
        )
    return shown


def save_query_results(url: str, queries: Mapping[str, str], folder: Path) -> None:
    """Write what the queries give into Parquet files of a folder; InputError where they cannot be had."""
    shown = without_secrets(url)
    is_postgresql = urlsplit(url).scheme in POSTGRESQL
    with _reported(shown), contextlib.closing(_connect(url, shown)) as connection, connection.cursor() as cursor:
        for setting in _POSTGRESQL_SETTINGS if is_postgresql else ():
            cursor.execute(setting)
        for name, table in _TABLES.items():
            with _reported(f"{shown}, {name}"):
                _save_table(cursor, queries.get(name), table, f"{shown}, {name}", folder)


def _save_table(cursor: Any, query: str | None, table: _Table, shown: str, folder: Path) -> None:
    is_postgresql = not shown.startswith(SQLITE)
    if query is None:
        cursor.execute(_HAS_TABLE[is_postgresql].format(table.file))
        query = f"SELECT * FROM {table.file}" if cursor.fetchone()[0] else ""  # noqa: S608 - a name of ours
    query = query.strip().rstrip(";")
    if not query and table.is_needed:
        raise InputError(f"{shown}: there is no table {table.file}; --queries names a file with a query")
    if not query:
        return
    cursor.execute(_write_selection(cursor, query, table, shown, keep_numbers=is_postgresql))
    n_rows = _save(cursor.fetch_record_batch(), folder / f"{table.file}.parquet")
    say(f"{shown}: {n_rows:,} rows")


def _connect(url: str, shown: str) -> Any:
    if urlsplit(url).scheme in POSTGRESQL:
        from adbc_driver_postgresql import dbapi  # noqa: PLC0415 - an extra

        limit = f"{'&' if '?' in url else '?'}connect_timeout={_CONNECT_SECONDS}"
        return dbapi.connect(url if "connect_timeout" in url else url + limit)
    from adbc_driver_sqlite import dbapi as sqlite  # noqa: PLC0415 - an extra

    path = Path(unquote(urlsplit(url).path).removeprefix("/"))
    # sqlite:///file lies here, sqlite:////folder/file anywhere; sqlite:///folder/file may be meant so too.
    path = next((place for place in (path, Path("/") / path) if place.is_file()), path)
    if not path.is_file():
        raise InputError(f"{shown}: there is no file {path}")
    return sqlite.connect(f"{path.absolute().as_uri()}?mode=ro")


def _write_selection(cursor: Any, query: str, table: _Table, shown: str, *, keep_numbers: bool) -> str:
    """Write a query for the columns that are read: numbers of lists as they are, all else as text."""
    cursor.execute(f"SELECT * FROM ({query}\n) AS q LIMIT 0")  # noqa: S608 - whoever trains may ask what they like
    schema = cursor.fetch_arrow_table().schema
    names = table.standard_names(schema.names)
    columns.require_columns(shown, names, table.needed)
    is_lists = columns.RATING in table.needed
    picked = []
    for name, field in zip(names, schema, strict=True):
        quoted = '"' + field.name.replace('"', '""') + '"'
        if is_lists and name not in {*table.needed, columns.STATUS}:
            continue
        is_number = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
        picked.append(quoted if is_lists and is_number and keep_numbers else f"CAST({quoted} AS text) AS {quoted}")
    return f"SELECT {', '.join(picked)} FROM ({query}\n) AS q"  # noqa: S608 - as above


def _save(batches: pa.RecordBatchReader, path: Path) -> int:
    n_rows = 0
    with pq.ParquetWriter(path, batches.schema, compression="zstd") as writer:
        for batch in _read(batches):
            writer.write_batch(batch)
            n_rows += batch.num_rows
    return n_rows


def _read(batches: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except OSError as error:
        # The stream broke off; other errors of this kind are the disk's.
        fault = pa.ArrowException(str(error))
        raise fault from error


@contextlib.contextmanager
def _reported(shown: str) -> Iterator[None]:
    # Errors of drivers become a line.
    try:
        from adbc_driver_manager import Error  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise InputError(f"{shown}: needs a driver; install osusume[database]") from error
    try:
        yield
    except (Error, pa.ArrowException) as error:
        reason = _BEFORE_REASON.sub("", str(error)).partition("\n")[0]
        raise InputError(f"{shown}: {reason}") from None
