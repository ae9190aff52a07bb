"""What engine and workers exchange: files in a folder that both see, each of one array.

An input is named by its content, a part by its step, inputs and arguments: one that is whole is not made again.
"""

import dataclasses
import functools
import hashlib
import json
import platform
import threading
import uuid
from collections.abc import Callable
from importlib.metadata import version
from mmap import mmap
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.writer import save_array
from training.errors import InputError
from training.support.artefacts import digest_file

# A step uses all cores, and sets the threads of the algebra for its process.
_ONE_AT_A_TIME: Final = threading.Lock()
_SOURCES: Final = Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True)
class StoredArray:
    """An array in a file."""

    path: Path
    sha256: str


# Or a dataclass whose fields are arrays in files.
Stored = StoredArray | tuple[type, dict[str, StoredArray]]


def store(folder: Path, value: Any) -> Stored:
    """Put an array, or a dataclass of arrays, where workers find it; memory-mapped files stay where they are."""
    if isinstance(value, np.ndarray):
        return _store_array(folder, value)
    names = [field.name for field in dataclasses.fields(value)]
    return type(value), {name: _store_array(folder, getattr(value, name)) for name in names}


def _store_array(folder: Path, array: NDArray[Any]) -> StoredArray:
    base: Any = array.base
    if isinstance(array, np.memmap) and isinstance(base, mmap):
        path = Path(str(array.filename)).resolve()
        return StoredArray(path, digest_file(path))
    unfinished = _write(folder, array)
    sha256 = digest_file(unfinished)
    return StoredArray(unfinished.replace(folder / f"{sha256}.npy"), sha256)


def make_part(
    versions: str, folder: Path, step: Callable[..., NDArray[Any]], inputs: list[Stored], call: tuple[Any, ...]
) -> StoredArray:
    """Run one call of a step on a worker, and write what it returns; a part that is there and whole is used again.

    Raises
    ------
    InputError
        If this worker is of another version than the engine, or does not see its files.
    """
    _require_same_version(versions)
    files = [[given] if isinstance(given, StoredArray) else given[1].values() for given in inputs]
    sums = [one.sha256 for some in files for one in some]
    key = json.dumps([versions, step.__module__, step.__qualname__, sums, call])
    path = folder / f"{hashlib.sha256(key.encode()).hexdigest()}.npy"
    sum_file = path.with_suffix(".sha256")
    with _ONE_AT_A_TIME:
        if sum_file.exists() and path.exists() and sum_file.read_text() == digest_file(path):
            return StoredArray(path, sum_file.read_text())
        try:
            opened = [open_stored(given) for given in inputs]
        except FileNotFoundError as error:
            raise InputError(_not_seen(error.filename)) from error
        unfinished = _write(folder, step(*opened, *call))
        made = StoredArray(path, digest_file(unfinished))
        unfinished.replace(path)
        unfinished.write_text(made.sha256)
        unfinished.replace(sum_file)
        return made


def check_worker(versions: str, probe: Path) -> None:
    """Check on a worker that it has the engine's version and sees its folder.

    Raises
    ------
    InputError
        If it does not.
    """
    _require_same_version(versions)
    if not probe.exists():
        raise InputError(_not_seen(probe))


def _not_seen(path: object) -> str:
    return f"{path} is not there on {platform.node()}: all workers need the work folder under the same path"


def _require_same_version(versions: str) -> None:
    if (own := describe_versions()) != versions:
        raise InputError(f"a worker on {platform.node()} has another version ({own}) than this command ({versions})")


@functools.cache
def describe_versions() -> str:
    """Name what must be the same everywhere for the same bits: Python, libraries, and a sum of this software."""
    code = hashlib.sha256()
    for package in ("models", "training"):
        for path in sorted((_SOURCES / package).rglob("*.py")):
            code.update(path.read_bytes())
    libraries = " ".join(f"{name} {version(name)}" for name in ("numpy", "numba", "faiss-cpu"))
    return f"Python {platform.python_version()}, {libraries}, code {code.hexdigest()[:8]}"


def open_stored(given: Stored) -> Any:
    """Memory-map what was stored."""
    if isinstance(given, StoredArray):
        return np.load(given.path, mmap_mode="r", allow_pickle=False)
    return given[0](**{name: open_stored(stored) for name, stored in given[1].items()})


def _write(folder: Path, array: NDArray[Any]) -> Path:
    path = folder / f"{uuid.uuid4().hex}.unfinished"
    save_array(path, array)
    return path
