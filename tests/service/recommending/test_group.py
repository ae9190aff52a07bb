"""What to watch together: nothing that somebody gave up, what franchises allow, and fair to the least happy."""

from typing import Any, Final

import httpx2 as httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.scoring.group import MISERY_WEIGHT, group_scores
from models.scoring.user_list import UserList, list_of_user
from service.api.group_answers import GroupAnswer
from service.api.group_params import GroupQuery
from service.recommending.group import GroupPage
from tests.service.api.posted_lists import entries_of
from tests.service.rankings import BUNDLE, FRANCHISES, MODEL, filters, passes
from tests.service.small_bundle import N_ANIME, N_USERS

# Among these are users who drop, plan and hate things; 0 has one title, 1 nothing but plans.
groups = st.lists(st.integers(0, N_USERS - 1), min_size=2, max_size=4, unique=True)
options = st.fixed_dictionaries(
    {},
    optional={
        "include_seen_by_some": st.booleans(),
        "include_plan_to_watch": st.booleans(),
        "include_disliked_franchises": st.booleans(),
        "collapse_franchise": st.booleans(),
        "method": st.sampled_from(["ranked", "items", "embedding", "neighbours", "popular"]),
        "novelty": st.floats(0, 1),
        "diversity": st.floats(0, 1),
        "order": st.sampled_from(["most", "least"]),
    },
)
ALL: Final = {"limit": 100, "collapse_franchise": False}


def _lists(users: list[int]) -> list[UserList]:
    return [list_of_user(BUNDLE, row) for row in users]


def _page(users: list[int], **asked: Any) -> GroupPage:
    profiles = [MODEL.similar_users.unseen_user(one) for one in _lists(users)]
    return MODEL.group_recommender.page(profiles, GroupQuery.model_validate(asked).request())


@settings(max_examples=40)
@given(users=groups, wanted=filters, asked=options)
def test_nothing_is_named_that_one_of_them_dislikes_or_all_have_seen(users: Any, wanted: Any, asked: Any) -> None:
    rows = {*_page(users, **wanted, **asked, limit=100).ranking.rows}
    lists = _lists(users)
    for one in lists:
        assert not rows & {*one.disliked_rows.tolist()}
        if not asked.get("include_seen_by_some"):
            assert not rows & {*one.seen_rows.tolist()}
        if not asked.get("include_plan_to_watch"):
            assert not rows & ({*one.anime_rows.tolist()} - {*one.seen_rows.tolist()})
        if not asked.get("include_disliked_franchises"):
            after = FRANCHISES.after_disliked(one.liked_rows, one.disliked_rows)
            assert not rows & {*np.flatnonzero(after).tolist()}
    assert not rows & set.intersection(*({*one.seen_rows.tolist()} for one in lists))
    assert all(passes(row, wanted) for row in rows)


@settings(max_examples=40)
@given(users=groups, seen_by_some=st.booleans())
def test_all_that_may_be_watched_is_ranked(users: Any, seen_by_some: bool) -> None:
    page = _page(users, **ALL, include_seen_by_some=seen_by_some)
    lists = _lists(users)
    left = [row for row in range(N_ANIME) if passes(row, {}) and _may_watch(row, lists, seen_by_some)]
    assert sorted(page.ranking.rows) == left
    assert page.ranking.total == len(left)


def _may_watch(row: int, lists: list[UserList], seen_by_some: bool) -> bool:
    has_seen = [row in one.seen_rows for one in lists]
    return (
        not any(row in one.disliked_rows for one in lists)
        and not any(FRANCHISES.after_disliked(one.liked_rows, one.disliked_rows)[row] for one in lists)
        and not any(row in one.anime_rows and row not in one.seen_rows for one in lists)
        and (not all(has_seen) if seen_by_some else not any(has_seen))
    )


