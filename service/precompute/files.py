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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import ValidationError

from models.bundle.writer import sync_path
from service.api.params import RecommendationsQuery
from service.api.rendering import WrittenPage, recommend
from service.precompute.answers import About, PrecomputedAnswers, pack
from service.precompute.earlier import EarlierAnswers
from service.recommending.errors import ServiceError
from service.recommending.model import LoadedModel
from service.version import own_version

Answers = Iterator[tuple[int, WrittenPage]]

_SUFFIX: Final = "-precomputed.sqlite"
_UNFINISHED_FILE: Final = ".precomputing"
_LOCK_FILE: Final = ".precompute.lock"
# Of larger pages answers of 2 kB fill a larger part. What a killed process has written the kernel keeps; the file is
# synced before it gets its name.
_TABLES: Final = """
    PRAGMA page_size = 16384;
    PRAGMA synchronous = OFF;
    CREATE TABLE IF NOT EXISTS about (content BLOB NOT NULL, checksum INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS answers (user_row INTEGER PRIMARY KEY, page BLOB NOT NULL, digest BLOB NOT NULL);
"""
_ANSWERS_AT_ONCE: Final = 64
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
    store: Path, about: About, digests: Mapping[int, bytes], answer: Callable[[list[int]], Answers]
) -> Path:
    """Write the answers to a query in the place of earlier ones once all are written.

    What was written when an earlier call was stopped or killed stays, unless the disk failed, and is gone on with.
    ``digests`` has by user row, ascending, what an answer depends on, see
    :func:`service.precompute.earlier.answer_digests`; ``answer`` gives the answers for some of the rows, in order.

    Raises
    ------
    PrecomputedError
        If another process is writing some here, or the disk is full.
    OSError
        If the store cannot be written.
    """
    target = precomputed_file(store, about.model_version)
    with _alone(store) as unfinished:
        try:
            n_kept = _count_kept(unfinished, digests)
            if not n_kept:
                _sweep(store)
            with contextlib.closing(sqlite3.connect(unfinished)) as connection:
                connection.executescript(_TABLES)
                _fill(connection, about, digests, answer(list(digests)[n_kept:]))
            # The service may run as another user, whatever the umask.
            unfinished.chmod(0o644)
            sync_path(unfinished)
            unfinished.replace(target)
            sync_path(store)
        except OSError:
            _sweep(store)
            raise
        except sqlite3.Error as error:
            _sweep(store)
            raise PrecomputedError(f"{target} cannot be written: {error}") from error
    return target


def _count_kept(unfinished: Path, digests: Mapping[int, bytes]) -> int:
    """Count the answers that lie there already: none, unless all of them are the first ones that are wanted."""
    with contextlib.closing(sqlite3.connect(unfinished)) as connection:
        try:
            written = connection.execute("SELECT user_row, digest FROM answers ORDER BY user_row").fetchall()
            is_sound = connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
        except sqlite3.Error:
            return 0
    return len(written) if is_sound and written == list(islice(digests.items(), len(written))) else 0


def _fill(connection: sqlite3.Connection, about: About, digests: Mapping[int, bytes], answers: Answers) -> None:
    while some := list(islice(answers, _ANSWERS_AT_ONCE)):
        with connection:
            packed = ((user_row, pack(page, user_row), digests[user_row]) for user_row, page in some)
            connection.executemany("INSERT INTO answers VALUES (?, ?, ?)", packed)
    (n_answers,) = connection.execute("SELECT count(*) FROM answers").fetchone()
    content = about.model_copy(update={"n_answers": n_answers}).model_dump_json().encode()
    with connection:
        connection.execute("DELETE FROM about")
        connection.execute("INSERT INTO about VALUES (?, ?)", (content, zlib.crc32(content)))


def _sweep(store: Path) -> None:
    for leftover in store.glob(f"{_UNFINISHED_FILE}*"):
        leftover.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(store: Path) -> Iterator[Path]:
    """Be the only one that precomputes, with a file to write.

    Raises
    ------
    PrecomputedError
        If there is another.
    """
    with (store / _LOCK_FILE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PrecomputedError(f"{store}: another process is precomputing answers here") from error
        yield store / _UNFINISHED_FILE


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


def find_earlier(store: Path, query: RecommendationsQuery, digests: Mapping[int, bytes]) -> EarlierAnswers | None:
    """Find the newest file that has some of these answers already, whichever model it is of; else one with none."""
    wanted, earlier = {digest: user_row for user_row, digest in digests.items()}, None
    for path in sorted(store.glob(f"*{_SUFFIX}"), reverse=True):
        try:
            connection = _connect(path)
            answers = PrecomputedAnswers(About(model_version="", query=query, n_answers=1), connection)
            found = connection.execute("SELECT user_row, digest FROM answers ORDER BY user_row")
            rows = {wanted[digest]: user_row for user_row, digest in found if digest in wanted}
        except sqlite3.Error:
            # Damaged, or of a release that kept no digests.
            continue
        earlier = EarlierAnswers(path, answers, rows)
        if rows:
            break
    return earlier


def _connect(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)


def _open(path: Path, model: LoadedModel) -> PrecomputedAnswers:
    connection = _connect(path)
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
