"""What engine and workers exchange: files in a folder that both see, named by their content.

A record, named by step, inputs and arguments, tells of a part where it lies: one that is whole is not made again.
"""

import contextlib
import functools
import hashlib
import io
import json
import pickle
import platform
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from mmap import mmap
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.writer import save_array
from training.errors import InputError
from training.support.artefacts import digest_file

# Bytes of an array that has no file of its own.
_SMALL: Final = 1 << 16
# A step uses all cores, and sets the threads of the algebra for its process.
_ONE_AT_A_TIME: Final = threading.Lock()
_SOURCES: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Stored:
    """An array in a file, or something else: pickled, but for its large arrays, which have files of their own."""

    path: Path
    sha256: str
    is_array: bool = True


class _Pickler(pickle.Pickler):
    def __init__(self, folder: Path, file: io.BytesIO) -> None:
        super().__init__(file)
        self._folder = folder

    def persistent_id(self, value: Any) -> Stored | None:
        is_large = isinstance(value, np.ndarray) and value.nbytes > _SMALL
        return store(self._folder, value) if is_large else None


class _Unpickler(pickle.Unpickler):  # noqa: S301 - a scheduler has workers run what it is told anyway
    def __init__(self, file: io.BytesIO, *, checked: bool) -> None:
        super().__init__(file)
        self._checked = checked

    def persistent_load(self, stored: Stored) -> Any:
        return open_stored(stored, checked=self._checked)


def store(folder: Path, value: Any) -> Stored:
    """Put something where workers find it; memory-mapped files stay where they are."""
    if not isinstance(value, np.ndarray):
        content = io.BytesIO()
        _Pickler(folder, content).dump(value)
        return replace(_write(folder, np.frombuffer(content.getbuffer(), np.uint8)), is_array=False)
    mapped = value if isinstance(value, np.memmap) else value.base
    base: Any = mapped.base if isinstance(mapped, np.memmap) else None
    # A part of a mapped file has its name too.
    if isinstance(mapped, np.memmap) and isinstance(base, mmap) and _layout(mapped) == _layout(value):
        mapped.flush()
        path = Path(str(mapped.filename)).resolve()
        return Stored(path, digest_file(path))
    return _write(folder, value)


def _layout(array: NDArray[Any]) -> tuple[Any, ...]:
    return array.dtype, array.shape, array.strides


def open_stored(stored: Stored, *, checked: bool = False) -> Any:
    """Memory-map what was stored.

    Raises
    ------
    ValueError
        If it is to be checked, and is not what was stored.
    """
    if checked and digest_file(stored.path) != stored.sha256:
        raise ValueError(f"{stored.path}: is not what was written")
    # Slices of a memmap, which is a class of its own, take longer than those of an array.
    array: NDArray[Any] = np.asarray(np.load(stored.path, mmap_mode="r", allow_pickle=False))
    return array if stored.is_array else _Unpickler(io.BytesIO(array.data), checked=checked).load()


def make_part(
    versions: str, folder: Path, step: Callable[..., Any], inputs: list[Stored], call: tuple[Any, ...]
) -> Stored:
    """Run one call of a step on a worker, and write what it returns; a part that is there and whole is used again.

    Raises
    ------
    InputError
        If this worker is of another version than the engine, or does not see its files.
    """
    _require_same_version(versions)
    key = json.dumps([versions, step.__module__, step.__qualname__, [given.sha256 for given in inputs], call])
    record = folder / f"{hashlib.sha256(key.encode()).hexdigest()}.json"
    with _ONE_AT_A_TIME:
        # Of records that are not there, and files.
        with contextlib.suppress(OSError, ValueError):
            sha256, is_array = json.loads(record.read_text())
            made = Stored(folder / f"{sha256}.npy", sha256, is_array)
            open_stored(made, checked=True)
            return made
        try:
            made = store(folder, step(*map(open_stored, inputs), *call))
        except FileNotFoundError as error:
            raise InputError(_not_seen(error.filename)) from error
        unfinished = folder / f"{uuid.uuid4().hex}.unfinished"
        unfinished.write_text(json.dumps([made.sha256, made.is_array]))
        unfinished.replace(record)
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
    return (
        f"{path} is not there on {platform.node()}: all workers need the work folder and the dump under the same path"
    )


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


def _write(folder: Path, array: NDArray[Any]) -> Stored:
    unfinished = folder / f"{uuid.uuid4().hex}.unfinished"
    save_array(unfinished, array)
    sha256 = digest_file(unfinished)
    return Stored(unfinished.replace(folder / f"{sha256}.npy"), sha256)
