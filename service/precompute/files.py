"""Precomputed answers on disk, beside the bundle they were worked out with.

::

    store/
      20261123T101500Z-autoencoder-1a2b3c4d/                the bundle
      20261123T101500Z-autoencoder-1a2b3c4d-precomputed/    its answers: about.json, offsets.npy, answers.bin

A bundle never changes once it has its name, and these may be thrown away at any time: so they lie beside it, not in
it.
"""

import contextlib
import fcntl
import mmap
import os
import shutil
import tempfile
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from models.bundle.writer import durable_file, replace_folder, save_array, save_bytes, sync_path
from service.api.params import RecommendationsQuery
from service.api.recommendation_rendering import recommend
from service.precompute.answers import PrecomputedAnswers, pack
from service.precompute.written_page import WrittenPage
from service.recommending.errors import ServiceError
from service.recommending.model import LoadedModel
from service.version import own_version

ABOUT_FILE: Final = "about.json"
OFFSETS_FILE: Final = "offsets.npy"
ANSWERS_FILE: Final = "answers.bin"
_SUFFIX: Final = "-precomputed"
_UNFINISHED_PREFIX: Final = ".precomputing-"
_LOCK_FILE: Final = ".precompute.lock"
# How many answers are worked out once more before any is served.
_N_SAMPLED: Final = 3
# Of a longer stretch the kernel may read no more than this.
_READ_AHEAD_BYTES: Final = 128 << 10
# Between processors the last digits differ.
_TOLERANCE: Final = 1e-4


class PrecomputedError(Exception):
    """Precomputed answers that cannot be used, and why."""


class About(BaseModel):
    """What was answered: the text of :data:`ABOUT_FILE`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_version: str
    software_version: str = own_version()
    query: RecommendationsQuery


def precomputed_folder(store: Path, model_version: str) -> Path:
    """Tell where the precomputed answers of a model lie.

    Returns
    -------
    Path
        Whether there are any or not.
    """
    return store / f"{model_version}{_SUFFIX}"


def write_precomputed(store: Path, about: About, n_users: int, answers: Iterable[tuple[int, WrittenPage]]) -> Path:
    """Write precomputed answers. Until all are written nobody sees any of them.

    Parameters
    ----------
    store : Path
    about : About
    n_users : int
        Of the model.
    answers : iterable of (int, WrittenPage)
        User rows, ascending, each with their answer.

    Returns
    -------
    Path
        Their folder. What was there before is gone; who serves it goes on.

    Raises
    ------
    PrecomputedError
        If somebody else is writing some here.
    OSError
        If the disk is full or the store cannot be written.
    """
    target = precomputed_folder(store, about.model_version)
    with _alone(store):
        folder = Path(tempfile.mkdtemp(prefix=_UNFINISHED_PREFIX, dir=store))
        # mkdtemp gives 0700; the service may run as another user.
        folder.chmod(0o755)
        lengths = np.zeros(n_users + 1, dtype=np.int64)
        with durable_file(folder / ANSWERS_FILE) as file:
            for user_row, page in answers:
                lengths[user_row + 1] = file.write(pack(page))
        save_array(folder / OFFSETS_FILE, np.cumsum(lengths))
        save_bytes(folder / ABOUT_FILE, orjson.dumps(about.model_dump(mode="json")))
        sync_path(folder)
        replace_folder(folder, target, folder.with_name(f"{folder.name}-earlier"))
    return target


@contextlib.contextmanager
def _alone(store: Path) -> Iterator[None]:
    """Be the only one that precomputes, and leave nothing unfinished behind, of whomever it is.

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
        try:
            yield
        finally:
            for leftover in store.glob(f"{_UNFINISHED_PREFIX}*"):
                shutil.rmtree(leftover, ignore_errors=True)


def with_precomputed(model: LoadedModel, store: Path) -> LoadedModel:
    """Give a model the answers that were precomputed with it, if there are any.

    Parameters
    ----------
    model : LoadedModel
    store : Path
        Where it was read from.

    Raises
    ------
    PrecomputedError
        If there are some that cannot be used: damaged, or not what this model answers here and now.
    """
    folder = precomputed_folder(store, model.version)
    if not folder.is_dir():
        return model
    precomputed = _read(folder, model)
    for row in _some_of(precomputed.user_rows()):
        try:
            found = precomputed.find(row, precomputed.query)
            agrees = found is not None and _agree(found, recommend(model, row, precomputed.query))
        except (ServiceError, ValueError) as error:
            raise PrecomputedError(f"{folder}: {error}") from error
        if not agrees:
            user_id = model.bundle.user_ids[row]
            raise PrecomputedError(f"{folder}: the answer for user {user_id} is not what it would be now")
    return replace(model, precomputed=precomputed)


def read_ahead(model: LoadedModel, store: Path) -> None:
    """Have the kernel read a model's precomputed answers from disk, as far as it has memory to spare.

    Whoever asks for a page of a mapped file that is not in memory has everybody wait for the disk.

    Parameters
    ----------
    model : LoadedModel
    store : Path
        Where it was read from.

    Raises
    ------
    OSError
        If they cannot be read any more.
    """
    if not model.precomputed.n_answers:
        return
    with (precomputed_folder(store, model.version) / ANSWERS_FILE).open("rb") as file:
        for start in range(0, os.fstat(file.fileno()).st_size, _READ_AHEAD_BYTES):
            os.posix_fadvise(file.fileno(), start, _READ_AHEAD_BYTES, os.POSIX_FADV_WILLNEED)


def _some_of(rows: NDArray[np.int64]) -> list[int]:
    """Take a few, the first and the last among them."""
    places = np.linspace(0, len(rows) - 1, _N_SAMPLED, dtype=np.int64)
    sample: list[int] = rows[places].tolist() if len(rows) else []
    return sample


def _read(folder: Path, model: LoadedModel) -> PrecomputedAnswers:
    about = _read_about(folder / ABOUT_FILE)
    made_with, mine = (about.model_version, about.software_version), (model.version, own_version())
    if made_with != mine:
        raise PrecomputedError(f"{folder / ABOUT_FILE}: of model and software {made_with}, not {mine}")
    path = folder / OFFSETS_FILE
    try:
        offsets = np.lib.format.open_memmap(path, mode="r")
        size = (folder / ANSWERS_FILE).stat().st_size
        with (folder / ANSWERS_FILE).open("rb") as file:
            answers = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    except OSError as error:
        raise PrecomputedError(f"{error.filename or folder}: cannot be read: {error.strerror}") from error
    except (ValueError, EOFError, MemoryError, SyntaxError, tokenize.TokenError) as error:
        raise PrecomputedError(f"{path}: is no numpy array: {error}") from error
    expected = (model.bundle.n_users + 1,)
    if offsets.dtype != np.int64 or offsets.shape != expected:
        raise PrecomputedError(f"{path}: is no array of {expected[0]} int64")
    if offsets[0] != 0 or offsets[-1] != size or (offsets[1:] < offsets[:-1]).any():
        raise PrecomputedError(f"{path}: does not divide the {size} bytes of {ANSWERS_FILE} among users")
    # A plain view: np.memmap's own indexing is several times slower.
    return PrecomputedAnswers(about.query, offsets.view(np.ndarray), answers)


def _read_about(path: Path) -> About:
    try:
        return About.model_validate_json(path.read_bytes())
    except OSError as error:
        raise PrecomputedError(f"{path}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "JSON"
        raise PrecomputedError(f"{path}: {where}: {first['msg']}") from error


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
