"""New anime, those that too few lists hold: found, shown, and similar to others by their content."""

from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.bundle.reader import assemble
from service.api.params import SimilarAnimeQuery
from service.recommending.errors import InvalidRequestError, UnknownAnimeError
from service.recommending.model import build_model, check_golden_answers
from service.recommending.requests import Filters, SimilarAnimeRequest
from tests.service.rankings import BUNDLE, MODEL, brute_force, filters, paging, passes
from tests.service.small_bundle import N_ANIME, N_NEW, make_arrays, make_manifest, without_new_anime

ROWS = range(N_ANIME + N_NEW)
NEW_IDS = BUNDLE.new_anime_ids.tolist()
# The second belongs to the franchise of the first three anime, the others stand alone.
FIRST_ROWS = [*MODEL.catalogue.first_rows[:N_ANIME].tolist(), N_ANIME, 0, *range(N_ANIME + 2, N_ANIME + N_NEW)]
new_rows = st.integers(N_ANIME, N_ANIME + N_NEW - 1)


def _passes(row: int, wanted: dict[str, Any]) -> bool:
    if row < N_ANIME:
        return passes(row, wanted)
    return passes(row - N_ANIME, wanted, prefix="new_")


def _similarities(row: int) -> NDArray[np.float32]:
    embeddings = np.concatenate([BUNDLE.anime_embeddings, BUNDLE.new_anime_embeddings])
    cosines: NDArray[np.float32] = embeddings @ embeddings[row]
    cosines[N_ANIME:] *= 0.6
    return cosines


@given(wanted=filters)
def test_filters_let_through_new_anime_as_they_do_others(wanted: dict[str, Any]) -> None:
    allowed = MODEL.catalogue.allowed_everywhere(SimilarAnimeQuery(**wanted).filters())
    expected = [row for row in ROWS if _passes(row, wanted)]
    assert np.flatnonzero(allowed.mask).tolist() == expected
    assert allowed.count == len(expected)


def test_a_new_anime_can_be_excluded_by_its_id() -> None:
    allowed = MODEL.catalogue.allowed_everywhere(Filters(excluded_ids=(NEW_IDS[3], 4, 999), include_adult=True))
    assert np.flatnonzero(~allowed.mask).tolist() == [1, N_ANIME + 3]


@given(row=new_rows, wanted=filters, page=paging)
def test_anime_similar_to_a_new_one_are_the_nearest_of_the_whole_catalogue(
    row: int, wanted: dict[str, Any], page: dict[str, Any]
) -> None:
    query = SimilarAnimeQuery(**wanted, **page, collapse_franchise=False)
    candidates = [other for other in ROWS if other != row and _passes(other, wanted)]
    scores = _similarities(row)
    answer = MODEL.similar_anime.page(row, query.request())
    assert answer.total == len(candidates)
    expected = brute_force(scores, candidates, page)
    np.testing.assert_allclose(scores[answer.rows], scores[expected], atol=1e-6)
    np.testing.assert_allclose(answer.scores, scores[answer.rows], atol=1e-6)


@given(row=new_rows, wanted=filters, limit=st.integers(1, 9))
def test_each_franchise_stands_once_beside_a_new_anime(row: int, wanted: dict[str, Any], limit: int) -> None:
    scores, best = _similarities(row), dict[int, float]()
    for other in ROWS:
        first = FIRST_ROWS[other]
        if _passes(other, wanted) and _passes(first, wanted) and first != FIRST_ROWS[row]:
            best[first] = max(best.get(first, -2.0), float(scores[other]))
    pages = [
        MODEL.similar_anime.page(row, SimilarAnimeQuery(**wanted, limit=limit, offset=offset).request())
        for offset in range(0, len(best) + limit, limit)
    ]
    assert {page.total for page in pages} == {len(best)}
    rows = [row for page in pages for row in page.rows]
    found = dict(zip(rows, [score for page in pages for score in page.scores], strict=True))
    assert found == pytest.approx(best, abs=1e-6)
    assert list(found.values()) == sorted(found.values(), reverse=True)


