"""The comparison of ways to find similar users."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import similar_users
from benchmarks.similar_users import compare
from tests.models.small_bundle import unit_rows


def test_few_users_are_found_exactly_by_every_way() -> None:
    rows = unit_rows(300, 8, np.random.default_rng(0))
    found = compare(rows[20:], rows[:20])
    assert [row["name"] for row in found] == ["numpy, scan of all", "search, unseen user", "look-up, known user"]
    assert [row["recall"] for row in found] == [1.0, 1.0, 1.0]
    assert found[0]["scan_over_this"] == 1.0


def test_the_comparison_is_written_where_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "similar_users.json"
    monkeypatch.setattr(sys, "argv", ["similar_users", "--users", "200", "--queries", "20", "--out", str(out)])
    similar_users.main()
    written = json.loads(out.read_text(encoding="utf-8"))
    assert written["note"].startswith("180 users x ")
    assert len(written["rows"]) == 3
