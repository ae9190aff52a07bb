"""The file of rejected rows is a CSV file, whatever stood in the rows."""

import csv
from pathlib import Path

import numpy as np
import pytest

from training.dump.rejects import RejectedRows


@pytest.mark.parametrize("text", ['1,"2', "a\rb", "a\r\nb", "a\nb", "", "\0", "ünï"])
def test_a_row_is_read_back_as_it_was(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rejected.csv"
    with RejectedRows(path) as rejects:
        rejects.add("a.csv", 2, "no CSV", text)
        rejects.add_lines("a.csv", np.array([3, 4]), "a cut line", ["1,2", text])
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, strict=True))
    assert rows == [
        ["file", "line", "reason", "row"],
        ["a.csv", "2", "no CSV", text],
        ["a.csv", "3", "a cut line", "1,2"],
        ["a.csv", "4", "a cut line", text],
    ]
    assert rejects.counts == {"no CSV": 1, "a cut line": 2}
