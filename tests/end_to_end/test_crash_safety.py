"""Kill training at any moment: the store goes on serving a sound bundle, and the next run tidies up."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.bundle.reader import read_bundle
from models.store import INCOMING_PREFIX, Store
from tests.models.small_bundle import unit_rows
from tests.service.running import wait_until
from tests.training.pretended import learn_item_weights, pretend_to_rank
from tests.training.small_dump import SmallDump, write_small_dump
from training.embeddings.trained import TrainedNetwork, save_trained
from training.lists.prepared import load_prepared

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

QUICK = ("--no-compare", "--set", "autoencoder.epochs=2", "--set", "autoencoder.embedding_size=4")
# So wide that writing takes a moment in which a writer can be killed.
WIDE = 30_000
_MOST_SECONDS = 240.0

Moment = Callable[["subprocess.Popen[bytes]", Store], None]


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> SmallDump:
    return write_small_dump(tmp_path_factory.mktemp("dump"))


@pytest.fixture(scope="module")
def trained_work(dump: SmallDump, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder from which publishing takes a moment."""
    work = tmp_path_factory.mktemp("work")
    assert _end(_training("prepare", "--data", dump.folder, "--work", work)) == 0
    prepared = load_prepared(work / "prepared")
    lists = prepared.interactions
    embeddings = unit_rows(lists.n_anime, WIDE, np.random.default_rng(0))
    folder = work / "trained" / "autoencoder"
    folder.mkdir(parents=True)
    network = TrainedNetwork(
        "autoencoder",
        embeddings,
        embeddings,
        np.ones(lists.n_anime, dtype=np.float32),
        None,
        "normalised_sum",
        {},
        {"loss": [1.0]},
        1.0,
        prepared_digest=prepared.digest,
    )
    save_trained(folder, network)
    pretend_to_rank(work, network)
    learn_item_weights(work, network)
    return work


@pytest.fixture(scope="module")
def store(trained_work: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with one published bundle, which goes through all the crashes."""
    store = Store(tmp_path_factory.mktemp("store"))
    assert _end(_training("publish", "--work", trained_work, "--store", store.root)) == 0
    return store


def _training(*arguments: object) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "training", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _end(process: "subprocess.Popen[bytes]") -> int:
    """Wait for the end of a process; give its exit code."""
    try:
        return process.wait(_MOST_SECONDS)
    finally:
        process.kill()


def _assert_sound(store: Store) -> str:
    bundle = read_bundle(store.current_folder())
    assert (bundle.n_users, bundle.n_anime) == (60, 40)
    return bundle.manifest.model_version


def _leftovers(folder: Path, prefix: str) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(prefix)]


def _after(seconds: float) -> Moment:
    return lambda process, store: time.sleep(seconds)


def _when(happened: Callable[[Store], bool], delay: float = 0.0) -> Moment:
    def wait(process: "subprocess.Popen[bytes]", store: Store) -> None:
        wait_until(lambda: process.poll() is not None or happened(store), _MOST_SECONDS, pause=0.0002)
        time.sleep(delay)

    return wait


def _incoming_begins(store: Store) -> bool:
    return bool(_leftovers(store.root, INCOMING_PREFIX))


def _new_bundle_has_its_name(n_versions: int) -> Callable[[Store], bool]:
    return lambda store: len(store.versions()) > n_versions


def test_a_publish_killed_at_any_moment_leaves_a_sound_bundle_and_the_next_one_tidies_up(
    store: Store, trained_work: Path
) -> None:
    rng = random.Random(20)
    command = ("publish", "--work", trained_work, "--store", store.root)
    moments: list[Moment] = [
        _after(rng.uniform(0.0, 1.5)),
        _when(_incoming_begins),
        *(_when(_incoming_begins, rng.uniform(0.0, 0.15)) for _ in range(3)),
    ]
    n_left = 0
    for wait in moments:
        before, versions = _assert_sound(store), set(store.versions())
        process = _training(*command)
        wait(process, store)
        process.kill()
        _end(process)
        left = _leftovers(store.root, INCOMING_PREFIX)
        n_left += len(left)
        # Either it had not come so far, or it was through.
        assert _assert_sound(store) in {before, *(set(store.versions()) - versions)}
        assert len(left) <= 1
    assert n_left >= 1, "no kill came while a bundle was being written: the test proves nothing"
    process = _training(*command)
    _when(_new_bundle_has_its_name(len(store.versions())))(process, store)
    process.kill()
    _end(process)
    _assert_sound(store)
    before = store.current_folder().name
    assert _end(_training(*command)) == 0
    assert _assert_sound(store) > before
    assert not _leftovers(store.root, INCOMING_PREFIX)
    for version in store.versions():
        read_bundle(store.root / version)


def test_a_run_killed_at_any_moment_leaves_a_sound_bundle_and_the_next_one_tidies_up(
    store: Store, dump: SmallDump, tmp_path: Path
) -> None:
    rng = random.Random(21)
    command = ("run", "--data", dump.folder, "--work", tmp_path, "--store", store.root, *QUICK)
    moments = [
        _after(rng.uniform(0.5, 3.0)),
        _when(lambda _: (tmp_path / "prepared").exists(), rng.uniform(0.0, 4.0)),
        _when(_incoming_begins),
    ]
    for wait in moments:
        before, versions = _assert_sound(store), set(store.versions())
        process = _training(*command)
        wait(process, store)
        process.kill()
        _end(process)
        assert _assert_sound(store) in {before, *(set(store.versions()) - versions)}
    # What killed runs half wrote lies beside the folders of the stages, and goes with the next run.
    for name in ("prepared", "report"):
        (tmp_path / f".{name}-half").mkdir()
        (tmp_path / f".{name}-half" / "array.npy").write_bytes(b"half")
    before_last = store.current_folder().name
    assert _end(_training(*command)) == 0
    assert _assert_sound(store) > before_last
    assert sorted(path.name for path in tmp_path.iterdir()) == ["prepared", "report", "timings.json", "trained"]
    assert sorted(path.name for path in (tmp_path / "trained").iterdir()) == ["autoencoder", "recommender", "similar"]
    assert not _leftovers(store.root, INCOMING_PREFIX)


def test_ctrl_c_leaves_nothing_half_written(store: Store, trained_work: Path) -> None:
    before = store.current_folder().name
    process = _training("publish", "--work", trained_work, "--store", store.root)
    _when(_incoming_begins)(process, store)
    process.send_signal(signal.SIGINT)
    assert _end(process) != 0
    assert not _leftovers(store.root, INCOMING_PREFIX)
    assert _assert_sound(store) == before
