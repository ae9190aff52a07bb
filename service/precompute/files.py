"""Precomputed answers on disk, beside the bundle they were computed with.

::

    store/
      20261123T101500Z-autoencoder-1a2b3c4d/                       the bundle
      20261123T101500Z-autoencoder-1a2b3c4d-precomputed.sqlite     its answers

A bundle never changes once it has its name, and these may be thrown away at any time: so they lie beside it, not in
it. The file does not change once it has its name either. Every answer has a checksum, looked at when it is used.
"""

import contextlib
import fcntl
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import ValidationError

from models.bundle.writer import sync_path
from service.api.params import RecommendationsQuery
from service.api.rendering import WrittenPage, recommend
from service.precompute.answers import About, PrecomputedAnswers, pack
from service.recommending.errors import ServiceError
from service.recommending.model import LoadedModel
from service.version import own_version

_SUFFIX: Final = "-precomputed.sqlite"
_UNFINISHED_FILE: Final = ".precomputing"
_LOCK_FILE: Final = ".precompute.lock"
# No journal: what is not finished is thrown away. Of larger pages answers of 2 kB fill a larger part.
_TABLES: Final = """
    PRAGMA page_size = 16384;
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE about (content BLOB NOT NULL, checksum INTEGER NOT NULL);
    CREATE TABLE answers (user_row INTEGER PRIMARY KEY, page BLOB NOT NULL);
    BEGIN;
"""
# More than sqlite maps: all of it, so that workers share its pages.
_MAP_ALL: Final = "PRAGMA mmap_size = 1099511627776"
# Of a longer stretch the kernel may read no more than this.
_READ_AHEAD_BYTES: Final = 128 << 10
# Between processors the last digits differ.
_TOLERANCE: Final = 1e-4


class PrecomputedError(Exception):
    """Precomputed answers that cannot be used, and why."""


def precomputed_file(store: Path, model_version: str) -> Path:
    """Give where the precomputed answers of a model lie, whether there are any or not."""
    return store / f"{model_version}{_SUFFIX}"


def write_precomputed(
    store: Path, model_version: str, query: RecommendationsQuery, answers: Iterable[tuple[int, WrittenPage]]
) -> Path:
    """Write the answers to a query, by ascending user row, in the place of earlier ones once all are written.

    Raises
    ------
    PrecomputedError
        If another process is writing some here, or the disk is full.
    OSError
        If the store cannot be written.
    """
    target = precomputed_file(store, model_version)
    with _alone(store) as unfinished:
        try:
            with contextlib.closing(sqlite3.connect(unfinished, isolation_level=None)) as connection:
                _fill(connection, About(model_version=model_version, query=query), answers)
        except sqlite3.Error as error:
            raise PrecomputedError(f"{target} cannot be written: {error}") from error
        # The service may run as another user, whatever the umask.
        unfinished.chmod(0o644)
        sync_path(unfinished)
        unfinished.replace(target)
        sync_path(store)
    return target


def _fill(connection: sqlite3.Connection, about: About, answers: Iterable[tuple[int, WrittenPage]]) -> None:
    connection.executescript(_TABLES)
    packed = ((user_row, pack(page, user_row)) for user_row, page in answers)
    n_answers = connection.executemany("INSERT INTO answers VALUES (?, ?)", packed).rowcount
    content = about.model_copy(update={"n_answers": n_answers}).model_dump_json().encode()
    connection.execute("INSERT INTO about VALUES (?, ?)", (content, zlib.crc32(content)))
    connection.execute("COMMIT")


@contextlib.contextmanager
def _alone(store: Path) -> Iterator[Path]:
    """Be the only one that precomputes, with a file to write that is gone in the end unless it was renamed.

    Raises
    ------
    PrecomputedError
        If there is another.
    """
    unfinished = store / _UNFINISHED_FILE
    with (store / _LOCK_FILE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PrecomputedError(f"{store}: another process is precomputing answers here") from error
        try:
            # Of a process that was killed.
            unfinished.unlink(missing_ok=True)
            yield unfinished
        finally:
            unfinished.unlink(missing_ok=True)


def with_precomputed(model: LoadedModel, store: Path) -> LoadedModel:
    """Give a model the answers that were precomputed with it, if there are any in its store.

    Raises
    ------
    PrecomputedError
        If there are some that cannot be used: damaged, or not what this model answers here and now.
    """
    path = precomputed_file(store, model.version)
    if not path.exists():
        return model
    try:
        precomputed = _open(path, model)
        for row in precomputed.some_user_rows():
            # What was damaged is not found, so a row that is found is one of the model's.
            found = precomputed.find(row, precomputed.query)
            if found is None:
                raise PrecomputedError(f"{path}: the answer of row {row} is damaged")
            if not _agree(found, recommend(model, row, precomputed.query)):
                user_id = model.bundle.user_ids[row]
                raise PrecomputedError(f"{path}: the answer for user {user_id} is not what it would be now")
    except (sqlite3.Error, ServiceError, ValueError, TypeError) as error:
        raise PrecomputedError(f"{path}: cannot be used: {error}") from error
    return replace(model, precomputed=precomputed)


def _open(path: Path, model: LoadedModel) -> PrecomputedAnswers:
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(_MAP_ALL)
        about = _read_about(path, connection, model)
    except BaseException:
        connection.close()
        raise
    return PrecomputedAnswers(about, connection)


def _read_about(path: Path, connection: sqlite3.Connection, model: LoadedModel) -> About:
    content, checksum = connection.execute("SELECT content, checksum FROM about").fetchone() or (b"", None)
    if zlib.crc32(content) != checksum:
        raise PrecomputedError(f"{path}: what it says of its answers is damaged")
    try:
        about = About.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise PrecomputedError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    made_with, mine = (about.model_version, about.software_version), (model.version, own_version())
    if made_with != mine:
        raise PrecomputedError(f"{path}: of model and software {made_with}, not {mine}")
    return about


def read_ahead(model: LoadedModel, store: Path) -> None:
    """Have the kernel read a model's precomputed answers from disk, as far as it has memory to spare.

    A request for a page of a mapped file that is not in memory makes all requests wait for the disk.
    """
    if not model.precomputed:
        return
    with precomputed_file(store, model.version).open("rb") as file:
        for start in range(0, os.fstat(file.fileno()).st_size, _READ_AHEAD_BYTES):
            os.posix_fadvise(file.fileno(), start, _READ_AHEAD_BYTES, os.POSIX_FADV_WILLNEED)


def _agree(found: WrittenPage, expected: WrittenPage) -> bool:
    if found.anime_rows != expected.anime_rows or found.total != expected.total:
        return False
    ours, now = ([orjson.loads(text) for text in (page.fields, *page.rows)] for page in (found, expected))
    return is_close(ours, now)


def is_close(one: Any, other: Any) -> bool:
    """Compare two values of JSON; numbers may differ in their last digits."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(is_close(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_close, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= _TOLERANCE
    return type(one) is type(other) and bool(one == other)
