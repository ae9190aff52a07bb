"""What ``__main__`` gives worker processes beside the settings, and what they report when they end.

It imports nothing of the service: a process that only supervises workers need not wait for their imports.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from models.folder_lock import locked_folder

# Where prometheus_client looks for the folder that the processes of one service have in common.
MULTIPROCESS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
# The folder of the bundle whose every byte ``__main__`` has checked. No setting: only ``__main__`` knows it.
CHECKED_BUNDLE: Final = "_OSUSUME_CHECKED_BUNDLE"
# Where the store came from, if it is the local copy of one in a bucket.
REMOTE_STORE: Final = "_OSUSUME_REMOTE_STORE"
_IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108
_SHARED_PREFIX: Final = "osusume-workers-"
_SURELY_LOCKED_S: Final = 60.0
_REFUSED: Final = "refused"
_SERVED: Final = "served"


@contextlib.contextmanager
def shared_folder() -> Iterator[Path]:
    """Make the folder that the workers have in common, and remove those of services that were killed.

    In memory, where there is such a place: counts lie in mapped files, and a full disk ends who writes to those.
    """
    parent = _IN_MEMORY if os.access(_IN_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    for leftover in parent.glob(f"{_SHARED_PREFIX}*"):
        # One that was made just now may not be locked yet.
        with contextlib.suppress(OSError), locked_folder(leftover):
            if time.time() - leftover.stat().st_mtime > _SURELY_LOCKED_S:
                shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_SHARED_PREFIX, dir=parent) as folder, locked_folder(Path(folder)):
        yield Path(folder)


def note_refusal() -> None:
    """Note that the bundle cannot be used: uvicorn's supervisor stops, but does not give its caller the reason."""
    folder = os.environ.get(MULTIPROCESS_FOLDER)
    if folder:
        (Path(folder) / _REFUSED).touch()


def any_refused(folder: Path) -> bool:
    """Whether a worker ended because the bundle could not be used; ``folder`` is what the workers have in common."""
    return (folder / _REFUSED).exists()


def note_served(folder: Path, bundle: Path) -> None:
    """Note which bundle the workers answer from by now."""
    unfinished = folder / f"{_SERVED}-{os.getpid()}"
    unfinished.write_text(str(bundle), encoding="utf-8")
    unfinished.replace(folder / _SERVED)


def served_bundle() -> Path:
    """Find the bundle that the other workers answer from: the one that was swapped in last, or that of the start."""
    try:
        return Path((Path(os.environ[MULTIPROCESS_FOLDER]) / _SERVED).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Path(os.environ[CHECKED_BUNDLE])


@contextlib.contextmanager
def noted_process(port: int) -> Iterator[None]:
    """Note the process that serves a port, so that it can be told to look for another model.

    It holds a lock on the note: the number of one that was killed may be somebody else's by now.
    """
    path = _process_file(port)
    with contextlib.ExitStack() as stack:
        # Without it the service is as good, but can only be told by its process id.
        with contextlib.suppress(OSError):
            file = stack.enter_context(path.open("a", encoding="utf-8"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            stack.callback(_remove, path)
        yield


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def process_of(port: int) -> int | None:
    """Find the process of this user that serves a port on this machine."""
    try:
        with _process_file(port).open(encoding="utf-8") as file, contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
        return int(_process_file(port).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _process_file(port: int) -> Path:
    return Path(tempfile.gettempdir()) / f"osusume-{os.getuid()}-{port}.pid"
