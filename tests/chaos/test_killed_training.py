"""Training, updating and precomputing killed at random moments: what is served stays, the next run is a whole one."""

import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from models.bundle.reader import Bundle, read_bundle, read_manifest
from models.store import Store
from service.precompute.files import precomputed_file
from service.recommending.model import load_model
from tests.chaos.killing import MARK, new_mark, wait_until_all_ended
from tests.chaos.scale import IS_FULL, report, scaled
from tests.service.running import ROOT, clean_environment, precomputed_of
from tests.training.small_dump import write_small_dump

N_RUNS: Final = 40
N_UPDATES: Final = 20
N_PRECOMPUTING: Final = scaled(2, 100)
QUICK: Final = ("--no-compare", "--set", "autoencoder.epochs=2", "--set", "autoencoder.embedding_size=4")

pytestmark = pytest.mark.timeout(7200)
# tests/end_to_end/test_crash_safety.py kills a few.
takes_long = pytest.mark.skipif(not IS_FULL, reason="half an hour; `make chaos` kills training")


def _start(*command: object, mark: str = "") -> "subprocess.Popen[str]":
    environment = clean_environment(**{MARK: mark} if mark else {})
    arguments = [sys.executable, "-m", *map(str, command)]
    return subprocess.Popen(
        arguments, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def _finish(*command: object) -> tuple[int, str, float]:
    """Run to the end; give the exit code, the last line of what was said, and the seconds it took."""
    started = time.monotonic()
    with _start(*command) as process:
        _, said = process.communicate(timeout=900)
    assert "Traceback" not in said, said
    return process.returncode, said.strip().rpartition("\n")[2], time.monotonic() - started


def _kill(seconds: float, *command: object) -> None:
    mark = new_mark()
    with _start(*command, mark=mark) as process:
        time.sleep(seconds)
        process.kill()
    wait_until_all_ended(mark)


def _sums(store: Store) -> dict[str, str]:
    return {entry.name: entry.sha256 for entry in read_manifest(store.current_folder()).files}


def _sound(store: Store) -> Bundle:
    return read_bundle(store.current_folder())


@takes_long
def test_training_that_is_killed_breaks_nothing_and_the_next_run_gives_the_same_model(tmp_path: Path) -> None:
    rng, store, work = random.Random(3), Store(tmp_path / "store"), tmp_path / "work"
    data = write_small_dump(tmp_path / "dump").folder
    command = ("training", "run", "--data", data, "--work", work, "--store", store.root, *QUICK)
    assert _finish(*command)[0] == 0
    expected, (code, _, length), n_published = _sums(store), _finish(*command), 0
    assert (code, _sums(store)) == (0, expected)
    for number in range(N_RUNS):
        before, versions = store.current_version(), set(store.versions())
        # Prepared anew in every other run: an earlier preparation is used again otherwise.
        _kill(rng.uniform(0.1, length), *command, *(["--anew"] if number % 2 else []))
        assert _sound(store).manifest.model_version in {before, *(set(store.versions()) - versions)}
        if number % 5 == 0:
            # Of what the killed run left, a stage makes something whole, or says in a line what is missing.
            stage = ("train", "evaluate", "publish")[number // 5 % 3]
            options = ("--work", work, *(("--store", store.root) if stage == "publish" else QUICK))
            options = options if stage != "evaluate" else ("--work", work, "--no-compare")
            code, said, _ = _finish("training", stage, *options)
            assert code == 0 or (code == 1 and said.startswith("error: ")), said
            n_published += code == 0
            _sound(store)
    assert _finish(*command)[0] == 0
    assert _sums(store) == expected
    assert not list(store.root.glob(".incoming-*"))
    assert sorted(path.name for path in work.iterdir()) == ["prepared", "report", "timings.json", "trained"]
    report(f"{N_RUNS} runs of training killed over {length:.0f} s, 0 broken stores, the same model afterwards")


@takes_long
def test_updates_that_are_killed_break_nothing(tmp_path: Path) -> None:
    rng, store, work = random.Random(4), Store(tmp_path / "store"), tmp_path / "updating"
    data = write_small_dump(tmp_path / "dump").folder
    first = ("training", "run", "--data", data, "--work", tmp_path / "work", "--store", store.root, *QUICK)
    assert _finish(*first)[0] == 0
    command = ("training", "update", "--data", data, "--work", work, "--store", store.root)
    code, _, length = _finish(*command)
    assert code == 0
    expected = _sums(store)
    for _ in range(N_UPDATES):
        _kill(rng.uniform(0.1, length), *command)
        _sound(store)
    assert _finish(*command)[0] == 0
    assert _sums(store) == expected
    assert not list(store.root.glob(".incoming-*"))
    report(f"{N_UPDATES} updates killed over {length:.0f} s, 0 broken stores")


def test_precomputing_that_is_killed_leaves_the_old_answers_or_the_new_ones(own_store: Path) -> None:
    rng, store = random.Random(5), Store(own_store)
    command = ("service.precompute", "--store", own_store, "--workers", "2", "--query")
    version, limits = store.current_version(), []
    length = _finish(*command, "limit=10")[2]
    for number in range(N_PRECOMPUTING):
        _kill(rng.uniform(0.1, length * 1.2), *command, f"limit={11 + number % 2}")
        found = precomputed_of(load_model(store.current_folder()), own_store)
        assert len(found.user_rows()) == found.n_answers == 40
        limits.append(found.query.limit)
    code, said, _ = _finish(*command, "limit=20")
    assert (code, said) == (0, "precompute: a running service uses them from now on")
    assert precomputed_of(load_model(store.current_folder()), own_store).query.limit == 20
    assert precomputed_file(own_store, version).is_file()
    assert not (own_store / ".precomputing").exists()
    report(f"{N_PRECOMPUTING} precomputing commands killed, {len(set(limits))} kinds of answers, none damaged")
