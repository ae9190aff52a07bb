"""What a list dislikes: it takes off the scores of what goes with it."""

from dataclasses import replace

import numpy as np
import pytest

from models.bundle.reader import assemble
from models.errors import BundleContentError
from models.scoring.reranker import reranker_of
from models.scoring.user_list import Status, UserList
from tests.models.scoring.small_reranker import RERANKER
from tests.service.small_bundle import N_ANIME, make_arrays, make_manifest


def test_a_few_dislikes_take_nothing_off() -> None:
    ratings = np.array([9] * 9 + [1], np.uint8)
    usual = UserList(np.arange(10, dtype=np.int32), ratings, np.full(10, int(Status.COMPLETED), np.uint8))
    assert not RERANKER.dislike(usual, np.arange(10, 20)).any()
    hated = replace(usual, ratings=np.where(usual.anime_rows < 5, 1, 9).astype(np.uint8))
    assert RERANKER.dislike(hated, np.arange(N_ANIME)).max() > 0.0


def test_networks_come_in_pairs() -> None:
    arrays = make_arrays()
    for name in ("first", "second", "last"):
        arrays[f"reranker_{name}"] = arrays[f"reranker_{name}"][:1]
    with pytest.raises(BundleContentError, match="holds 1 networks"):
        reranker_of(assemble(make_manifest(arrays), arrays))
