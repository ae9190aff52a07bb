"""The measurement of steering on a small model: every figure is there, and means what its name says."""

from pathlib import Path
from typing import Final

import numpy as np
import pytest

from benchmarks import steering
from benchmarks.steering_plots import draw
from models.scoring.user_list import UserList, list_of_user
from tests.service.rankings import BUNDLE, MODEL
from training.errors import InputError
from training.evaluation.list_quality import ListQuestions, Targets
from training.similar_anime.truth import SimilarQuery

USERS: Final = np.arange(4, 16)


@pytest.fixture(scope="module")
def truth() -> steering.Truth:
    """Hide the last fifth of some users' lists; say that each anime is like the next two."""
    inputs, targets = [], []
    for row in USERS.tolist():
        whole = list_of_user(BUNDLE, row)
        n = len(whole.anime_rows) * 4 // 5
        inputs.append(UserList(whole.anime_rows[:n], whole.ratings[:n], whole.statuses[:n]))
        targets.append(Targets(whole.anime_rows[n:], whole.ratings[n:], 7.0))
    known = [one.anime_rows for one in inputs]
    similar = [
        SimilarQuery(row, np.array([row + 1, row + 2]), np.ones(2), may_choose=True) for row in range(0, 40, 4)
    ]
    return steering.Truth(ListQuestions(USERS, inputs, targets, known), similar, 2)


def test_each_knob_raises_what_it_is_for(truth: steering.Truth) -> None:
    for tables in (steering.measure_lists(MODEL, truth), steering.measure_similar(MODEL, truth)):
        for knob, sought in (("novelty", "bits"), ("diversity", "distance")):
            table = tables[knob]
            assert list(table) == [str(value) for value in steering.KNOBS]
            values = [row[sought] for row in table.values()]
            assert values[-1] > values[0]
            assert all(0.0 <= row["ndcg_at_10"] <= 1.0 and row["half"] >= 0.0 for row in table.values())
        assert tables["novelty"]["0.0"] == tables["diversity"]["0.0"]


def test_groups_are_measured_in_every_way_and_drawn(
    truth: steering.Truth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = steering.measure_groups(MODEL, truth, 8)
    assert list(groups) == ["2", "3", "5"]
    for table in groups.values():
        for values in table.values():
            assert 0.0 <= values["least_happy"] <= values["mean"] <= 1.0
    lists = steering.measure_lists(MODEL, truth)
    monkeypatch.setattr(steering, "N_RATED", 1)
    pairs = steering.measure_pairs(MODEL, truth, 500)
    scores = [row["score"] for row in pairs.values()]
    assert scores == sorted(scores)
    assert all(abs(row["liking"]) < 10 and row["n"] >= 2 for row in pairs.values())
    draw(tmp_path, {"recommendations": lists, "similar": lists, "groups": groups, "pairs": pairs})
    assert {path.name for path in tmp_path.iterdir()} == {
        "steering_novelty.png", "steering_diversity.png", "steering_groups.png", "steering_compare.png"
    }  # fmt: skip


def test_a_model_that_knows_the_users_who_test_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="hold-out"):
        steering.read_truth(MODEL, tmp_path, tmp_path)
