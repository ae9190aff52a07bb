"""The files of a stage: arrays as .npy and one JSON file of facts. `path` is always that of the JSON file."""

import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.bundle.writer import save_array, save_bytes
from models.cores import usable_cores
from training.errors import InputError

T = TypeVar("T")
Arrays = dict[str, Any]  # of ndarrays, by name
# What the JSON file holds besides the facts: names of the arrays, and the sha256 of every other file of the folder.
_OWN_KEYS: Final = ("arrays", "sha256")


def save(path: Path, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
    """Write arrays and JSON-ready facts; other files that are in the folder already count as part of it."""
    for name, array in arrays.items():
        save_array(path.with_name(f"{name}.npy"), array)
    _write_facts(path, {**facts, "arrays": list(arrays), "sha256": _digest_files(path)})


def save_facts(path: Path, facts: Mapping[str, Any]) -> None:
    """Replace the facts of what was saved; the arrays stay."""
    old = json.loads(path.read_text(encoding="utf-8"))
    _write_facts(path, {**facts, **{key: old[key] for key in _OWN_KEYS}})


def load(
    path: Path,
    make: Callable[[Arrays, dict[str, Any]], T],
    complaint: str,
    stage: str = "train",
    *,
    mapped: bool = False,
) -> T:
    """Read what was saved; ``make`` gets the arrays, perhaps ``mapped``, and the facts.

    ``complaint`` of a folder that cannot be read is like "holds no recommender"; ``stage`` is the command that makes
    it.

    Raises
    ------
    InputError
        If files are missing or damaged, or of another version.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        names, _ = (facts.pop(key) for key in _OWN_KEYS)
        mode: Any = "r" if mapped else None
        arrays = {name: np.load(path.with_name(f"{name}.npy"), mmap_mode=mode, allow_pickle=False) for name in names}
        return make(arrays, facts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError) as error:
        raise InputError(f"{path.parent}: {complaint} ({error}); make one with `{stage}`") from error


def is_undamaged(path: Path) -> bool:
    """Check every byte of what was saved, besides the JSON file."""
    return bool(json.loads(path.read_text(encoding="utf-8"))["sha256"] == _digest_files(path))


def digest(*arrays: NDArray[Any]) -> str:
    """Hash arrays with sha256, in hexadecimal."""
    whole = hashlib.sha256()
    for array in arrays:
        whole.update(np.ascontiguousarray(array).data)
    return whole.hexdigest()


def _write_facts(path: Path, content: Mapping[str, Any]) -> None:
    # Renamed into place, so that they are never half there.
    unfinished = _unfinished(path)
    save_bytes(unfinished, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
    unfinished.replace(path)


def _unfinished(path: Path) -> Path:
    return path.with_name(f".{path.name}")


def _digest_files(path: Path) -> dict[str, str]:
    others = sorted(
        file for file in path.parent.iterdir() if file.is_file() and file not in {path, _unfinished(path)}
    )
    with ThreadPoolExecutor(usable_cores()) as pool:
        return dict(zip((file.name for file in others), pool.map(digest_file, others), strict=True))


def digest_file(path: Path) -> str:
    """Hash a file with sha256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
