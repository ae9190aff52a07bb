"""The application: routes, problems, the watching of requests, and loading at start-up."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware

from models.errors import BundleError
from models.store import Store
from service.api import anime, anime_map, groups, health, imports, lists, model, pages, users
from service.api.bodies import Bodies
from service.api.openapi_document import DESCRIPTION, TAGS, add_schemas
from service.api.problems import add_problem_handlers, internal_error_response, problem_response
from service.api.threads import WorkThread
from service.api.uploads import make_uploads
from service.models.watch import ModelWatch, with_precomputed_if_sound
from service.operations.answer_memory import AnswerFromMemory, AnswerMemory
from service.operations.guards import LimitClients, RequireKey
from service.operations.keys import Keys
from service.operations.logs import SERVICE, AccessLog
from service.operations.metrics import Metrics
from service.operations.metrics_port import serving_metrics
from service.operations.request_middleware import AnswerFaults, CompressLarge, WatchRequests
from service.operations.root_path import UnderRootPath
from service.operations.traces import make_tracer_provider, telemetry_config
from service.precompute.files import read_ahead
from service.recommending.memory import trim_memory
from service.recommending.model import LoadedModel, Readiness, load_model
from service.settings import Settings
from service.version import own_version
from service.worker_environment import REMOTE_STORE


def create_app(
    settings: Settings,
    *,
    load: Callable[[], LoadedModel] | None = None,
    on_refused: Callable[[], None] | None = None,
) -> FastAPI:
    """Build the application. Loading begins when it starts, beside the event loop.

    Parameters
    ----------
    settings : Settings
    load : callable, optional
        Reads the model; by default that of the store's current bundle, with every check.
    on_refused : callable, optional
        Called if the bundle cannot be used. By default the application goes on, and answers with that fault.
    """
    readiness = Readiness()
    remote = os.environ.get(REMOTE_STORE)
    tracer_provider = make_tracer_provider()
    load = load or (lambda: load_model(Store(Path(settings.store)).current_folder()))

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loading = asyncio.create_task(_load(readiness, Path(settings.store), on_refused, load))
        if settings.workers > 1:
            # Workers share one socket: who cannot answer yet leaves the requests to those who can.
            await loading
        more = asyncio.create_task(_do_what_can_wait(loading, readiness, Path(settings.store)))
        watch = ModelWatch(readiness, memory.forget, Path(settings.store), remote=remote)
        watching = asyncio.create_task(_watch(more, watch, settings.watch_s))
        with serving_metrics(app.state.metrics, settings.host, settings.metrics_port):
            yield
        # A thread cannot be interrupted: what is being read is read to its end.
        await loading
        await more
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        if tracer_provider is not None:
            # With the spans that were not sent yet.
            await run_in_threadpool(tracer_provider.shutdown)

    app = FastAPI(
        title="Osusume",
        summary="Recommendations for anime: similar anime, similar users, what to watch next, and why.",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        version=own_version(),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=telemetry_config(tracer_provider),
    )
    app.state.readiness = readiness
    app.state.metrics = Metrics(readiness)
    memory = AnswerMemory(settings.answer_memory_mb * 1_000_000, app.state.metrics.registry)
    app.state.answer_memory = memory
    app.state.cpu_thread, app.state.search_thread, app.state.import_thread = (WorkThread() for _ in range(3))
    app.state.max_waiting = settings.max_waiting
    app.state.bodies = Bodies(settings.body_timeout_s)
    app.state.uploads = make_uploads(settings.body_timeout_s)
    add_problem_handlers(app)
    _add_routes(app, settings)
    _add_middleware(app, settings, is_traced=tracer_provider is not None)
    return app


def _add_middleware(app: FastAPI, settings: Settings, *, is_traced: bool) -> None:
    # The last one added stands outermost.
    app.add_middleware(AnswerFromMemory, memory=app.state.answer_memory)
    if settings.client_rate:
        app.add_middleware(LimitClients, rate=settings.client_rate, answer=problem_response)
    if settings.api_keys:
        keys = Keys(settings.api_keys)
        app.add_middleware(RequireKey, keys=keys, root_path=settings.root_path, answer=problem_response)
    app.add_middleware(AnswerFaults, fault_response=internal_error_response)
    if settings.cors_origins:
        exposed = ["etag", "x-request-id", "retry-after"]
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type"],
            expose_headers=exposed,
        )
    access_log = AccessLog(settings.log_format) if settings.access_log else None
    app.add_middleware(WatchRequests, metrics=app.state.metrics, access_log=access_log, is_traced=is_traced)
    app.add_middleware(CompressLarge)
    if settings.root_path:
        own = {path.split("/")[1] for route in iter_route_contexts(app.routes) if (path := route.path)}
        app.add_middleware(UnderRootPath, root_path=settings.root_path, own=own)


def _add_routes(app: FastAPI, settings: Settings) -> None:
    # Tried in order, so that of users, with fewer routes to pass by, stands before that of anime.
    routers = [
        users.router,
        anime_map.router,
        anime.router,
        lists.router,
        groups.router,
        imports.router,
        model.router,
        health.router,
    ]
    if settings.metrics and not settings.metrics_port:
        routers.append(health.metrics_router)
    for router in routers:
        app.include_router(router)
    pages.add_page(app, settings.root_path, docs=settings.docs)
    if settings.docs:
        pages.add_docs(app, settings.root_path)
    add_schemas(app)


async def _load(
    readiness: Readiness, store: Path, on_refused: Callable[[], None] | None, load: Callable[[], LoadedModel]
) -> None:
    logger = logging.getLogger(SERVICE)
    started = time.perf_counter()
    try:
        loaded = await run_in_threadpool(load)
        loaded = await run_in_threadpool(with_precomputed_if_sound, loaded, store)
    except Exception as error:
        # Whatever it is: a service that will never be ready has to answer so.
        expected = isinstance(error, BundleError | OSError)
        readiness.refuse(str(error) if expected else f"{type(error).__name__}: {error}")
        extra = {"fields": {"fault": str(error)}}
        logger.critical("the bundle was refused", exc_info=None if expected else error, extra=extra)
        if on_refused is not None:
            on_refused()
        return
    readiness.accept(loaded)
    fields = {
        "model": loaded.version,
        "anime": loaded.bundle.n_anime,
        "users": loaded.bundle.n_users,
        "precomputed": loaded.precomputed.n_answers if loaded.precomputed else 0,
        "seconds": round(time.perf_counter() - started, 2),
    }
    logger.info("ready", extra={"fields": fields})


async def _do_what_can_wait(loading: asyncio.Task[None], readiness: Readiness, store: Path) -> None:
    """Prepare what the first answers do not need."""
    await loading
    model = readiness.model_if_ready()
    if model is None:
        return

    def do() -> None:
        _ = model.title_search
        model.comparisons.prepare()
        read_ahead(model, store)
        trim_memory()

    try:
        await run_in_threadpool(do)
    except Exception as error:
        # A request for titles makes the search then, and is answered with what is wrong with it.
        logging.getLogger(SERVICE).warning("not all is as ready as it could be", exc_info=error)


async def _watch(more: asyncio.Task[None], watch: ModelWatch, interval_s: float) -> None:
    await more
    await watch.follow(interval_s)
