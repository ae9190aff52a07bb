"""One worker process: the application, made from the environment that ``__main__`` hands down."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from functools import partial
from typing import Final

from fastapi import FastAPI

from models.processes import end_with_parent
from service.app import create_app
from service.models.workers import Workers
from service.operations.logs import configure_logs
from service.recommending.model import LoadedModel, load_model
from service.settings import read_settings
from service.worker_environment import note_refusal, served_bundle

# What uvicorn exits with when an application fails to start; its supervisor then stops instead of trying again.
STARTUP_FAILURE: Final = 3


def create_worker_app(load: Callable[[], LoadedModel] | None = None) -> FastAPI:
    """Build the application of this process, which ends if the bundle cannot be used.

    By default it loads the bundle that the others answer from, never the store's current one: a worker that takes the
    place of another would answer with another model than the rest.
    """
    settings = read_settings()
    configure_logs(settings)
    # What was begun is answered to its end.
    end_with_parent(lambda: os.kill(os.getpid(), signal.SIGTERM))
    load = load or partial(load_model, served_bundle(), is_checked=True)
    return create_app(settings, load=load, on_refused=_end_process)


def _end_process() -> None:
    """End at once: nothing was served yet, and an exception would end the event loop with a page of traceback.

    Where others answer, the supervisor tries again until the bundle can be read: a store may be away for a while.
    """
    if Workers().any_joined():
        os._exit(1)
    note_refusal()
    os._exit(STARTUP_FAILURE if multiprocessing.parent_process() else 1)
