"""``python -m service``: serve the store's current bundle over HTTP."""

import argparse
import gc
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

# One request works on one core: with more, matrix products of concurrent requests fight over the same cores.
# numpy reads this when it is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
if __name__ != "service.__main__":
    # Nothing made while a process starts is garbage: looking for some takes a fifth of the start. Loading a model
    # turns the collector on again, and so does the supervisor of workers, which run this under a name of their own.
    gc.disable()

import uvicorn
from uvicorn.supervisors import Multiprocess

from models.bundle.manifest import Manifest
from models.bundle.reader import read_bundle, read_manifest
from models.bundle.sums import Sums
from models.errors import BundleError, StoreError
from models.store import Store
from service.local_store import with_local_store
from service.operations.bounded_heads import BoundedProtocol
from service.operations.keys import KeysError, read_keys
from service.operations.logs import SERVICE, configure_logs
from service.operations.traces import traces_fault
from service.settings import Settings, SettingsError, as_environment, read_settings, service_links
from service.worker_environment import CHECKED_BUNDLE, MULTIPROCESS_FOLDER, any_refused, noted_process, shared_folder

if TYPE_CHECKING:
    from fastapi import FastAPI

WORKER_APP: Final = "service.worker:create_worker_app"
# A worker that says nothing for so long is killed. On a busy machine the imports alone take longer than uvicorn's 5.
_HANGS_S: Final = 30


class StartError(Exception):
    """The service cannot start."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until stopped.

    Returns
    -------
    int
        Exit code: 0 after a stop that was asked for, 2 for settings that cannot be, 1 where the bundle or the
        address cannot be used.
    """
    options = _parse(arguments)
    try:
        settings = read_settings(**vars(options))
    except SettingsError as error:
        return _fail(str(error), 2)
    configure_logs(settings)
    # Before uvicorn listens to signals, and after: it raises them again once it has shut down.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    # Until there is somebody to look for another model.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        _check_address(settings.host, settings.port)
        if settings.metrics_port:
            _check_address(settings.host, settings.metrics_port)
        _check_keys(settings)
        settings = with_local_store(settings)
        folder = Store(Path(settings.store)).current_folder()
        # Looked at before anything starts; every byte is checked later.
        manifest = read_manifest(folder)
    except (BundleError, StoreError, StartError) as error:
        return _fail(str(error), 1)
    _greet(settings)
    _allow_connections()
    try:
        with noted_process(settings.port):
            return _serve(settings, folder, manifest)
    except BundleError as error:
        return _fail(str(error), 1)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m service",
        description="Serve recommendations over HTTP. Every setting is an environment variable too: .env.example",
    )
    parser.add_argument("--host", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (8000)")
    parser.add_argument("--workers", type=int, help="processes that answer (1)")
    parser.add_argument("--store", help="folder of published bundles, or s3://... or gs://... (models/store)")
    return parser.parse_args(arguments)


def _fail(fault: str, code: int) -> int:
    sys.stderr.write(f"service: {fault}\n")
    return code


def _check_address(host: str, port: int) -> None:
    """Bind the address once: uvicorn would report a port in use amid its own messages.

    Raises
    ------
    StartError
        If the address cannot be listened on.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except UnicodeError as error:
        raise StartError(f"cannot listen on {host[:100]}: that is no host name") from error
    except OSError as error:
        raise StartError(f"cannot listen on {host}:{port}: {error.strerror}") from error


def _check_keys(settings: Settings) -> None:
    try:
        if settings.api_keys:
            read_keys(settings.api_keys)
    except KeysError as error:
        raise StartError(str(error)) from error


def _allow_connections() -> None:
    """Have as many files open as this process may: each connection is one, and the usual bound is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _greet(settings: Settings) -> None:
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104
    host = f"[{host}]" if ":" in host else host
    url = f"http://{host}:{settings.port}"
    logger = logging.getLogger(SERVICE)
    if links := service_links():
        logger.info("variables of Kubernetes, not settings", extra={"fields": {"names": ",".join(links)}})
    if fault := traces_fault():
        logger.warning("no traces are sent", extra={"fields": {"fault": fault}})
    logger.info("starting", extra={"fields": {"url": url, "workers": settings.workers}})


def _serve(settings: Settings, folder: Path, manifest: Manifest) -> int:
    # Workers are new processes; the environment is what they inherit.
    os.environ.update(as_environment(settings))
    if settings.workers == 1:
        uvicorn.Server(_uvicorn_config(settings, partial(_create_only_app, Sums(folder, manifest.files)))).run()
        return 0
    # Once for all workers, those included that take the place of another later.
    read_bundle(folder)
    os.environ[CHECKED_BUNDLE] = str(folder)
    gc.enable()
    with shared_folder() as shared:
        os.environ[MULTIPROCESS_FOLDER] = str(shared)
        _run_workers(settings)
        return 1 if any_refused(shared) else 0


def _create_only_app(sums: Sums) -> "FastAPI":
    """Build the application of this process. Importing what it is made of takes as long as reading every byte."""
    from service.recommending.model import load_model  # noqa: PLC0415
    from service.worker import create_worker_app  # noqa: PLC0415

    return create_worker_app(partial(load_model, sums.folder, sums=sums))


def _stop(*_: object) -> None:
    """End: being stopped is no failure.

    At once: nothing is served then, and an exception is lost or misread wherever a signal meets an import, a callback
    or the event loop's own code.
    """
    os._exit(0)


def _run_workers(settings: Settings) -> None:
    config = _uvicorn_config(settings, WORKER_APP)
    _Supervisor(config, [config.bind_socket()]).run()


class _Supervisor(Multiprocess):
    """uvicorn's own, but that a SIGHUP is for the workers: they look for another model rather than start anew."""

    def handle_hup(self) -> None:
        for process in self.processes:
            if process.pid:
                os.kill(process.pid, signal.SIGHUP)


def _uvicorn_config(settings: Settings, app: "str | Callable[[], FastAPI]") -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=True,
        http=BoundedProtocol,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=settings.shutdown_s,
        timeout_worker_healthcheck=_HANGS_S,
        access_log=False,
        log_config=None,
        server_header=False,
    )


if __name__ == "__main__":
    sys.exit(main())
