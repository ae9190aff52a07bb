"""The two stages as the service answers with them: item weights, and the re-ranker."""

from pathlib import Path
from typing import Any, Final

import httpx2 as httpx
import numpy as np
import pytest

from models.bundle.reader import Bundle
from models.scoring.items import weights_of
from models.scoring.reranker import reranker_of
from models.scoring.user_list import list_of_user
from models.store import Store
from service.api import answers as schemas
from service.api.problems import Problem
from service.recommending.catalogue import Catalogue
from service.recommending.methods import make_methods
from service.recommending.model import LoadedModel
from service.recommending.requests import RecommendationsRequest
from tests.models.slow_users import slow_liked
from tests.service.running import running
from tests.service.small_bundle import N_ANIME, N_USERS, make_arrays, make_manifest
from tests.service.small_recommender import without_items, without_reranker

USER_ROW: Final = 5
EVERYTHING: Final = {
    "limit": 100,
    "include_adult": True,
    "collapse_franchise": False,
    "include_disliked_franchises": True,
}


def _get(client: httpx.Client, user_row: int, bundle: Bundle, **parameters: Any) -> dict[str, Any]:
    answer = client.get(f"/users/{int(bundle.user_ids[user_row])}/recommendations", params=parameters)
    assert answer.status_code == 200, answer.text
    schemas.RecommendationsAnswer.model_validate_json(answer.content, strict=True)
    body: dict[str, Any] = answer.json()
    return body


def _row_of(bundle: Bundle, anime_id: int) -> int:
    return int(np.searchsorted(bundle.anime_ids, anime_id))


# --- over HTTP -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["items", "ranked"])
def test_everything_that_is_not_on_the_list_is_ranked(client: httpx.Client, bundle: Bundle, method: str) -> None:
    for user_row in (2, USER_ROW, 12):
        body = _get(client, user_row, bundle, method=method, **EVERYTHING)
        assert (body["method"], body["rule"], body["no_evidence"]) == (method, None, None)
        listed = bundle.anime_ids[list_of_user(bundle, user_row).anime_rows].tolist()
        shown = [row["anime_id"] for row in body["data"]]
        assert sorted(shown + listed) == bundle.anime_ids.tolist()
        scores = [row["score"] for row in body["data"]]
        assert scores == sorted(scores, reverse=True)
        if method == "ranked":
            assert all(0 < score < 1 for score in scores)


def test_scores_by_items_are_sums_of_weights_and_reasons_are_parts_of_them(
    client: httpx.Client, bundle: Bundle
) -> None:
    mine = list_of_user(bundle, USER_ROW).support
    weights = weights_of(bundle)
    scores = weights.score(mine)
    for row in _get(client, USER_ROW, bundle, method="items", **EVERYTHING)["data"]:
        anime_row = _row_of(bundle, row["anime_id"])
        assert row["score"] == pytest.approx(float(scores[anime_row]), abs=2e-6)
        spoken = dict(zip(weights.rows[anime_row].tolist(), weights.values[anime_row].tolist(), strict=True))
        heard = {int(bundle.anime_ids[who]): value for who, value in spoken.items() if who in mine.rows.tolist()}
        assert sum(heard.values()) == pytest.approx(row["score"], abs=1e-5)
        liked = bundle.anime_ids[slow_liked(list_of_user(bundle, USER_ROW))].tolist()
        best = sorted((value for who, value in heard.items() if value > 0 and who in liked), reverse=True)[:5]
        assert [reason["contribution"] for reason in row["because"]] == pytest.approx(best, abs=2e-6)
        for reason in row["because"]:
            assert reason["contribution"] == pytest.approx(heard[reason["anime_id"]], abs=2e-6)
        assert row["notes"] == []


def test_what_is_ranked_is_explained_by_the_first_stage_and_in_words(client: httpx.Client, bundle: Bundle) -> None:
    first_stage, ranked = (
        {row["anime_id"]: row for row in _get(client, USER_ROW, bundle, method=method, **EVERYTHING)["data"]}
        for method in ("items", "ranked")
    )
    assert {key: row["because"] for key, row in ranked.items()} == {
        key: row["because"] for key, row in first_stage.items()
    }
    notes = [row["notes"] for row in ranked.values()]
    assert any(notes)
    assert max(map(len, notes)) <= 3
    for words in notes:
        assert len(set(words)) == len(words)
        assert all(word and word[-1] not in ".!" for word in words)


@pytest.mark.parametrize("method", ["items", "ranked"])
def test_a_stranger_with_the_list_of_a_known_user_gets_as_much(
    client: httpx.Client, bundle: Bundle, method: str
) -> None:
    mine = list_of_user(bundle, USER_ROW)
    entries = [
        {"anime_id": anime_id, "rating": rating, "status": status or None}
        for anime_id, rating, status in zip(
            bundle.anime_ids[mine.anime_rows].tolist(), mine.ratings.tolist(), mine.statuses.tolist(), strict=True
        )
    ]
    asked: dict[str, Any] = {"method": method, **EVERYTHING}
    posted = client.post("/recommendations", json={"ratings": entries}, params=asked).json()
    known = _get(client, USER_ROW, bundle, **asked)
    assert posted["pagination"] == known["pagination"]
    if method == "items":  # Among whom the nearest are found, the known user is one.
        without_share = [[row | {"seen_by": None} for row in answer["data"]] for answer in (posted, known)]
        assert without_share[0] == without_share[1]


