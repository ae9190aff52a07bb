"""Which rankers may become the one that comes with the project."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from training.errors import InputError
from training.pipeline import ship_similar_weights
from training.similar_anime.rank import RankedNeighbours
from training.similar_anime.ranker import SHIPPED_FILE, load_ranker
from training.similar_anime.stage import SimilarAnimeModel, save_similar_anime


def save(work: Path, weights: Literal["learned", "shipped"], setting: str) -> None:
    found = RankedNeighbours(np.zeros((3, 0), dtype=np.int32), np.zeros((3, 0), dtype=np.float32))
    settings = {"similar": {"weights": setting}}
    folder = work / "trained" / "similar"
    folder.parent.mkdir()
    save_similar_anime(folder, SimilarAnimeModel(found, found, load_ranker(SHIPPED_FILE), weights, 1.0, "", settings))


def test_a_ranker_learned_to_ship_is_written(tmp_path: Path) -> None:
    save(tmp_path, "learned", "to ship")
    ship_similar_weights(tmp_path, tmp_path / "out.npz")
    np.testing.assert_array_equal(load_ranker(tmp_path / "out.npz").weights_1, load_ranker(SHIPPED_FILE).weights_1)


@pytest.mark.parametrize(
    ("weights", "setting", "told"),
    [("learned", "auto", "takes what people recommend as evidence"), ("shipped", "to ship", "came with the project")],
)
def test_no_other_is(tmp_path: Path, weights: Literal["learned", "shipped"], setting: str, told: str) -> None:
    save(tmp_path, weights, setting)
    with pytest.raises(InputError, match=told):
        ship_similar_weights(tmp_path, tmp_path / "out.npz")
    assert not (tmp_path / "out.npz").exists()


def test_what_ships_needs_no_votes() -> None:
    assert not [name for name in load_ranker(SHIPPED_FILE).names.tolist() if "voted" in name]
