"""What a list dislikes: it takes off the scores of what goes with it, and says what an anime is unlike."""

from dataclasses import replace

import numpy as np
import pytest

from models.bundle.reader import assemble
from models.errors import BundleContentError
from models.scoring.items import CoSeen
from models.scoring.reranker import Reranker, reranker_of
from models.scoring.user_list import Status, UserList
from tests.models.scoring.small_reranker import RERANKER
from tests.service.small_bundle import N_ANIME, make_arrays, make_manifest


def test_an_anime_is_unlike_the_disliked_one_whose_viewers_shun_it_most() -> None:
    rows = np.array([[1, 2], [0, 2], [0, 1]], np.int32)
    co_seen = CoSeen(rows, np.array([[0.1, -0.2], [0.1, -0.3], [0.0, 0.0]], np.float32))
    facts = replace(RERANKER.facts, popularity=np.log(np.array([0.5, 0.5, 0.5], np.float32)))
    reranker = Reranker(facts, RERANKER.weights, co_seen, RERANKER.network)
    assert reranker.least_like(np.array([0, 1]), np.array([2])).tolist() == [1]
    assert reranker.least_like(np.array([0]), np.array([2, 1])).tolist() == [0, -1]
    # Of those who have seen it a tenth fewer than of all others.
    barely = Reranker(facts, RERANKER.weights, CoSeen(rows, co_seen.values * np.float32(0.24)), RERANKER.network)
    assert barely.least_like(np.array([0]), np.array([2])).tolist() == [-1]
    assert reranker.least_like(np.array([], dtype=np.int64), np.array([2])).tolist() == [-1]


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
