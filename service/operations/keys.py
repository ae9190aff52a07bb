"""Keys that clients must send, if the operator wants that: ``Authorization: Bearer KEY``.

A TOML file names who has which key, by the key's sha256; keys are random, so nothing slower is needed. It is read
again when it changes::

    [website]
    sha256 = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
    scopes = ["read", "lists"]
"""

import hashlib
import hmac
import logging
import secrets
import threading
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from service.operations.logs import SERVICE

Scope = Literal["read", "lists", "metrics"]
SCOPES: Final[tuple[Scope, ...]] = ("read", "lists", "metrics")
_LOOK_S: Final = 1.0
# Longer ones are no keys of this service, and need not be hashed.
_MAX_LENGTH: Final = 200


class KeysError(Exception):
    """The file of keys cannot be used."""


class Key(BaseModel):
    """What the file says of a key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    scopes: Annotated[frozenset[Scope], Field(min_length=1)]


@dataclass(frozen=True)
class Holder:
    """Who asks."""

    name: str
    scopes: frozenset[Scope]


_FILE: Final = TypeAdapter(dict[str, Key])


class Keys:
    """The keys of a file, as it is now.

    Raises
    ------
    KeysError
        If it cannot be used when it is first read. Later the keys read last stay, and the log says so.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._looked, self._stamp = time.monotonic(), _stamp(path)
        self._keys = read_keys(path)

    def holder(self, authorization: bytes | None) -> Holder | None:
        """Find who sent this value of the ``Authorization`` header; None for nobody who has a key."""
        self._read_again()
        kind, _, key = (authorization or b"").partition(b" ")
        if kind.lower() != b"bearer" or len(key) > _MAX_LENGTH:
            return None
        digest = hashlib.sha256(key.strip()).hexdigest()
        # Each is compared, in constant time: how long it takes tells nothing.
        found = [name for name, known in self._keys.items() if hmac.compare_digest(known.sha256, digest)]
        return Holder(found[0], self._keys[found[0]].scopes) if found else None

    def _read_again(self) -> None:
        now = time.monotonic()
        if now - self._looked < _LOOK_S:
            return
        with self._lock:
            self._looked = now
            stamp = _stamp(self._path)
            if stamp == self._stamp:
                return
            self._stamp = stamp
            try:
                self._keys = read_keys(self._path)
            except KeysError as error:
                logging.getLogger(SERVICE).critical("earlier keys stay", extra={"fields": {"fault": str(error)}})
            else:
                logging.getLogger(SERVICE).info("keys were read", extra={"fields": {"n_keys": len(self._keys)}})


def read_keys(path: Path) -> Mapping[str, Key]:
    """Read a file of keys.

    Raises
    ------
    KeysError
        If it cannot be read, or is no such file. What it holds is not repeated.
    """
    try:
        return _FILE.validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise KeysError(f"{path}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise KeysError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except ValueError as error:
        raise KeysError(f"{path}: is no TOML: {error}") from None


def new_key(name: str, scopes: list[Scope]) -> tuple[str, str]:
    """Make a key; return it, and what the file needs to know it by."""
    key = secrets.token_urlsafe(32)
    listed = ", ".join(f'"{scope}"' for scope in scopes)
    return key, f'[{name}]\nsha256 = "{hashlib.sha256(key.encode()).hexdigest()}"\nscopes = [{listed}]\n'


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_size, facts.st_mtime_ns
