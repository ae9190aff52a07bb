"""Steps on a scheduler and workers in processes of their own give the bits of one process, whoever is killed."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training import commands
from tests.training.interactions_for_tests import make_interactions
from tests.training.support.dask_cluster import (
    ROOT,
    Cluster,
    Gated,
    fails,
    killing,
    row_sums,
    running_cluster,
    uses_up_its_worker,
    wait_for_workers,
)
from training.errors import InputError
from training.item_weights.co_counts import _count_rows, co_counts
from training.lists.interactions import Interactions
from training.similar_users.embed import embed_users
from training.similar_users.groups import GroupedUsers
from training.similar_users.in_common import count_in_common, similarities_to_nearest
from training.similar_users.neighbours import neighbours_of_all
from training.support.engine import LOCAL, Engine, open_engine, over_ranges
from training.support.parts import check_worker, describe_versions, make_part, store

# Beyond one range of every step: 4096 users, 16,384 / groups, 2048.
N_USERS, N_ANIME, SIZE = 17_000, 40, 8

Step = Callable[[Engine], NDArray[Any]]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def lists() -> Interactions:
    rng = np.random.default_rng(0)
    marks = rng.random((N_USERS, N_ANIME)) < 0.2
    marks[:, 0] = True
    user_rows, anime_rows = np.nonzero(marks)
    return Interactions(
        np.arange(N_USERS) * 3,
        np.arange(N_ANIME),
        np.searchsorted(user_rows, np.arange(N_USERS + 1)),
        anime_rows.astype(np.int32),
        rng.integers(0, 11, len(anime_rows)).astype(np.uint8),
        rng.choice([1, 2, 3, 4, 6], len(anime_rows)).astype(np.uint8),
    )


@pytest.fixture(scope="module")
def steps(lists: Interactions) -> dict[str, Step]:
    rng = np.random.default_rng(0)
    adds = rng.standard_normal((N_ANIME, SIZE)).astype(np.float32)
    embeddings = embed_users(adds, lists)
    users = GroupedUsers.make(embeddings, 12, rng)
    nearest = rng.integers(0, N_USERS, (N_USERS, 5)).astype(np.int32)
    return {
        "co-counts": lambda engine: co_counts(lists, engine),
        "embeddings": lambda engine: embed_users(adds, lists, engine),
        "neighbours": lambda engine: neighbours_of_all(users, 6, 0.3, engine),
        "in common": lambda engine: count_in_common(lists, nearest[:, :4], engine),
        "similarities": lambda engine: similarities_to_nearest(embeddings, nearest[:, :4], engine),
    }


STEPS = ("co-counts", "embeddings", "neighbours", "in common", "similarities")


@pytest.mark.parametrize("step", STEPS)
def test_a_step_gives_the_same_bits_though_a_worker_is_killed_in_its_midst(
    step: str, steps: dict[str, Step], cluster: Cluster, tmp_path: Path
) -> None:
    alone = steps[step](LOCAL)
    with open_engine(cluster.address, tmp_path / "work") as engine:
        spread = steps[step](engine)
        assert spread.dtype == alone.dtype
        np.testing.assert_array_equal(spread, alone)
        (tmp_path / "gate").mkdir()
        with killing(tmp_path / "gate") as killed:
            np.testing.assert_array_equal(steps[step](Gated(engine, tmp_path / "gate")), alone)
    assert any(process.pid in killed and process.poll() is not None for process in cluster.processes)
    cluster.add_worker()
    wait_for_workers(cluster, 2)


def _damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_parts_that_are_whole_are_not_made_again_and_go_when_all_is_done(cluster: Cluster, tmp_path: Path) -> None:
    array = np.arange(40_000).reshape(10_000, 4)

    def run(engine: Engine) -> NDArray[Any]:
        return over_ranges(engine, row_sums, (array,), len(array), 1000)

    def be_stopped() -> None:
        with open_engine(cluster.address, tmp_path) as engine:
            run(engine)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        be_stopped()
    records = sorted((tmp_path / "engine").glob("*.json"))
    parts = [record.with_name(f"{json.loads(record.read_text())[0]}.npy") for record in records]
    assert len(parts) == 10
    _damage(parts[0])
    made = {path: path.stat().st_mtime_ns for path in parts}
    with open_engine(cluster.address, tmp_path) as engine:
        np.testing.assert_array_equal(run(engine), array.sum(axis=1))
        assert [path for path in parts if path.stat().st_mtime_ns != made[path]] == parts[:1]
        # Other numbers are other parts, though everything else is the same.
        np.testing.assert_array_equal(over_ranges(engine, row_sums, (array + 1,), 3, 1000), array[:3].sum(axis=1) + 4)
    assert not (tmp_path / "engine").exists()


def test_ranges_are_few_and_begin_at_blocks(cluster: Cluster, tmp_path: Path) -> None:
    with open_engine(cluster.address, tmp_path) as engine:
        assert engine.ranges(10, 4) == [(0, 4), (4, 8), (8, 10)]
        assert engine.ranges(0, 4) == [(0, 0)]
        many = engine.ranges(100_001, 10)
    assert len(many) <= 256
    assert {first % 10 for first, _ in many} == {0}
    assert [first for first, _ in many] == [0, *(last for _, last in many[:-1])]
    assert many[-1][1] == 100_001


def test_what_is_wrong_in_a_task_is_raised_as_it_is(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left"), open_engine(cluster.address, tmp_path) as engine:
        engine.map(fails, [np.arange(3)], [()])


@pytest.mark.usefixtures("small_dump")
def test_no_scheduler_no_worker_no_such_engine(
    places: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.support import dask_engine  # noqa: PLC0415 - not where other tests begin

    monkeypatch.setattr(dask_engine, "_CONNECT_S", 3)
    run = ("run", "--data", str(tmp_path / "dump"), *places, "--engine")
    assert "no Dask scheduler answers there" in commands.fails(monkeypatch, *run, "tcp://127.0.0.1:9")
    assert "expected local, or the address tcp://" in commands.fails(monkeypatch, *run, "spark")
    with running_cluster(tmp_path, n_workers=0) as cluster:
        assert "the scheduler has no workers" in commands.fails(monkeypatch, *run, cluster.address)


def test_a_worker_of_another_version(tmp_path: Path) -> None:
    for package in ("models", "training", "tests"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("store", "__pycache__"))
    with (tmp_path / "training" / "errors.py").open("a") as file:
        file.write("# of tomorrow\n")
    with running_cluster(tmp_path, n_workers=1) as cluster:
        with open_engine(cluster.address, tmp_path / "work") as engine:
            np.testing.assert_array_equal(next(engine.map(row_sums, [np.ones((2, 2), int)], [(0, 2)])), [2, 2])
        cluster.add_worker(root=tmp_path)
        wait_for_workers(cluster, 2)
        with pytest.raises(InputError, match=r"has another version \(Python .* than this command"):
            open_engine(cluster.address, tmp_path / "work").__enter__()


GATED_COMMAND = """
import sys
import time
from pathlib import Path
import dask
import numpy as np
from tests.training.support.dask_cluster import Gated, row_sums
from training import cli
from training.support.engine import open_engine

