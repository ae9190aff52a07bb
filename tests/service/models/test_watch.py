"""What is left of a model that was swapped out, and who it still answers."""

import asyncio
import errno
import gc
import os
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.requests import Request

from models.store import Store
from service.api.params import model_of
from service.models.watch import ModelWatch
from service.recommending.model import Readiness, load_model
from tests.service.models.test_swap import SECOND, publish_other, publish_spoiled
from tests.service.small_bundle import VERSION


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_nothing_of_the_old_model_is_kept(own_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.models.watch.settle_memory", lambda: None)
    readiness, changes = Readiness(), []
    readiness.accept(load_model(Store(own_store).current_folder()))
    old = weakref.ref(readiness.model().bundle)
    _ = readiness.model().title_search
    publish_other(own_store)
    watch = ModelWatch(readiness, lambda: changes.append(1), own_store)
    asyncio.run(watch.look())
    assert (readiness.model().version, changes) == (SECOND, [1])
    assert old() is None
    asyncio.run(watch.look())
    assert (readiness.n_swaps, changes) == (1, [1])


def test_what_a_swap_leaves_of_garbage_is_found(own_store: Path) -> None:
    """Loading keeps the collector from all that is there, garbage too: a tenth of a MB for each swap, for ever."""
    readiness, store, frozen = Readiness(), Store(own_store), []
    readiness.accept(load_model(store.current_folder()))
    publish_other(own_store, SECOND, seed=1)
    watch = ModelWatch(readiness, lambda: None, own_store)
    for number in range(6):
        store.pin((SECOND, VERSION)[number % 2])
        asyncio.run(watch.look())
        frozen.append(gc.get_freeze_count())
    assert readiness.n_swaps == 6
    assert frozen[5] <= frozen[3] + 100


def test_a_request_keeps_the_model_it_began_with(own_store: Path) -> None:
    readiness = Readiness()
    app = SimpleNamespace(state=SimpleNamespace(readiness=readiness))
    readiness.accept(load_model(Store(own_store).current_folder()))
    request = Request({"type": "http", "app": app})
    assert model_of(request).version == VERSION
    publish_other(own_store)
    asyncio.run(ModelWatch(readiness, lambda: None, own_store).look())
    assert model_of(request).version == VERSION
    assert model_of(Request({"type": "http", "app": app})).version == SECOND


def test_a_service_without_a_model_takes_the_first_sound_one(tmp_path: Path) -> None:
    readiness = Readiness()
    watch = ModelWatch(readiness, lambda: None, tmp_path / "store")
    asyncio.run(watch.look())
    assert readiness.model_if_ready() is None
    publish_other(tmp_path / "store")
    asyncio.run(watch.look())
    assert readiness.model().version == SECOND


def test_a_full_disk_for_what_workers_tell_each_other_does_not_end_the_watch(
    own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    readiness = Readiness()
    readiness.accept(load_model(Store(own_store).current_folder()))
    publish_spoiled(own_store)
    monkeypatch.setattr("service.models.workers.Workers.refuse", refuse)
    watch = ModelWatch(readiness, lambda: None, own_store)
    asyncio.run(watch.look())
    assert readiness.refusal is not None
    assert readiness.refusal.model_version == SECOND
