"""Bundles whose sums are right and whose contents are not: refused, or served without a fault.

An input is a script of changes: of bytes, elements, shapes and types of arrays, and of the manifest's fields.
"""

import gc
import hashlib
import io
import json
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.layout import LAYOUT, MANIFEST_FILE, MANIFEST_SUM_FILE
from models.bundle.reader import manifest_sum_line, read_bundle
from models.bundle.writer import write_bundle
from models.errors import BundleError
from models.golden import make_golden_answers
from service.recommending.model import load_model
from tests.chaos.fuzzing.asgi import APP, ask
from tests.models.small_bundle import user_index
from tests.service.small_bundle import make_arrays, make_manifest

WORDS: Final = ("\x00\x01", "\x01\x00", "\x02\x00", "\x03\x00", "\x04\x00")
_FOLDER: Final = tempfile.TemporaryDirectory(prefix="fuzzed-bundle-")
_NUMBERS: Final = (0, 1, -1, 2, 7, 59, 60, 61, 127, 255, 32767, -32768, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63))
_FLOATS: Final = (0.5, -0.5, 1e-40, 1e30, 3.4e38, float("nan"), float("inf"), -float("inf"))
_VALUES: Final[tuple[Any, ...]] = (
    *(None, True, "", "x", "ranked", "items", "content", "cosine", "2026-01-01T00:00:00Z", "\ud800", [], {}, [[]]),
    *(*_NUMBERS, 2**70, 0.5, -1e308, 10**40),
)
_TYPES: Final = ("<i8", "<i4", "<i2", "|u1", "<f4", "<f8", "|b1", "<U1", "<U9", ">i4", "<f2", "<c8", "|S3", "<M8[s]")
_FILES: Final = (MANIFEST_FILE, *(f"{spec.name}.npy" for spec in LAYOUT))
_LIST: Final = [{"anime_id": 1 + 3 * row, "rating": 10 - row} for row in range(6)]
_PATHS: Final = (
    *("/anime/1", "/anime/1/similar", "/anime/4/similar?method=cosine&novelty=0.5", "/anime/3/similar"),
    *("/anime/7/similar?method=embedding&diversity=0.7&type=TV", "/anime/similar?like=1&like=4&unlike=7"),
    *("/anime?query=bebop", "/anime?genre=action&min_score=5", "/anime/map", "/users/2/similar", "/model"),
    *("/users/7/recommendations", "/users/2/recommendations?include_new=true&novelty=1"),
    "/users/12/recommendations?method=neighbours&rule=top-quarter",
)


def _make() -> dict[str, bytes]:
    arrays = make_arrays()
    # With an index, which the small model has no need of.
    arrays |= user_index(arrays["user_embeddings"], n_groups=4, n_probed=2)
    folder = Path(_FOLDER.name)
    write_bundle(folder, make_manifest(arrays), arrays)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


_SOUND: Final = _make()


