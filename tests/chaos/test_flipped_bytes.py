"""Every byte of every file of a bundle, flipped in turn: refused, and the file is named."""

import random
from pathlib import Path
from typing import Final

import pytest

from models.bundle.layout import MANIFEST_FILE, MANIFEST_SUM_FILE
from models.bundle.manifest import FileEntry
from models.bundle.reader import read_bundle, read_manifest
from models.bundle.sums import Sums
from models.errors import BundleError
from models.store import Store
from tests.chaos.scale import IS_FULL, report, scaled

N_FLIPS: Final = 400
# Reading all of a bundle takes two hundred times as long as the check of one file that it begins with.
READ_EVERY: Final = scaled(1, 50)


@pytest.mark.timeout(7200)
def test_a_flipped_byte_is_refused_by_the_name_of_its_file(own_store: Path) -> None:
    folder = Store(own_store).current_folder()
    entries = {entry.name: entry for entry in read_manifest(folder).files}
    flips = [(path, place) for path in sorted(folder.iterdir()) for place in range(path.stat().st_size)]
    if not IS_FULL:
        flips = random.Random(0).sample(flips, N_FLIPS)
    for number, (path, place) in enumerate(flips):
        with path.open("r+b") as file:
            file.seek(place)
            before = file.read(1)
            file.seek(place)
            file.write(bytes([before[0] ^ 0xFF]))
            file.flush()
            with pytest.raises(BundleError) as refused:
                _read(folder, entries.get(path.name) if number % READ_EVERY else None)
            names = {path.name} if path.name in entries else {MANIFEST_FILE, MANIFEST_SUM_FILE}
            assert refused.value.path.name in names
            file.seek(place)
            file.write(before)
    read_bundle(folder)
    report(f"{len(flips):,} bytes of {len(entries) + 2} files flipped, each refused by the name of its file")


def _read(folder: Path, entry: FileEntry | None) -> None:
    if entry is None:
        read_bundle(folder)
    else:
        Sums(folder, [entry]).require()