@pytest.mark.parametrize("method", ["items", "ranked"])
def test_filters_that_nothing_passes_leave_an_empty_page(client: httpx.Client, bundle: Bundle, method: str) -> None:
    body = _get(client, USER_ROW, bundle, method=method, year_from=2099)
    assert (body["data"], body["pagination"]["total"]) == ([], 0)
    body = _get(client, USER_ROW, bundle, method=method, offset=90)
    assert body["data"] == []
    assert body["pagination"]["total"] > 0


@pytest.mark.parametrize("method", ["items", "ranked"])
def test_a_filter_that_few_pass_is_answered_in_full(client: httpx.Client, bundle: Bundle, method: str) -> None:
    body = _get(client, 0, bundle, method=method, genre="Hentai", **EVERYTHING)
    assert (
        len(body["data"])
        == body["pagination"]["total"]
        == 3 - int(bundle.adult[list_of_user(bundle, 0).anime_rows].sum())
    )


def test_dislikes_alone_are_answered_with_what_is_popular(client: httpx.Client, bundle: Bundle) -> None:
    assert not len(list_of_user(bundle, 0).liked_rows)
    assert len(list_of_user(bundle, 0).seen_rows)
    body = _get(client, 0, bundle)
    assert (body["method"], body["no_evidence"]) == ("popular", "only_dislikes")


@pytest.mark.parametrize("method", ["items", "ranked"])
def test_plans_alone_are_answered_with_what_is_popular(client: httpx.Client, bundle: Bundle, method: str) -> None:
    body = _get(client, 1, bundle, method=method)
    assert (body["method"], body["no_evidence"]) == ("popular", "only_plan_to_watch")
    assert not any(row["because"] or row["notes"] for row in body["data"])


@pytest.mark.parametrize("method", ["items", "ranked"])
def test_these_methods_have_no_rules(client: httpx.Client, bundle: Bundle, method: str) -> None:
    asked = {"method": method, "rule": "weighted"}
    answer = client.get(f"/users/{int(bundle.user_ids[USER_ROW])}/recommendations", params=asked)
    problem = Problem.model_validate_json(answer.content)
    assert problem.errors is not None
    assert (answer.status_code, problem.errors[0].parameter) == (422, "rule")
    assert f"{method} has no rules" in problem.errors[0].expected


@pytest.mark.parametrize(
    ("fewer", "missing", "offered", "default"),
    [
        (without_reranker, "ranked", "embedding, items, neighbours, popular", "items"),
        (without_items, "items", "embedding, neighbours, popular", "embedding"),
    ],
)
def test_a_method_that_a_model_does_not_have_is_refused_with_those_it_has(
    tmp_path: Path, fewer: Any, missing: str, offered: str, default: str
) -> None:
    arrays = fewer(make_arrays())
    Store(tmp_path).publish(make_manifest(arrays), arrays)
    with running(tmp_path) as url, httpx.Client(base_url=url) as client:
        path = "/users/27/recommendations"
        answer = client.get(path, params={"method": missing})
        problem = Problem.model_validate_json(answer.content)
        assert answer.status_code == 422
        assert problem.errors is not None
        issue = problem.errors[0]
        assert (issue.parameter, issue.received) == ("method", missing)
        assert issue.expected == f"one that this model has: {offered}"
        posted = client.post("/recommendations", params={"method": missing}, json={"ratings": [{"anime_id": 1}]})
        assert (posted.status_code, posted.json()["errors"]) == (422, answer.json()["errors"])
        assert client.get(path).json()["method"] == default


# --- without HTTP --------------------------------------------------------------------------------------------------


def test_the_service_ranks_by_the_nearest_users(bundle: Bundle, model: LoadedModel) -> None:
    profile = model.similar_users.known_user(USER_ROW)
    allowed = np.ones(N_ANIME, dtype=bool)
    ranked = make_methods(bundle, Catalogue(bundle))["ranked", None].score(profile, allowed)
    cosines = bundle.user_embeddings @ bundle.user_embeddings[USER_ROW]
    nearest = [row for row in np.argsort(-cosines, kind="stable").tolist() if row != USER_ROW][:100]
    assert len(nearest) == N_USERS - 1
    reranker = reranker_of(bundle)
    assert reranker is not None
    shares = np.zeros((N_ANIME, 2), dtype=np.float32)
    for column, width in enumerate((25, 100)):
        neighbourhood = [row for row in nearest[:width] if cosines[row] > 0]
        weights = {row: float(cosines[row]) ** 4 for row in neighbourhood}
        for row in neighbourhood:
            shares[list_of_user(bundle, row).seen_rows, column] += weights[row] / sum(weights.values())
    expected = reranker.rerank(profile.user_list, shares, allowed).scores
    np.testing.assert_allclose(ranked.scores, expected, rtol=1e-3)


def test_a_page_by_franchise_shows_the_notes_of_what_was_scored(model: LoadedModel, bundle: Bundle) -> None:
    profile = model.similar_users.known_user(USER_ROW)
    page = model.recommender.page(profile, RecommendationsRequest(method="ranked", limit=100))
    whole = model.recommender.page(
        profile, RecommendationsRequest(method="ranked", limit=100, collapse_franchise=False)
    )
    notes = {row: each.notes for row, each in zip(whole.ranking.rows, whole.explanations, strict=True)}
    for row, explanation in zip(page.ranking.scored_rows, page.explanations, strict=True):
        assert explanation.notes == notes[row]
