"""Recommendations with new anime among them."""

from typing import Any

import httpx2 as httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.scoring.user_list import Status
from service.recommending.requests import Filters, RecommendationsRequest
from tests.models.slow_users import slow_counts
from tests.service.rankings import BUNDLE, MODEL, filters, passes, user_rows
from tests.service.small_bundle import N_ANIME, N_NEW

NEW_IDS = BUNDLE.new_anime_ids.tolist()


def _whole(user_row: int, wanted: Filters, **asked: Any) -> Any:
    request = RecommendationsRequest(limit=100, filters=wanted, **asked)
    return MODEL.recommend(MODEL.similar_users.known_user(user_row), request)


def _filters(wanted: dict[str, Any]) -> Filters:
    names = {
        "type": "types",
        "genre": "genres",
        "any_genre": "any_genres",
        "exclude_genre": "excluded_genres",
        "exclude": "excluded_ids",
    }
    return Filters(**{names.get(name, name): value for name, value in wanted.items()})


@given(user_row=user_rows, wanted=filters, method=st.sampled_from([None, "embedding", "neighbours"]))
def test_at_every_fifth_place_stands_the_next_of_ten_new_anime(
    user_row: int, wanted: dict[str, Any], method: Any
) -> None:
    plain = _whole(user_row, _filters(wanted), method=method)
    mixed = _whole(user_row, _filters(wanted), method=method, include_new=True)
    rows = mixed.ranking.rows
    # Of the second the model knows the franchise.
    cosines = BUNDLE.new_anime_embeddings @ BUNDLE.user_embeddings[user_row]
    fitting = [row for row in range(N_NEW) if row != 1 and cosines[row] > 0 and passes(row, wanted, prefix="new_")]
    new = sorted(fitting, key=lambda row: -cosines[row]) if plain.has_evidence else []
    assert [row - N_ANIME for row in rows if row >= N_ANIME] == new
    assert [row for row in rows if row < N_ANIME] == plain.ranking.rows
    n_known, expected = len(plain.ranking.rows), list[int]()
    for place in range(n_known + len(new)):
        if len(expected) < len(new) and (place % 5 == 4 or place - len(expected) == n_known):
            expected.append(place)
    assert [place for place, row in enumerate(rows) if row >= N_ANIME] == expected
    assert mixed.ranking.total == n_known + len(new)
    of_new = {row: score for row, score in zip(rows, mixed.ranking.scores, strict=True) if row >= N_ANIME}
    assert of_new == pytest.approx({N_ANIME + row: float(cosines[row]) for row in new}, abs=1e-6)


@given(user_row=user_rows, limit=st.integers(1, 12), order=st.sampled_from(["most", "least"]))
def test_pages_neither_repeat_nor_miss_one(user_row: int, limit: int, order: Any) -> None:
    def page(offset: int, limit: int) -> Any:
        request = RecommendationsRequest(offset, limit, order, include_new=True)
        return MODEL.recommend(MODEL.similar_users.known_user(user_row), request)

    whole = page(0, 100)
    pages = [page(offset, limit) for offset in range(0, whole.ranking.total + 2 * limit, limit)]
    for name in ("rows", "scores", "scored_rows"):
        assert [value for part in pages for value in getattr(part.ranking, name)] == getattr(whole.ranking, name)
    reasons, expected = (
        [[reason.anime_row for reason in one.because] for part in parts for one in part.explanations]
        for parts in (pages, [whole])
    )
    assert reasons == expected
    assert [one for part in pages for one in part.places] == whole.places
    assert {part.ranking.total for part in pages} == {len(whole.ranking.rows)}


def test_what_speaks_for_a_new_anime_adds_up_to_its_score() -> None:
    user_row = 4
    mixed = _whole(user_row, Filters(include_adult=True), include_new=True)
    profile = MODEL.similar_users.known_user(user_row)
    counts = slow_counts(profile.user_list)
    added = BUNDLE.list_embeddings[list(counts)] * np.array(list(counts.values()))[:, None]
    added /= np.linalg.norm(added.sum(axis=0))
    for row, explanation in zip(mixed.ranking.rows, mixed.explanations, strict=True):
        if row < N_ANIME:
            continue
        parts = dict(zip(counts, (added @ BUNDLE.new_anime_embeddings[row - N_ANIME]).tolist(), strict=True))
        disliked = set(profile.user_list.disliked_rows.tolist())
        best = sorted((part for r, part in parts.items() if r not in disliked and part > 0), reverse=True)[:5]
        assert [reason.contribution for reason in explanation.because] == pytest.approx(best, abs=1e-5)
        assert all(
            parts[reason.anime_row] == pytest.approx(reason.contribution, abs=1e-5) for reason in explanation.because
        )
        assert (explanation.supporters, explanation.n_supporters, explanation.notes) == ([], 0, [])


def test_without_being_asked_for_nobody_is_recommended_a_new_anime(client: httpx.Client) -> None:
    body = {"ratings": [{"anime_id": 1, "rating": 9}, {"anime_id": 13, "rating": 8}]}
    for asked in ({"limit": "100"}, {"limit": "100", "include_new": "false"}):
        for answer in (
            client.get("/users/12/recommendations", params=asked),
            client.post("/recommendations", params=asked, json=body),
        ):
            assert b'"new":' not in answer.content


def test_new_anime_are_marked_and_never_those_on_the_list(client: httpx.Client) -> None:
    asked = {"include_new": "true", "include_adult": "true", "limit": "100"}
    entries: list[dict[str, Any]] = [{"anime_id": 1, "rating": 9}, {"anime_id": 13, "rating": 8}]
    answer = client.post("/recommendations", params=asked, json={"ratings": entries}).json()
    new = [row["anime_id"] for row in answer["data"] if row.get("new")]
    assert new
    assert set(new) <= set(NEW_IDS)
    assert [row["rank"] for row in answer["data"]] == list(range(1, len(answer["data"]) + 1))
    row = next(row for row in answer["data"] if row.get("new"))
    assert row["franchise"] == {"role": "main", "next_after": [], "score_of": None}
    entries.append({"anime_id": new[0], "rating": 10})
    again = client.post("/recommendations", params=asked, json={"ratings": entries}).json()
    assert [row["anime_id"] for row in again["data"] if row.get("new")] == new[1:]
    assert again["new_anime_ids"] == new[:1]


def test_a_list_without_evidence_gets_no_new_anime() -> None:
    request = RecommendationsRequest(limit=100, include_new=True)
    plans = MODEL.similar_users.known_user(1)
    assert set(plans.user_list.statuses.tolist()) == {int(Status.PLAN_TO_WATCH)}
    page = MODEL.recommend(plans, request)
    assert page.method == "popular"
    assert max(page.ranking.rows) < N_ANIME
