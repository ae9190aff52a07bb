"""What is done in processes that are killed."""

import itertools
import os
import random
import sys
from pathlib import Path

from models.store import Store
from service.models.__main__ import main as models_command
from service.precompute.__main__ import main as precompute_command
from tests.chaos.scale import IS_FULL
from tests.service.small_bundle import make_arrays, make_manifest
from training import cli

if IS_FULL:
    # Every training would take seconds to import it.
    import training.evaluation.report  # noqa: F401


def publish_for_ever(root: Path, number: int) -> None:
    """Publish one bundle after the other, and keep two."""
    arrays = make_arrays(seed=1)
    manifest = make_manifest(arrays)
    for count in itertools.count():
        version = f"20260105T{number:04d}{count % 100:02d}Z-small-{count:08x}"
        Store(root).publish(manifest.model_copy(update={"model_version": version}), arrays)
        Store(root).keep(2)


def command_for_ever(root: Path, port: int, seed: int) -> None:
    """Choose the bundle that is served, and delete others, as an operator would but without a break."""
    # What the commands say is of no interest.
    _say_to(Path(os.devnull))
    rng = random.Random(seed)
    while True:
        versions = Store(root).versions()
        commands = (["pin", rng.choice(versions)], ["unpin"], ["rollback"], ["keep", "4"], ["swap"], ["list"])
        models_command(["--store", str(root), "--port", str(port), *rng.choice(commands)])


def train(log: Path, *arguments: str) -> None:
    """Run a command of training; its exit code is that of the process."""
    _say_to(log)
    sys.argv = ["training", *arguments]
    cli.main()


def precompute(log: Path, *arguments: str) -> None:
    """Run the command that precomputes; its exit code is that of the process."""
    _say_to(log)
    sys.exit(precompute_command(arguments))


def _say_to(log: Path) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
