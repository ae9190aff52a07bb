"""What the workers of one service tell each other of a model that is to answer next: files in a folder they share."""

import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from models.errors import BundleError
from service.worker_environment import MULTIPROCESS_FOLDER, note_served

_PAUSE_S: Final = 0.02
# A worker that hangs must not keep the others at the old model for ever.
_PATIENCE_S: Final = 60.0


class RefusedByAnotherError(Exception):
    """Another worker found the fault."""


class Workers:
    """The processes of a service that answer. Of one that is alone nothing is written."""

    def __init__(self) -> None:
        folder = os.environ.get(MULTIPROCESS_FOLDER)
        self._folder = Path(folder) if folder else None

    @contextlib.contextmanager
    def joined(self) -> Iterator[None]:
        """Be one of those that the others wait for: known by a lock, which ends with the process however it ends."""
        if self._folder is None:
            yield
            return
        own = self._folder / f"worker-{os.getpid()}"
        with own.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                own.unlink(missing_ok=True)

    def any_joined(self) -> bool:
        """Say whether one of them is at work."""
        return self._folder is not None and bool(_living(self._folder))

    def check_once(self, mark: str, check: Callable[[], object]) -> bool:
        """Have the first of all workers check a bundle; say whether that is so, False where there are no others.

        Raises
        ------
        RefusedByAnotherError
            If a worker found a fault.
        BundleError
            If this is the one that finds it.
        """
        if self._folder is None:
            return False
        checked = self._folder / f"checked-{mark}"
        with (self._folder / "checking").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _require_sound(self._folder, mark)
            if not checked.exists():
                try:
                    check()
                except BundleError as error:
                    self.refuse(mark, str(error))
                    raise
                checked.touch()
        return True

    def refuse(self, mark: str, fault: str) -> None:
        """Tell the others of a fault."""
        if self._folder is not None:
            unfinished = self._folder / f"unfinished-{os.getpid()}"
            unfinished.write_text(fault, encoding="utf-8")
            unfinished.replace(self._folder / f"refused-{mark}")

    async def wait_for_all(self, mark: str, bundle: Path) -> None:
        """Wait until every worker is ready to swap, so that all do so at the same time.

        Raises
        ------
        RefusedByAnotherError
            If a worker found a fault.
        """
        if self._folder is None:
            return
        _leave_others(self._folder, mark)
        (self._folder / f"ready-{mark}-{os.getpid()}").touch()
        swap = self._folder / f"swap-{mark}"
        end = time.monotonic() + _PATIENCE_S
        while not swap.exists():
            _require_sound(self._folder, mark)
            if _are_all_ready(self._folder, mark) or time.monotonic() > end:
                # For workers that start from now on.
                note_served(self._folder, bundle)
                swap.touch()
            else:
                await asyncio.sleep(_PAUSE_S)


def _leave_others(folder: Path, mark: str) -> None:
    """Take back what was said of other models: each may have its turn again, and is waited for again then."""
    said = [*folder.glob(f"ready-*-{os.getpid()}"), *folder.glob("swap-*")]
    for path in said:
        if not path.name.startswith((f"ready-{mark}-", f"swap-{mark}")):
            path.unlink(missing_ok=True)


def _require_sound(folder: Path, mark: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        raise RefusedByAnotherError((folder / f"refused-{mark}").read_text(encoding="utf-8"))


def _are_all_ready(folder: Path, mark: str) -> bool:
    return all((folder / f"ready-{mark}-{worker}").exists() for worker in _living(folder))


def _living(folder: Path) -> list[str]:
    return [path.name.removeprefix("worker-") for path in folder.glob("worker-*") if _is_held(path)]


def _is_held(path: Path) -> bool:
    try:
        with path.open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
