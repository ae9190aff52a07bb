"""One worker process: the application, made from the environment that ``__main__`` hands down."""

import os
from pathlib import Path
from typing import Final

from fastapi import FastAPI

from service.app import create_app
from service.logs import configure_logs
from service.metrics import MULTIPROCESS_FOLDER
from service.settings import read_settings

# What uvicorn exits with when an application fails to start; its supervisor then stops instead of trying again.
STARTUP_FAILURE: Final = 3
_REFUSED: Final = "refused"


def create_worker_app() -> FastAPI:
    """Build the application of this process, which ends if the bundle cannot be used.

    Returns
    -------
    FastAPI
    """
    settings = read_settings()
    configure_logs(settings)
    return create_app(settings, on_refused=_end_process)


def any_refused(folder: Path) -> bool:
    """Tell whether a worker ended because the bundle could not be used.

    Parameters
    ----------
    folder : Path
        What the workers have in common.

    Returns
    -------
    bool
    """
    return (folder / _REFUSED).exists()


def _end_process() -> None:
    """End at once: nothing was served yet, and an exception would end the event loop with a page of traceback."""
    # uvicorn's supervisor stops, but does not tell its caller why.
    folder = os.environ.get(MULTIPROCESS_FOLDER)
    if folder:
        (Path(folder) / _REFUSED).touch()
    os._exit(STARTUP_FAILURE)
