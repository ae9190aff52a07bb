"""What an engine and its workers exchange lies in files, which are named by their content."""

from pathlib import Path

import numpy as np
import pytest

from training.support.parts import Stored, open_stored, store


def test_what_is_damaged_is_noticed_in_whatever_it_lies(tmp_path: Path) -> None:
    large = np.arange(20_000)
    stored = store(tmp_path, {"large": large, "small": "as it is"})
    opened = open_stored(stored, checked=True)
    assert opened["small"] == "as it is"
    np.testing.assert_array_equal(opened["large"], large)
    largest = max(tmp_path.glob("*.npy"), key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[-1] ^= 1
    largest.write_bytes(content)
    with pytest.raises(ValueError, match="is not what was written"):
        open_stored(stored, checked=True)


def test_files_that_are_there_already_are_shared_in_place(tmp_path: Path) -> None:
    np.save(tmp_path / "whole.npy", np.arange(10))
    whole = np.load(tmp_path / "whole.npy", mmap_mode="r")
    (tmp_path / "engine").mkdir()
    shared = store(tmp_path / "engine", whole)
    assert isinstance(shared, Stored)
    assert shared.path == tmp_path / "whole.npy"
    part = store(tmp_path / "engine", whole[3:])  # has the name of the whole file
    assert isinstance(part, Stored)
    assert part.path.parent == tmp_path / "engine"
    assert open_stored(part).tolist() == list(range(3, 10))
