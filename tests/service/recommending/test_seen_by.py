"""What share of the nearest users has seen a recommended anime: counted user by user."""

import numpy as np
import pytest
from hypothesis import assume, given

from models.scoring.user_list import list_of_user
from service.api.params import RecommendationsQuery
from service.recommending.explanations import explain_by_list
from tests.service.rankings import BUNDLE, MODEL, user_rows


@given(row=user_rows)
def test_the_share_is_of_the_nearest_users_plans_left_out(row: int) -> None:
    profile = MODEL.similar_users.known_user(row)
    assume(profile.likes_something)
    cosines = BUNDLE.user_embeddings @ BUNDLE.user_embeddings[row]
    near = [user for user in range(BUNDLE.n_users) if user != row and cosines[user] > 0.0]
    # Of more than 50 only the 50 nearest would count.
    assert len(near) < 50
    seen = [{*list_of_user(BUNDLE, user).seen_rows.tolist()} for user in near]
    page = MODEL.recommender.page(profile, RecommendationsQuery(limit=100).request())
    assert page.ranking.rows
    for shown, explanation in zip(page.ranking.rows, page.explanations, strict=True):
        share = np.mean([shown in theirs for theirs in seen]) if near else None
        assert explanation.seen_by == pytest.approx(share)


def test_of_new_anime_nothing_is_known() -> None:
    profile = MODEL.similar_users.known_user(12)
    n_support = len(profile.user_list.support.rows)
    (explanation,) = explain_by_list(profile, np.zeros((1, n_support), dtype=np.float32))
    assert explanation.seen_by is None
