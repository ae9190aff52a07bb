"""Every byte of every file of a bundle, flipped in turn: refused, and the file is named."""

import random
from pathlib import Path
from typing import Final

import pytest

from models.bundle.layout import MANIFEST_FILE, MANIFEST_SUM_FILE
from models.bundle.reader import read_bundle
from models.errors import BundleError
from models.store import Store
from tests.chaos.scale import IS_FULL, scaled

N_FLIPS: Final = scaled(400, 10**9)


@pytest.mark.timeout(7200)
def test_a_flipped_byte_is_refused_by_the_name_of_its_file(own_store: Path) -> None:
    folder = Store(own_store).current_folder()
    flips = [(path, place) for path in sorted(folder.iterdir()) for place in range(path.stat().st_size)]
    if not IS_FULL:
        flips = random.Random(0).sample(flips, N_FLIPS)
    for path, place in flips:
        with path.open("r+b") as file:
            file.seek(place)
            before = file.read(1)
            file.seek(place)
            file.write(bytes([before[0] ^ 0xFF]))
            file.flush()
            with pytest.raises(BundleError) as refused:
                read_bundle(folder)
            names = {MANIFEST_FILE, MANIFEST_SUM_FILE} if path.name.startswith("manifest") else {path.name}
            assert refused.value.path.name in names
            file.seek(place)
            file.write(before)
    read_bundle(folder)