@settings(max_examples=40)
@given(users=groups)
def test_the_views_of_a_row_are_what_each_member_would_be_told(users: Any) -> None:
    page = _page(users, **ALL)
    ranking = page.ranking
    for member, row in enumerate(users):
        views = [views[member] for views in page.views]
        by_rank = sorted(views, key=lambda view: view.rank)
        assert [view.rank for view in by_rank] == list(range(1, ranking.total + 1))
        assert [view.score for view in by_rank] == sorted((view.score for view in views), reverse=True)
        seen = list_of_user(BUNDLE, row).seen_rows
        assert [view.seen for view in views] == [row in seen for row in ranking.rows]
    worth = [[1.0 / np.log2(1 + view.rank) for view in views] for views in page.views]
    expected = [MISERY_WEIGHT * min(one) + (1 - MISERY_WEIGHT) * np.mean(one) for one in worth]
    assert ranking.scores == pytest.approx(expected, abs=1e-6)
    assert ranking.scores == sorted(ranking.scores, reverse=True)


@settings(max_examples=40)
@given(users=groups, asked=options)
def test_a_group_has_no_order(users: Any, asked: Any) -> None:
    page, turned = _page(users, **asked), _page(users[::-1], **asked)
    assert turned.ranking.scores == pytest.approx(page.ranking.scores, abs=1e-6)
    assert turned.ranking.total == page.ranking.total


def test_one_twice_is_recommended_what_one_is() -> None:
    for row in (5, 12):
        alone = MODEL.recommender.page(
            MODEL.similar_users.unseen_user(list_of_user(BUNDLE, row)), GroupQuery(limit=100).request()
        )
        together = _page([row, row], limit=100)
        assert together.ranking.rows == alone.ranking.rows
        assert [views[0].score for views in together.views] == alone.ranking.scores
        assert [view[1].because for view in together.views] == [one.because for one in alone.explanations]
        assert together.places == alone.places


@pytest.mark.parametrize("seed", range(5))
def test_group_scores_lie_between_the_least_and_the_mean(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ranks = np.array([rng.permutation(30) + 1 for _ in range(3)])
    worth = 1.0 / np.log2(1.0 + ranks)
    scores = group_scores(ranks)
    assert np.all(scores >= worth.min(axis=0) - 1e-6)
    assert np.all(scores <= worth.mean(axis=0) + 1e-6)
    assert group_scores(np.ones((3, 1), dtype=np.int64)).tolist() == [1.0]


def test_of_two_with_the_same_mean_the_fairer_wins() -> None:
    # 1/log2(1 + rank) is 1, 1/2 and 1/3 for ranks 1, 3 and 7; the means are as good as equal.
    fair, unfair = group_scores(np.array([[3, 1], [3, 10**9]]))
    assert fair > unfair


def _post(client: httpx.Client, lists: Any, **asked: Any) -> GroupAnswer:
    answer = client.post("/recommendations/group", json={"lists": lists}, params=asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return GroupAnswer.model_validate_json(answer.content, strict=True)


def test_an_answer_says_what_became_of_each_list(client: httpx.Client) -> None:
    lists = [
        {"name": "A", "ratings": entries_of(5)},
        {"ratings": []},
        {"name": None, "ratings": [{"anime_id": 99999999}, {"anime_id": 1, "status": "plan_to_watch"}]},
    ]
    answer = _post(client, lists, limit=3, offset=1, method="embedding")
    assert [one.name for one in answer.lists] == ["A", None, None]
    assert [one.method for one in answer.lists] == ["embedding", "popular", "popular"]
    assert [one.no_evidence for one in answer.lists] == [None, "empty_list", "only_plan_to_watch"]
    assert answer.lists[2].unknown_anime_ids == [99999999]
    assert [row.rank for row in answer.data] == [2, 3, 4]
    assert {len(row.lists) for row in answer.data} == {3}
    assert any(view.because for row in answer.data for view in row.lists)
    # Members without evidence agree.
    assert all(row.lists[1] == row.lists[2] for row in answer.data)


def test_an_empty_page_is_no_fault(client: httpx.Client) -> None:
    lists = [{"ratings": entries_of(row)} for row in (5, 6)]
    answer = _post(client, lists, offset=1000)
    assert answer.data == []
    assert answer.pagination.total > 0
    nothing = _post(client, lists, exclude=BUNDLE.anime_ids.tolist())
    assert (nothing.data, nothing.pagination.total) == ([], 0)


def test_new_anime_cannot_be_asked_for(client: httpx.Client) -> None:
    answer = client.post("/recommendations/group?include_new=true", json={"lists": [{"ratings": []}] * 2})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "include_new"