@pytest.mark.parametrize("method", ["ranked", "embedding", "cosine"])
def test_a_method_that_needs_lists_is_refused_for_a_new_anime(client: httpx.Client, method: Any) -> None:
    answer = client.get(f"/anime/{NEW_IDS[0]}/similar", params={"method": method})
    assert answer.status_code == 422
    ((issue,), code) = answer.json()["errors"], answer.json()["code"]
    assert (code, issue["parameter"], issue["received"]) == ("invalid_request", "method", method)
    assert "content" in issue["expected"]


def test_content_is_refused_for_an_anime_that_the_model_learned() -> None:
    with pytest.raises(InvalidRequestError) as error:
        MODEL.similar_anime.page(0, SimilarAnimeRequest(method="content"))
    (issue,) = error.value.issues
    assert issue.expected == "one that this model has for this anime: cosine, embedding, ranked"


def test_every_id_of_the_catalogue_answers_with_its_card_and_similar_anime(client: httpx.Client) -> None:
    for anime_id in BUNDLE.catalogue_ids.tolist():
        card = client.get(f"/anime/{anime_id}").json()["data"]
        answer = client.get(f"/anime/{anime_id}/similar").json()
        assert answer["anime"] == card
        assert len(answer["data"]) == 10
        assert (answer["method"] == "content", card.get("new")) == (
            (True, True) if anime_id in NEW_IDS else (False, None)
        )


def test_answers_of_new_anime_have_an_etag_that_is_answered_with_304(client: httpx.Client) -> None:
    for path in (f"/anime/{NEW_IDS[0]}", f"/anime/{NEW_IDS[0]}/similar"):
        etag = client.get(path).headers["etag"]
        assert client.get(path, headers={"if-none-match": etag}).status_code == 304


def test_anime_similar_to_a_learned_one_are_learned_ones(client: httpx.Client) -> None:
    for method in ("ranked", "embedding", "cosine"):
        asked = {"method": method, "limit": "100", "include_adult": "true", "collapse_franchise": "false"}
        answer = client.get("/anime/1/similar", params=asked).json()
        assert len(answer["data"]) == N_ANIME - 1
        assert not any("new" in row for row in answer["data"])


def test_titles_of_new_anime_are_found_behind_as_good_ones(client: httpx.Client) -> None:
    rows = client.get("/anime", params={"query": "hardly known 4"}).json()["data"]
    assert (rows[0]["anime_id"], rows[0]["relevance"], rows[0]["new"]) == (NEW_IDS[4], 1.0, True)
    everything = client.get("/anime", params={"limit": "100", "include_adult": "true"}).json()["data"]
    assert [row.get("new", False) for row in everything] == [False] * N_ANIME + [True] * N_NEW


def test_a_posted_list_of_new_anime_alone_says_so(client: httpx.Client) -> None:
    body = {"ratings": [{"anime_id": anime_id} for anime_id in (*NEW_IDS[:2], 998)]}
    answer = client.post("/recommendations", json=body).json()
    assert (answer["method"], answer["no_evidence"]) == ("popular", "only_new_anime")
    assert (answer["new_anime_ids"], answer["unknown_anime_ids"]) == (NEW_IDS[:2], [998])
    assert (answer["list_summary"]["n_new"], answer["list_summary"]["n_unknown"]) == (2, 1)
    assert client.post("/users/similar", json=body).json()["data"] == []


def test_a_model_whose_lists_cover_the_catalogue_has_no_new_anime() -> None:
    arrays = without_new_anime(make_arrays())
    model = build_model(assemble(make_manifest(arrays), arrays))
    check_golden_answers(model, Path("b"))
    assert "content" not in model.similar_anime.methods
    with pytest.raises(UnknownAnimeError):
        model.catalogue.row_of(NEW_IDS[0])
    assert model.title_search.page("hardly known", np.ones(N_ANIME, dtype=bool), 0, 10).total == 0