def step():
    with open_engine(sys.argv[1], Path(sys.argv[2]) / "work") as engine:
        Gated(engine, Path(sys.argv[2]) / "gate").map(row_sums, [np.ones((2, 2), int)], [(0, 2)])

cli.app = step
cli.main()
"""


def test_the_scheduler_is_killed(tmp_path: Path) -> None:
    (tmp_path / "gate").mkdir()
    with running_cluster(tmp_path, n_workers=1) as cluster, killing(tmp_path / "gate", cluster.scheduler.pid):
        # In a process of its own, to see all that it prints.
        command = [sys.executable, "-c", GATED_COMMAND, cluster.address, str(tmp_path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    gone = "the scheduler is gone; when it is back, the same command goes on from what was made"
    assert done.stderr == f"error: {cluster.address}: {gone}\n"


def test_every_worker_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from training.support import dask_engine  # noqa: PLC0415 - not where other tests begin

    monkeypatch.setattr(dask_engine, "_POLL_S", 1)
    monkeypatch.setattr(dask_engine, "_WORKERLESS_S", 3)
    with (
        running_cluster(tmp_path, n_workers=1) as cluster,
        pytest.raises(InputError, match="no worker is left"),
        open_engine(cluster.address, tmp_path / "work") as engine,
    ):
        engine.map(uses_up_its_worker, [np.arange(3)], [()])


def test_a_task_that_kills_every_worker(cluster: Cluster, tmp_path: Path) -> None:
    for _ in range(3):
        cluster.add_worker()
    wait_for_workers(cluster, 5)
    with (
        pytest.raises(InputError, match="uses_up_its_worker: every worker that ran it was killed, the last one tcp:"),
        open_engine(cluster.address, tmp_path) as engine,
    ):
        engine.map(uses_up_its_worker, [np.arange(3)], [()])


def test_a_worker_that_does_not_see_the_work_folder(tmp_path: Path) -> None:
    own, elsewhere = describe_versions(), tmp_path / "elsewhere"
    with pytest.raises(
        InputError, match=r"elsewhere is not there on .*: all workers need the work folder and the dump"
    ):
        check_worker(own, elsewhere)
    stored = store(tmp_path, np.ones((2, 2), int))
    next(tmp_path.glob("*.npy")).unlink()
    with pytest.raises(InputError, match=r"\.npy is not there on .*: all workers need the work folder and the dump"):
        make_part(own, tmp_path, row_sums, [stored], (0, 2))


def test_a_worker_that_sees_another_work_folder_of_that_name(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_engine(cluster.address, tmp_path) as engine:
        monkeypatch.setattr("training.support.parts.digest_file", lambda path: "of what lies here")
        with pytest.raises(InputError, match="is not what was written; all workers need this very work folder"):
            engine.map(row_sums, [np.ones((2, 2), int)], [(0, 2)])


def test_more_lists_than_float32_counts(lists: Interactions, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = co_counts(lists)
    monkeypatch.setattr("training.item_weights.co_counts._MOST_PER_FLOAT", 100)
    assert _count_rows(lists, 1, 3).dtype == np.uint32
    np.testing.assert_array_equal(co_counts(lists), alone)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_a_cluster_that_asks_for_certificates(tmp_path: Path) -> None:
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=cluster"]
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    tls = {"distributed.comm.tls.ca-file": certificate}
    for role in ("scheduler", "worker", "client"):
        tls |= {f"distributed.comm.tls.{role}.cert": certificate, f"distributed.comm.tls.{role}.key": key}
    with dask.config.set(tls), running_cluster(tmp_path, 1, "tls", tls) as cluster:
        with open_engine(cluster.address, tmp_path / "work") as engine:
            np.testing.assert_array_equal(next(engine.map(row_sums, [np.ones((2, 2), int)], [(0, 2)])), [2, 2])
        nobody = {"distributed.comm.tls.client.cert": None, "distributed.comm.tls.client.key": None}
        with dask.config.set(nobody), pytest.raises(InputError, match="no Dask scheduler answers there"):
            open_engine(cluster.address, tmp_path / "work").__enter__()


@pytest.mark.parametrize("idle_s", [0.0, 6.0])
def test_the_scheduler_is_killed_between_two_steps(
    idle_s: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.support import dask_engine  # noqa: PLC0415 - not where other tests begin

    with running_cluster(tmp_path, n_workers=1) as cluster:
        # So long a client tries to find it again.
        monkeypatch.setattr(dask_engine, "_CONNECT_S", 4)
        with open_engine(cluster.address, tmp_path / "work") as engine:
            cluster.scheduler.kill()
            time.sleep(idle_s)
            with pytest.raises(InputError, match="the scheduler is gone"):
                co_counts(make_interactions([(1, 1, 5, 2), (1, 2, 5, 2)]), engine)
