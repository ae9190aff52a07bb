"""One run in one process and one on a cluster whose workers are killed, each in a process of its own, compared.

``python -m tests.contract.cluster_run --rows 36000000 --folder DIR [-- OPTIONS OF training run]``
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from benchmarks.processes import Measured, run_measured
from models.bundle.layout import LAYOUT
from models.bundle.reader import read_bundle
from models.store import Store
from tests.training.support.dask_cluster import ROOT, Cluster, Gated, running_cluster
from training import cli
from training.support.engine import Engine, open_engine

N_PARTS = 16


class GatedOnce(Gated):
    """An engine that holds every step back when it is first run, until a gate of its own says go."""

    def map(self, step: Callable[..., Any], inputs: Sequence[Any], calls: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
        gate = self._gate / f"{step.__module__.rpartition('.')[2]}.{step.__name__}"
        if gate.exists():
            return self._engine.map(step, inputs, calls)
        gate.mkdir(parents=True)
        return Gated(self._engine, gate).map(step, inputs, calls)


def drive(gates: Path, arguments: list[str]) -> None:
    """Run a command of training on an engine with gates: the process whose memory is measured."""

    @contextlib.contextmanager
    def opened(address: str, work: Path) -> Iterator[Engine]:
        with open_engine(address, work) as engine:
            yield GatedOnce(engine, gates)

    vars(cli)["open_engine"] = opened
    cli.app(arguments)


@contextlib.contextmanager
def killing_in_each_step(cluster: Cluster, gates: Path) -> Iterator[list[str]]:
    """Kill the worker that is first in the midst of each step, start another, and let the step go on."""
    killed: list[str] = []
    ended = threading.Event()

    def kill() -> None:
        while not ended.wait(0.05):
            for gate in sorted(gates.glob("*")):
                started = sorted(gate.glob("started-*"))
                if started and not (gate / "go").exists():
                    os.kill(int(started[0].name.partition("-")[2]), signal.SIGKILL)
                    killed.append(gate.name)
                    cluster.add_worker()
                    (gate / "go").touch()

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        ended.set()
        thread.join()


def make_dump(folder: Path, n_rows: int, n_users: int, n_anime: int) -> Path:
    """Simulate a dump whose lists are a folder of Parquet parts; users go on from one part to the next."""
    dump = folder / "dump"
    if (dump / "animelist").exists():
        return dump
    shape = ("--rows", str(n_rows), "--users", str(n_users), "--anime", str(n_anime))
    subprocess.run([sys.executable, "-m", "training", "demo-data", "--out", str(dump), *shape], check=True, cwd=ROOT)
    (dump / "animelist").mkdir()
    with contextlib.closing(pa_csv.open_csv(dump / "animelist.csv")) as batches, contextlib.ExitStack() as stack:
        paths = [dump / "animelist" / f"part-{number:02}.parquet" for number in range(N_PARTS)]
        parts = [stack.enter_context(pq.ParquetWriter(path, batches.schema)) for path in paths]
        done = 0
        for batch in batches:
            parts[min(done * N_PARTS // n_rows, N_PARTS - 1)].write_batch(batch)
            done += batch.num_rows
    (dump / "animelist.csv").unlink()
    return dump


def run_both(folder: Path, shape: tuple[int, int, int], options: Sequence[str]) -> dict[str, Any]:
    """Run both; give seconds and own memory of the drivers, in which steps a worker was killed, and what differs."""
    dump, gates = make_dump(folder, *shape), folder / "gates"
    gates.mkdir()
    found: dict[str, Any] = {}

    def run(name: str, *command: str) -> None:
        places = ("--data", str(dump), "--work", str(folder / name), "--store", str(folder / "store" / name))
        measured: Measured = run_measured(
            [sys.executable, "-m", *command, "run", *places, *options], folder / f"{name}.log"
        )
        stages = json.loads((folder / name / "timings.json").read_text())
        memory = {
            stage: round(measured.own_gb(times["started"], times["started"] + times["seconds"]), 2)
            for stage, times in stages.items()
        }
        seconds = {stage: round(times["seconds"], 1) for stage, times in stages.items()}
        found[name] = {"seconds": seconds, "own_gb": memory, "resident_gb": round(measured.resident_gb(), 2)}

    with running_cluster(folder) as cluster, killing_in_each_step(cluster, gates) as killed:
        driver = ("tests.contract.cluster_run", "--drive", str(gates), "--engine", cluster.address)
        run("spread", *driver, "--")
    run("alone", "training")
    found["killed in"] = killed
    found["different"] = differences(folder)
    return found


def differences(folder: Path) -> list[str]:
    """Name the files of the prepared dump and of the bundle, and the answers, that differ."""
    prepared = (folder / name / "prepared" for name in ("alone", "spread"))
    stores = (Store(folder / "store" / name).current_folder() for name in ("alone", "spread"))
    different: list[str] = []
    for alone, spread in ((*prepared,), bundles := (*stores,)):
        names = {path.name for path in (*alone.iterdir(), *spread.iterdir())}
        different += [
            name
            for name in sorted(names - {"report.json", "manifest.json", "manifest.json.sha256"})
            if not all((one / name).is_file() for one in (alone, spread))
            or (alone / name).read_bytes() != (spread / name).read_bytes()
        ]
    one, other = (read_bundle(bundle) for bundle in bundles)
    assert {f"{spec.name}.npy" for spec in LAYOUT} <= {path.name for path in bundles[0].iterdir()}
    return different + ([] if one.manifest.golden == other.manifest.golden else ["golden answers"])


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--drive", type=Path)
    parser.add_argument("--engine")
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--anime", type=int, default=17_562)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("rest", nargs="*")
    known = parser.parse_args()
    if known.drive:
        drive(known.drive, [*known.rest, "--engine", known.engine])
        return
    # As many rows to a user as in Kaggle's dump.
    n_users = round(known.rows / np.float64(109e6) * 325_772)
    sys.stdout.write(
        json.dumps(run_both(known.folder, (known.rows, n_users, known.anime), known.rest), indent=2) + "\n"
    )


if __name__ == "__main__":
    main()
