"""Training, updating and precomputing killed at random moments: what is served stays, the next run is a whole one."""

import random
import time
from pathlib import Path
from typing import Final

import pytest

from models.bundle.reader import read_bundle, read_manifest
from models.store import Store
from service.recommending.model import load_model
from tests.chaos.killing import kill_after, run
from tests.chaos.scale import report, scaled, takes_long
from tests.chaos.victims import precompute, train
from tests.service.running import precomputed_of
from tests.training.small_dump import write_small_dump

N_RUNS: Final = 40
N_UPDATES: Final = 20
N_PRECOMPUTING: Final = scaled(2, 60)
QUICK: Final = ("--no-compare", "--set", "autoencoder.epochs=2", "--set", "autoencoder.embedding_size=4")

pytestmark = pytest.mark.timeout(7200)


def _sums(store: Store) -> dict[str, str]:
    return {entry.name: entry.sha256 for entry in read_manifest(store.current_folder()).files}


def _sound(store: Store) -> str:
    return read_bundle(store.current_folder()).manifest.model_version


@takes_long
def test_training_that_is_killed_breaks_nothing_and_the_next_run_gives_the_same_model(tmp_path: Path) -> None:
    rng, store, work, log = random.Random(3), Store(tmp_path / "store"), tmp_path / "work", tmp_path / "log"
    data = write_small_dump(tmp_path / "dump").folder
    whole = (train, log, "run", "--data", str(data), "--work", str(work), "--store", str(store.root), *QUICK)
    assert run(*whole) == 0, log.read_text(encoding="utf-8")
    expected, started = _sums(store), time.monotonic()
    assert run(*whole, "--prepare-anew") == 0
    length = time.monotonic() - started
    assert _sums(store) == expected
    stages = (
        ("train", "--work", str(work), *QUICK),
        ("evaluate", "--work", str(work), "--no-compare"),
        ("publish", "--work", str(work), "--store", str(store.root)),
    )
    for number in range(N_RUNS):
        before, versions = store.current_version(), set(store.versions())
        # Of what was prepared earlier some runs make use.
        kill_after(rng.uniform(0.0, length), *whole, *(["--prepare-anew"] if number % 2 else []))
        assert _sound(store) in {before, *(set(store.versions()) - versions)}
        if number % 5 == 0:
            # Of what the killed run left, a stage makes something whole, or says in a line what is missing.
            code = run(train, log, *stages[number // 5 % 3])
            said = log.read_text(encoding="utf-8")
            assert "Traceback" not in said
            assert code == 0 or (code == 1 and said.rstrip().rpartition("\n")[2].startswith("error: ")), said
            _sound(store)
    assert run(*whole) == 0, log.read_text(encoding="utf-8")
    assert _sums(store) == expected
    assert not list(store.root.glob(".incoming-*"))
    assert sorted(path.name for path in work.iterdir()) == ["prepared", "report", "timings.json", "trained"]
    report(f"{N_RUNS} runs of training killed, 0 broken stores, the same bytes from the run after")


@takes_long
def test_updates_that_are_killed_break_nothing(tmp_path: Path) -> None:
    rng, store, log = random.Random(4), Store(tmp_path / "store"), tmp_path / "log"
    data, work = write_small_dump(tmp_path / "dump").folder, tmp_path / "updating"
    options = ("--data", str(data), "--store", str(store.root))
    assert run(train, log, "run", *options, "--work", str(tmp_path / "work"), *QUICK) == 0
    update, started = (train, log, "update", *options, "--work", str(work)), time.monotonic()
    assert run(*update) == 0, log.read_text(encoding="utf-8")
    length = time.monotonic() - started
    expected = _sums(store)
    for _ in range(N_UPDATES):
        kill_after(rng.uniform(0.0, length), *update)
        _sound(store)
    assert run(*update) == 0, log.read_text(encoding="utf-8")
    assert _sums(store) == expected
    assert not list(store.root.glob(".incoming-*"))
    report(f"{N_UPDATES} updates killed, 0 broken stores, the same bytes from the update after")


def test_precomputing_that_is_killed_leaves_the_old_answers_or_the_new_ones(own_store: Path, tmp_path: Path) -> None:
    rng, store, log = random.Random(5), Store(own_store), tmp_path / "log"
    command = (precompute, log, "--store", str(own_store), "--workers", "1", "--query")
    assert run(*command, "limit=10") == 0, log.read_text(encoding="utf-8")
    started, n_replaced, before = time.monotonic(), 0, 10
    assert run(*command, "limit=10") == 0
    length = time.monotonic() - started
    for number in range(N_PRECOMPUTING):
        kill_after(rng.uniform(0.0, length * 1.1), *command, f"limit={11 + number % 2}")
        found = precomputed_of(load_model(store.current_folder()), own_store)
        assert len(found.user_rows()) == found.n_answers == 40
        assert found.query.limit in {before, 11 + number % 2}
        n_replaced += found.query.limit != before
        before = found.query.limit
    assert run(*command, "limit=20") == 0, log.read_text(encoding="utf-8")
    assert precomputed_of(load_model(store.current_folder()), own_store).query.limit == 20
    assert not (own_store / ".precomputing").exists()
    report(f"{N_PRECOMPUTING} precomputing commands killed, {n_replaced} after their answers were there, 0 damaged")
