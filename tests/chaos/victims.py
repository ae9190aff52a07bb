"""What is done in processes that are killed."""

import itertools
import os
import random
from pathlib import Path

from models.store import Store
from service.models.__main__ import main as models_command
from tests.service.small_bundle import make_arrays, make_manifest


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
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    rng = random.Random(seed)
    while True:
        versions = Store(root).versions()
        commands = (["pin", rng.choice(versions)], ["unpin"], ["rollback"], ["keep", "4"], ["swap"], ["list"])
        models_command(["--store", str(root), "--port", str(port), *rng.choice(commands)])
