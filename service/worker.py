"""One worker process: the application, made from the environment that ``__main__`` hands down."""

import os
from typing import Final

from fastapi import FastAPI

from models.sums import Sums
from service.app import create_app
from service.handed_down import SEAL, note_refusal
from service.logs import configure_logs
from service.settings import read_settings

# What uvicorn exits with when an application fails to start; its supervisor then stops instead of trying again.
STARTUP_FAILURE: Final = 3


def create_worker_app(sums: Sums | None = None) -> FastAPI:
    """Build the application of this process, which ends if the bundle cannot be used.

    Parameters
    ----------
    sums : Sums, optional
        Of the bundle's files, where this process has begun with them.

    Returns
    -------
    FastAPI
    """
    settings = read_settings()
    configure_logs(settings)
    return create_app(settings, on_refused=_end_process, seal=os.environ.get(SEAL), sums=sums)


def _end_process() -> None:
    """End at once: nothing was served yet, and an exception would end the event loop with a page of traceback."""
    note_refusal()
    os._exit(STARTUP_FAILURE)
