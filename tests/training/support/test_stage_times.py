"""What a run leaves for whoever measures it."""

import json
from pathlib import Path

import pytest

from training.support.stage_times import TIMINGS_FILE, StageTimes


def test_stages_are_written_in_their_order_and_one_that_fails_is_not(tmp_path: Path) -> None:
    times = StageTimes(tmp_path)
    with times.stage("prepare"):
        pass
    with times.stage("train"):
        pass
    with pytest.raises(ValueError, match="no"), times.stage("evaluate"):
        raise ValueError("no")
    written = json.loads((tmp_path / TIMINGS_FILE).read_text(encoding="utf-8"))
    assert list(written) == ["prepare", "train"]
    assert written["prepare"]["started"] + written["prepare"]["seconds"] <= written["train"]["started"]
