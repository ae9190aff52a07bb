"""A store of its own for each test, with the small bundle, and disks that are small."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.small_disk import SmallDisk
from tests.service import small_bundle


@pytest.fixture
def own_store(tmp_path: Path) -> Path:
    small_bundle.publish(tmp_path / "store")
    return tmp_path / "store"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of eight megabytes, where this process may mount one."""
    disk = SmallDisk(tmp_path / "disk")
    try:
        disk.mount()
    except (subprocess.CalledProcessError, FileNotFoundError):
        pytest.skip("this process may not mount a file system")
    yield disk
    disk.unmount()
