"""What is measured of recommending by neighbours: how many of the nearest users speak, and with what weight."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.scoring.user_list import UserList
from tests.models.slow_users import SlowNeighbours, slow_counts
from tests.models.small_bundle import unit_rows
from tests.training.interactions_for_tests import random_interactions, seen_list
from training.evaluation.scorers import NeighboursScorer
from training.lists.interactions import Interactions
from training.similar_users.embed import embed_users
from training.similar_users.list_neighbours import ListNeighbours

N_ANIME = 40
MINE = np.array([3, 4, 11, 30], dtype=np.int32)


@cache
def lists() -> Interactions:
    return random_interactions(230, N_ANIME, 0.2, 1)


def embeddings() -> NDArray[np.float32]:
    return unit_rows(N_ANIME, 6, np.random.default_rng(0))


def scorer() -> NeighboursScorer:
    nearest = ListNeighbours(embeddings(), embed_users(embeddings(), lists()), lists())
    return NeighboursScorer(embeddings(), nearest)


def slow_nearest(k: int) -> tuple[list[int], list[float]]:
    """Compare the list with everybody's."""
    adds = embeddings().astype(np.float64)

    def direction(user_list: UserList) -> NDArray[np.float64]:
        counts = slow_counts(user_list)
        total: NDArray[np.float64] = np.array(list(counts.values())) @ adds[list(counts)]
        return total / np.linalg.norm(total)

    cosines = [float(direction(seen_list(MINE)) @ direction(lists().list_of(user))) for user in range(230)]
    users = sorted(range(230), key=lambda user: -cosines[user])[:k]
    return users, [cosines[user] for user in users]


def test_200_weighted_neighbours_speak() -> None:
    users, cosines = slow_nearest(200)
    theirs = [lists().list_of(user).seen_rows.tolist() for user in users]
    expected = np.array(SlowNeighbours(cosines, theirs, lists().popularity().tolist()).fitted(MINE.tolist()))
    found = scorer().score_list(0, seen_list(MINE))
    np.testing.assert_allclose(found[expected > 1e-4], expected[expected > 1e-4], rtol=1e-3, atol=1e-5)
    assert np.isneginf(found[expected < -1e-4]).all()


def test_50_neighbours_speak_for_the_top_quarter_of_their_ratings() -> None:
    users, cosines = slow_nearest(50)
    assert min(cosines) > 0
    expected = np.zeros(N_ANIME)
    for user, cosine in zip(users, cosines, strict=True):
        theirs = lists().list_of(user)
        rated = theirs.ratings[theirs.ratings > 0]
        if len(rated):
            top = theirs.anime_rows[theirs.ratings >= np.percentile(rated, 75)]
            expected[top] += cosine / sum(cosines)
    by_rule = scorer()
    by_rule.rule = "top-quarter"
    found = by_rule.score_list(0, seen_list(MINE))
    np.testing.assert_allclose(np.where(np.isneginf(found), 0.0, found), expected, atol=1e-5)
