"""A disk that fails at a chosen call, and writes down what it was told. Nothing is really synced: that takes time."""

import errno
import fcntl
import io
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

# Where Python finds the calls by which files are made, named and removed.
_CALLS: Final[dict[str, Any]] = {
    "fsync": os,
    "open": os,
    "rename": os,
    "replace": os,
    "chmod": os,
    "fchmod": os,
    "mkdir": os,
    "unlink": os,
    "rmdir": os,
    "flock": fcntl,
}
CALLS: Final = [*_CALLS, "create", "write"]

Call = tuple[str, ...]


class Disk:
    """Every call to the file system passes here.

    ``log`` holds the calls since :meth:`work`: name and paths, and for a synced file its size by then.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.log: list[Call] = []
        # A bundle's files are written by several threads: each has to count as one.
        self._lock = threading.Lock()
        self._failures: dict[tuple[str, int], tuple[BaseException, bool]] = {}
        for name, module in _CALLS.items():
            patch.setattr(module, name, self._watch(name, getattr(module, name)))
        patch.setattr(io, "open", self._watch_files(io.open))

    def work(self) -> None:
        """Fail no more."""
        self.log, self._failures = [], {}

    def fail(self, name: str, nth: int, error: BaseException | None = None, *, after: bool = False) -> None:
        """Fail at the nth call of a kind from now on, before it does anything or after it has."""
        self._failures[name, self.count(name) + nth] = (error or OSError(errno.EIO, os.strerror(errno.EIO)), after)

    def count(self, name: str) -> int:
        return sum(call[0] == name for call in self.log)

    @property
    def has_failed(self) -> bool:
        return not self._failures

    def _watch(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            error, after = self._note(name, *arguments)
            if error and not after:
                raise error
            done = None if name == "fsync" else function(*arguments, **options)
            if error:
                raise error
            return done

        return call

    def _watch_files(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def open_file(path: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
            if "w" not in mode:
                return function(path, mode, *arguments, **options)
            error, _ = self._note("create", path)
            if error:
                raise error
            file = function(path, mode, *arguments, **options)
            write = file.write

            def write_half(content: Any) -> Any:
                error, _ = self._note("write", path)
                if error:
                    write(content[: len(content) // 2])
                    raise error
                return write(content)

            file.write = write_half
            return file

        return open_file

    def _note(self, name: str, *arguments: Any) -> tuple[BaseException | None, bool]:
        paths = [str(argument) for argument in arguments if isinstance(argument, str | Path)]
        if name == "fsync":
            path = Path(f"/proc/self/fd/{arguments[0]}").readlink()
            paths = [str(path)] if path.is_dir() else [str(path), str(path.stat().st_size)]
        with self._lock:
            self.log.append((name, *paths))
            return self._failures.pop((name, self.count(name)), (None, False))
