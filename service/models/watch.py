"""Looks for another bundle in the store, proves it beside the one that answers, and swaps."""

import asyncio
import contextlib
import logging
import signal
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool

from models.bundle.reader import read_bundle
from models.errors import BundleError, StoreError
from models.object_store import ObjectStore
from models.store import Store
from service.models.workers import RefusedByAnotherError, Workers
from service.operations.logs import SERVICE
from service.precompute.files import PrecomputedError, precomputed_file, read_ahead, with_precomputed
from service.recommending.memory import settle_memory
from service.recommending.model import LoadedModel, Readiness, Refusal, load_model

# Long enough for what was begun with the old model.
_LAST_ANSWERS_S: Final = 1.0

Stamp = tuple[str, int, int]


@dataclass(frozen=True)
class Found:
    """A bundle as it lies in the store, with its precomputed answers: another one, or a changed one, is not equal."""

    folder: Path
    files: tuple[Stamp, ...]
    precomputed: Stamp | None

    @property
    def mark(self) -> str:
        """A name for it among the workers."""
        return f"{self.folder.name}-{zlib.crc32(repr(self.files).encode()):08x}"


class ModelWatch:
    """Follows the store of a running service.

    Parameters
    ----------
    readiness : Readiness
        Holds the model that answers.
    on_change : callable
        Called once another model answers, or what is said of it has changed.
    store : Path
        The folder that is looked at.
    remote : str, optional
        URL of the store that the folder is a copy of.
    """

    def __init__(
        self, readiness: Readiness, on_change: Callable[[], None], store: Path, *, remote: str | None = None
    ) -> None:
        self._readiness = readiness
        self._on_change = on_change
        self._store = Store(store)
        self._remote = ObjectStore(remote) if remote else None
        self._workers = Workers()
        self._seen: Found | None = None
        self._fault = ""
        self._awake = asyncio.Event()

    async def follow(self, interval_s: float) -> None:
        """Look every `interval_s` seconds (0: never by itself) and at SIGHUP, until cancelled."""
        if threading.current_thread() is threading.main_thread():
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._awake.set)
        with self._workers.joined():
            await run_in_threadpool(self._note_served)
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._awake.wait(), interval_s or None)
                self._awake.clear()
                await self.look()

    async def look(self) -> None:
        """Look once, and swap if there is something else."""
        try:
            found = await run_in_threadpool(self._find)
        except (BundleError, StoreError, OSError) as error:
            # A store that is away comes back. It is said once.
            if str(error) != self._fault:
                self._log(logging.WARNING, "the store cannot be read", fault=str(error))
            self._fault = str(error)
            return
        self._fault = ""
        model = self._readiness.model_if_ready()
        if found == self._seen:
            return
        is_same_bundle = self._seen is not None and model is not None and self._seen.files == found.files
        self._seen = found
        if model is not None and is_same_bundle and model.version == found.folder.name:
            self._readiness.accept(await run_in_threadpool(self._with_precomputed, replace(model, precomputed=None)))
            return
        await self._swap(found)

    def _note_served(self) -> None:
        model = self._readiness.model_if_ready()
        with contextlib.suppress(OSError):
            self._seen = self._describe(self._store.root / model.version) if model else None

    def _find(self) -> Found:
        if self._remote is not None:
            self._fetch(self._remote)
        return self._describe(self._store.current_folder())

    def _describe(self, folder: Path) -> Found:
        precomputed = precomputed_file(self._store.root, folder.name)
        files = tuple(sorted(map(_stamp, folder.iterdir())))
        return Found(folder, files, _stamp(precomputed) if precomputed.exists() else None)

    def _fetch(self, remote: ObjectStore) -> None:
        version = remote.current_version()
        if not (self._store.root / version).is_dir() or self._store.current_version() != version:
            remote.fetch(self._store.root)

    async def _swap(self, found: Found) -> None:
        started = time.perf_counter()
        before = self._readiness.model_if_ready()
        try:
            loaded = await run_in_threadpool(self._load, found)
            await self._workers.wait_for_all(found.mark, found.folder)
        except Exception as error:
            # Whatever it is: the model that answers goes on.
            is_expected = isinstance(error, BundleError | OSError | RefusedByAnotherError)
            fault = str(error) if is_expected else f"{type(error).__name__}: {error}"
            with contextlib.suppress(OSError):
                self._workers.refuse(found.mark, fault)
            self._readiness.refuse_other(Refusal(found.folder.name, fault, datetime.now(UTC)))
            self._on_change()
            fields = {"refused": found.folder.name, "fault": fault}
            logger = logging.getLogger(SERVICE)
            logger.critical(
                "another model was refused", exc_info=None if is_expected else error, extra={"fields": fields}
            )
            return
        self._readiness.accept(loaded)
        self._on_change()
        seconds = round(time.perf_counter() - started, 2)
        self._log(logging.INFO, "swapped", model=loaded.version, before=before and before.version, seconds=seconds)
        # What was begun with the old model ends, and its memory is free then: nothing of it refers to itself.
        del before, loaded
        await asyncio.sleep(_LAST_ANSWERS_S)
        await run_in_threadpool(settle_memory)

    def _load(self, found: Found) -> LoadedModel:
        is_checked = self._workers.check_once(found.mark, lambda: read_bundle(found.folder))
        model = self._with_precomputed(load_model(found.folder, is_checked=is_checked))
        # So that nobody waits for it afterwards.
        _ = model.title_search
        model.comparisons.prepare()
        read_ahead(model, self._store.root)
        return model

    def _with_precomputed(self, model: LoadedModel) -> LoadedModel:
        return with_precomputed_if_sound(model, self._store.root)

    def _log(self, level: int, message: str, **fields: object) -> None:
        logging.getLogger(SERVICE).log(level, message, extra={"fields": fields})


def with_precomputed_if_sound(model: LoadedModel, store: Path) -> LoadedModel:
    """Give a model its precomputed answers. Without them everything can be answered, only not as fast."""
    try:
        return with_precomputed(model, store)
    except (PrecomputedError, OSError) as error:
        fields = {"fault": str(error), "hint": "python -m service.precompute makes them anew"}
        logging.getLogger(SERVICE).warning("precomputed answers are not used", extra={"fields": fields})
        return model


def _stamp(path: Path) -> Stamp:
    facts = path.stat()
    return path.name, facts.st_size, facts.st_mtime_ns
