"""The comparison of ways to find similar users."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import similar_users
from benchmarks.similar_users import compare
from tests.models.small_bundle import unit_rows


@pytest.fixture
def without_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else is installed."""
    for name in ("faiss", "hnswlib"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.usefixtures("without_others")
def test_who_is_not_installed_is_left_out_with_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    rows = unit_rows(300, 8, np.random.default_rng(0))
    found = compare(rows[20:], rows[:20])
    assert [row["name"] for row in found] == ["numpy, scan of all", "ours, somebody unseen", "ours, somebody known"]
    assert [row["recall"] for row in found] == [1.0, 1.0, 1.0]
    assert found[0]["scan_over_this"] == 1.0
    assert "faiss is not installed and left out" in capsys.readouterr().out


@pytest.mark.usefixtures("without_others")
def test_the_comparison_is_written_where_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "similar_users.json"
    monkeypatch.setattr(sys, "argv", ["similar_users", "--users", "200", "--queries", "20", "--out", str(out)])
    similar_users.main()
    written = json.loads(out.read_text(encoding="utf-8"))
    assert written["note"].startswith("180 users x ")
    assert len(written["rows"]) == 3
