"""Similar anime and filters against brute force."""

from typing import Any

import httpx2 as httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.scoring.embedding import cosine_scores, ranked_scores
from models.scoring.ranking import RankedPage, top_k_rows
from service.api.params import SimilarAnimeQuery
from service.recommending.requests import Filters
from tests.models.slow_franchises import collapse_similar
from tests.service.rankings import BUNDLE, FRANCHISES, MODEL, anime_rows, brute_force, filters, paging, passes
from tests.service.small_bundle import N_ANIME


@given(wanted=filters)
def test_filters_let_through_what_they_say(wanted: dict[str, Any]) -> None:
    allowed = MODEL.catalogue.allowed(SimilarAnimeQuery(**wanted).filters())
    expected = [row for row in range(N_ANIME) if passes(row, wanted)]
    assert np.flatnonzero(allowed.mask).tolist() == expected
    assert allowed.count == len(expected)


def test_an_unknown_year_passes_no_bound_and_no_bound_lets_it_pass() -> None:
    unknown = BUNDLE.years == 0
    assert MODEL.catalogue.allowed(Filters(include_adult=True)).mask[unknown].all()
    for bounded in (Filters(year_from=1900), Filters(year_to=2100)):
        assert not MODEL.catalogue.allowed(bounded).mask[unknown].any()


def test_a_score_equal_to_the_least_passes() -> None:
    score = round(float(BUNDLE.mean_scores[0]), 2)
    assert MODEL.catalogue.allowed(Filters(min_score=score)).mask[0]


def _scores_the_slow_way(row: int, method: str) -> dict[int, float]:
    """Score as the bundle says: the neighbours as they are, all others below them by the embeddings' cosine."""
    cosines = cosine_scores(BUNDLE.anime_embeddings, BUNDLE.anime_embeddings[row])
    name = {"ranked": "similar", "cosine": "cosine"}[method]
    rows, scores = (getattr(BUNDLE, f"{name}_{part}")[row].tolist() for part in ("rows", "scores"))
    ranked = {other: score for other, score in zip(rows, scores, strict=True) if score > 0}
    last = min(ranked.values())
    return {
        other: ranked.get(other, 0.99 * last * (float(cosines[other]) + 1) / 2)
        for other in range(N_ANIME)
        if other != row
    }


@given(row=anime_rows, wanted=filters, page=paging, method=st.sampled_from(["ranked", "cosine"]))
def test_similar_anime_by_neighbours_equal_brute_force(
    row: int, wanted: dict[str, Any], page: dict[str, Any], method: Any
) -> None:
    query = SimilarAnimeQuery(**wanted, **page, method=method, collapse_franchise=False)
    candidates = [other for other in range(N_ANIME) if other != row and passes(other, wanted)]
    scores = _scores_the_slow_way(row, method)
    answer = MODEL.similar_anime.page(row, query.request())
    assert [scores[other] for other in answer.rows] == pytest.approx(
        [scores[other] for other in brute_force(scores, candidates, page)], abs=1e-6
    )
    assert answer.scores == pytest.approx([scores[other] for other in answer.rows], abs=1e-6)
    assert answer.scores == sorted(answer.scores, reverse=page["order"] == "most")
    assert len(set(answer.rows)) == len(answer.rows)
    assert answer.total == len(candidates)


@given(row=anime_rows, wanted=filters, page=paging)
def test_similar_anime_equal_brute_force(row: int, wanted: dict[str, Any], page: dict[str, Any]) -> None:
    query = SimilarAnimeQuery(collapse_franchise=False, **wanted, **page, method="embedding")
    candidates = [other for other in range(N_ANIME) if other != row and passes(other, wanted)]
    scores = cosine_scores(BUNDLE.anime_embeddings, BUNDLE.anime_embeddings[row])
    answer = MODEL.similar_anime.page(row, query.request())
    assert answer.rows == brute_force(scores, candidates, page)
    assert answer.scores == scores[answer.rows].tolist()
    assert answer.total == len(candidates)


@given(row=anime_rows, wanted=filters, page=paging, method=st.sampled_from(["ranked", "embedding", "cosine"]))
def test_pages_of_similar_franchises_are_cut_from_the_collapsed_ranking(
    row: int, wanted: dict[str, Any], page: dict[str, Any], method: str
) -> None:
    query = SimilarAnimeQuery.model_validate({**wanted, **page, "method": method})
    allowed = MODEL.catalogue.allowed(query.filters()).mask
    neighbours = {
        "ranked": (BUNDLE.similar_rows, BUNDLE.similar_scores),
        "cosine": (BUNDLE.cosine_rows, BUNDLE.cosine_scores),
    }
    if method in neighbours:
        scores = ranked_scores(*neighbours[method], BUNDLE.anime_embeddings, row)
    else:
        scores = cosine_scores(BUNDLE.anime_embeddings, BUNDLE.anime_embeddings[row])
    rows = top_k_rows(scores, N_ANIME, allowed=allowed)
    shown, collapsed = collapse_similar(rows, scores[rows], FRANCHISES, row, allowed)
    if page["order"] == "least":
        turned = np.lexsort((shown, collapsed))
        shown, collapsed = shown[turned], collapsed[turned]
    part = slice(query.offset, query.offset + query.limit)
    answer = MODEL.similar_anime.page(row, query.request())
    assert answer.rows == shown[part].tolist()
    assert answer.scores == collapsed[part].tolist()
    assert answer.scores == scores[answer.scored_rows].tolist()
    assert answer.total == len(shown)


@given(row=anime_rows, wanted=filters, order=st.sampled_from(["most", "least"]), limit=st.integers(1, 9))
def test_pages_of_franchises_neither_repeat_nor_miss_one(row: int, wanted: Any, order: Any, limit: int) -> None:
    def page(offset: int, limit: int) -> RankedPage:
        query = SimilarAnimeQuery(order=order, offset=offset, limit=limit, **wanted)
        return MODEL.similar_anime.page(row, query.request())

    whole = page(0, 100)
    assert whole.total == len(whole.rows) == len(set(BUNDLE.franchise_codes[whole.rows].tolist()))
    assert BUNDLE.franchise_codes[row] not in BUNDLE.franchise_codes[whole.rows]
    assert not BUNDLE.franchise_positions[whole.rows].any()
    assert BUNDLE.franchise_codes[whole.scored_rows].tolist() == BUNDLE.franchise_codes[whole.rows].tolist()
    paged = [page(offset, limit) for offset in range(0, whole.total + limit, limit)]
    assert [shown for part in paged for shown in part.rows] == whole.rows
    assert [scored for part in paged for scored in part.scored_rows] == whole.scored_rows
    assert {part.total for part in paged} == {whole.total}


def test_ties_go_to_the_lower_row() -> None:
    query = SimilarAnimeQuery(limit=100, include_adult=True, collapse_franchise=False, method="embedding")
    page = MODEL.similar_anime.page(0, query.request())
    assert page.rows.index(41) + 1 == page.rows.index(45)


def test_an_answer_says_by_which_method_it_was_ranked(client: httpx.Client) -> None:
    default = MODEL.bundle.manifest.default_methods.similar_anime
    assert client.get("/anime/1/similar").json()["method"] == default
    for method in ("ranked", "embedding", "cosine"):
        assert client.get(f"/anime/1/similar?method={method}").json()["method"] == method