class _Script:
    """Numbers, one after the other; 0 where there are no more."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def __bool__(self) -> bool:
        return self._place < len(self._data)

    def take(self, n: int, n_bytes: int = 1) -> int:
        """Give a number below n."""
        taken = self._data[self._place : self._place + n_bytes]
        self._place += n_bytes
        return int.from_bytes(taken, "little") % max(n, 1)


def seeds() -> list[bytes]:
    """Give one change of each kind of each file."""
    changes = (
        b"\0\x50\0\xff",
        b"\0\x85\0\x01",
        b"\1\0\0\1",
        b"\1\3\0\6",
        b"\2\0\1",
        b"\2\1\2",
        b"\3\2",
        b"\4\0\0\5\0",
    )
    return [bytes([number]) + change for number in range(len(_FILES)) for change in changes]


def run(data: bytes) -> None:
    """Change a bundle, make its sums right, and load it; if it is not refused, ask it."""
    script, folder, files = _Script(data), Path(_FOLDER.name), dict(_SOUND)
    manifest = json.loads(files[MANIFEST_FILE])
    fields: list[int] = []
    while script:
        name = _FILES[script.take(len(_FILES))]
        if name == MANIFEST_FILE:
            fields += [script.take(256) for _ in range(6)]
        else:
            files[name] = _change(files[name], script)
            _describe(next(entry for entry in manifest["files"] if entry["name"] == name), files[name])
    for start in range(0, len(fields), 6):
        _change_field(manifest, fields[start : start + 6])
    _write(folder, files, manifest)
    try:
        _load(folder, files, manifest)
    finally:
        for name in [name for name, content in files.items() if content != _SOUND[name]]:
            (folder / name).write_bytes(_SOUND[name])
        # What was loaded was frozen, as a service loads once.
        gc.unfreeze()


def _load(folder: Path, files: dict[str, bytes], manifest: Any) -> None:
    try:
        model = load_model(folder)
    except BundleError:
        try:
            manifest["golden"] = _golden(folder)
        except Exception:  # noqa: BLE001 - who publishes it is told so
            return
        _write(folder, files, manifest)
        try:
            model = load_model(folder)
        except BundleError:
            return
    APP.state.readiness.accept(model)
    APP.state.answer_memory.forget()
    for path in _PATHS:
        target, _, query = path.partition("?")
        ask("GET", target.encode(), query.encode())
    json_type = {b"content-type": b"application/json"}
    for path in ("/recommendations", "/users/similar"):
        ask("POST", path.encode(), headers=json_type, body=json.dumps({"ratings": _LIST}).encode())
    two = json.dumps({"lists": [{"ratings": _LIST}, {"ratings": _LIST[2:]}]}).encode()
    for path in ("/recommendations/group", "/users/compare"):
        ask("POST", path.encode(), headers=json_type, body=two)
    ask("POST", b"/import", body=b"Cowboy Bebop 9\nSteins;Gate 8\nMade Up 7\n")


def _golden(folder: Path) -> list[Any]:
    return [answer.model_dump(mode="json") for answer in make_golden_answers(read_bundle(folder))]


def _write(folder: Path, files: dict[str, bytes], manifest: Any) -> None:
    files[MANIFEST_FILE] = json.dumps(manifest).encode()
    files[MANIFEST_SUM_FILE] = manifest_sum_line(files[MANIFEST_FILE])
    for name, content in files.items():
        if content != _SOUND[name]:
            (folder / name).write_bytes(content)


def _describe(entry: dict[str, Any], content: bytes) -> None:
    entry["sha256"], entry["n_bytes"] = hashlib.sha256(content).hexdigest(), len(content)
    array = _parsed(content)
    if array is not None:
        entry["shape"], entry["dtype"] = array.shape, array.dtype.str


def _parsed(content: bytes) -> NDArray[Any] | None:
    try:
        array: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    except Exception:  # noqa: BLE001 - whatever is wrong with its header
        return None
    return array if isinstance(array, np.ndarray) else None


def _change(content: bytes, script: _Script) -> bytes:
    kind = script.take(6)
    array = _parsed(content)
    if kind == 0 or array is None:
        changed = bytearray(content)
        changed[script.take(len(changed), 2)] = script.take(256)
        return bytes(changed)
    return _saved(_change_array(array.copy(), kind, script))


def _change_array(array: NDArray[Any], kind: int, script: _Script) -> NDArray[Any]:
    with np.errstate(all="ignore"):
        match kind:
            case 1 if array.size:
                values = (*_NUMBERS, *_FLOATS, "", "\U0010ffff")
                place, value = script.take(array.size, 2), values[script.take(len(values))]
                array.flat[place] = np.array([value]).astype(array.dtype)[0] if _fits(value, array) else array.flat[0]
            case 2 if array.ndim:
                axis, n = script.take(array.ndim), script.take(8) - 3
                length = array.shape[axis]
                array = np.take(array, np.arange(max(length + n, 0)) % max(length, 1), axis) if length else array
            case 3:
                dtype = np.dtype(_TYPES[script.take(len(_TYPES))])
                array = (
                    # Of as many elements: again and again it would grow.
                    array.view(np.uint8)[..., : array.shape[-1]].astype(dtype)
                    if array.dtype.kind == "U" and array.ndim
                    else _cast(array, dtype)
                )
            case 4 if array.size:
                first, second = script.take(array.size, 2), script.take(array.size, 2)
                array.flat[first], array.flat[second] = array.flat[second], array.flat[first]
            case _ if array.size:
                array[...] = array.flat[script.take(array.size, 2)]
    return array


def _fits(value: object, array: NDArray[Any]) -> bool:
    try:
        np.array([value]).astype(array.dtype)
    except (ValueError, OverflowError, TypeError):
        return False
    return True


def _cast(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    try:
        return array.astype(dtype)
    except (ValueError, OverflowError, TypeError, RuntimeError):
        return np.zeros(array.shape, dtype)


def _saved(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def _change_field(value: Any, numbers: list[int]) -> None:
    """Walk down a manifest by some numbers, and change what is found there."""
    *ways, last = numbers
    for way in ways:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        if not keys:
            return
        key = keys[way % len(keys)]
        if way % 2 or not isinstance(value[key], dict | list) or not value[key]:
            break
        value = value[key]
    if last == 255:
        del value[key]
    else:
        value[key] = _VALUES[last % len(_VALUES)]
