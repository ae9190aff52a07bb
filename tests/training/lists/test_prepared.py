"""What is no prepared dump, or no longer a whole one."""

from pathlib import Path

import pytest

from tests.training.lists.test_prepare import prepare_folder
from tests.training.small_dump import SmallDump
from training.errors import InputError
from training.lists.prepared import load_prepared, save_prepared


@pytest.mark.parametrize("damage", ["missing", "no report", "bad report", "old report", "cut array", "no array"])
def test_a_folder_that_is_no_prepared_dump_says_how_to_make_one(
    small_dump: SmallDump, tmp_path: Path, damage: str
) -> None:
    folder = tmp_path / "prepared"
    if damage != "missing":
        folder.mkdir()
        save_prepared(folder, prepare_folder(small_dump.folder)[0])
        _damage(folder / "report.json", folder / "list_ratings.npy", damage)
    with pytest.raises(InputError, match=r"prepared: is no prepared dump .*; make one with `prepare`"):
        load_prepared(folder)


def _damage(report: Path, array: Path, damage: str) -> None:
    path = array if damage.endswith("array") else report
    if damage.startswith("no "):
        path.unlink()
    else:
        path.write_bytes({"cut array": path.read_bytes()[:-1], "bad report": b"{"}.get(damage, b"[]"))
