"""Anime similar to several and unlike others."""

from typing import Any

import httpx2 as httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.scoring.embedding import cosine_scores, ranked_scores
from models.scoring.ranking import RankedPage
from service.api.group_answers import SimilarToSeveralAnswer
from service.api.params import SimilarAnimeQuery
from service.recommending.similar_anime import N_COMPANY
from tests.service.rankings import BUNDLE, MODEL, anime_rows, filters, paging, passes
from tests.service.small_bundle import N_ANIME

some_rows = st.lists(anime_rows, min_size=1, max_size=3, unique=True)


def _page(liked: list[int], unliked: list[int], **asked: Any) -> RankedPage:
    return MODEL.similar_anime.page_of_several(liked, unliked, SimilarAnimeQuery.model_validate(asked).request())


@given(row=anime_rows, wanted=filters, page=paging, collapse=st.booleans(), method=st.sampled_from([None, "cosine"]))
def test_like_one_is_similar_to_it(row: int, wanted: Any, page: Any, collapse: bool, method: Any) -> None:
    asked = {**wanted, **page, "collapse_franchise": collapse, "method": method}
    request = SimilarAnimeQuery.model_validate(asked).request()
    assert _page([row], [], **asked) == MODEL.similar_anime.page(row, request)


def _expected(liked: list[int], unliked: list[int], method: str) -> NDArray[np.float32]:
    """Score as the documentation says."""
    embeddings = BUNDLE.anime_embeddings

    def joint(rows: list[int]) -> Any:
        if method == "embedding":
            return np.mean([cosine_scores(embeddings, embeddings[row]) for row in rows], axis=0)
        neighbours = BUNDLE.similar_rows, BUNDLE.similar_scores, embeddings
        return np.mean([np.sqrt(ranked_scores(*neighbours, row)) for row in rows], axis=0) ** 2

    scores: NDArray[np.float32] = joint(liked) - (0.5 * joint(unliked) if unliked else 0.0)
    return scores


@given(liked=some_rows, unliked=some_rows, wanted=filters, method=st.sampled_from(["ranked", "embedding"]))
def test_scores_are_joint_similarities_less_half_of_those_to_the_others(
    liked: Any, unliked: Any, wanted: Any, method: str
) -> None:
    unliked = [row for row in unliked if row not in liked]
    asked = {**wanted, "method": method, "collapse_franchise": False, "limit": 100}
    page = _page(liked, unliked, **asked)
    avoided = {row for one in unliked for row in [one, *_company(one, wanted, collapse=False)]}
    codes = {int(BUNDLE.franchise_codes[row]) for row in avoided}
    left = [
        row
        for row in range(N_ANIME)
        if passes(row, wanted) and row not in liked and int(BUNDLE.franchise_codes[row]) not in codes
    ]
    assert sorted(page.rows) == left
    assert page.total == len(left)
    assert page.scores == pytest.approx(_expected(liked, unliked, method)[page.rows].tolist(), abs=1e-6)
    assert page.scores == sorted(page.scores, reverse=True)


def test_what_is_similar_to_each_stands_before_what_is_very_similar_to_one() -> None:
    page = _page([0, 3], [], method="ranked", collapse_franchise=False, limit=100, include_adult=True)
    first, second = (
        ranked_scores(BUNDLE.similar_rows, BUNDLE.similar_scores, BUNDLE.anime_embeddings, row) for row in (0, 3)
    )
    mean = (first + second) / 2
    turned = [
        (one, two) for place, one in enumerate(page.rows) for two in page.rows[place + 1 :] if mean[one] < mean[two]
    ]
    assert turned
    assert all(abs(first[one] - second[one]) < abs(first[two] - second[two]) for one, two in turned)


def _company(row: int, wanted: Any, *, collapse: bool) -> list[int]:
    asked = SimilarAnimeQuery(include_adult=wanted.get("include_adult", False), collapse_franchise=collapse)
    return MODEL.similar_anime.page(row, asked.request()).rows


@given(liked=some_rows, unliked=some_rows, wanted=filters, collapse=st.booleans())
def test_nothing_is_named_of_what_is_similar_to_the_unliked(
    liked: Any, unliked: Any, wanted: Any, collapse: bool
) -> None:
    unliked = [row for row in unliked if row not in liked]
    page = _page(liked, unliked, **wanted, collapse_franchise=collapse, limit=100)
    assert not {*page.rows} & {*liked, *unliked}
    for row in unliked:
        company = _company(row, wanted, collapse=collapse)
        assert len(company) <= N_COMPANY
        assert not {*page.rows} & {*company}
        assert BUNDLE.franchise_codes[row] not in BUNDLE.franchise_codes[page.rows]


@given(liked=some_rows, wanted=filters)
def test_each_franchise_comes_once_and_is_counted(liked: Any, wanted: Any) -> None:
    page = _page(liked, [], **wanted, limit=100)
    codes = BUNDLE.franchise_codes[page.rows].tolist()
    assert len({*codes}) == len(codes) == page.total
    assert not {*codes} & {*BUNDLE.franchise_codes[liked].tolist()}


def test_of_new_and_learned_anime_all_are_found_by_content(client: httpx.Client) -> None:
    known, new = int(BUNDLE.anime_ids[3]), int(BUNDLE.new_anime_ids[0])
    answer = client.get("/anime/similar", params={"like": [known, new], "limit": 100, "collapse_franchise": "false"})
    parsed = SimilarToSeveralAnswer.model_validate_json(answer.content)
    assert parsed.method == "content"
    assert [card.anime_id for card in parsed.like] == [known, new]
    assert {card.anime_id for card in parsed.data} & {*BUNDLE.new_anime_ids.tolist()}
    refused = client.get("/anime/similar", params={"like": [known, new], "method": "ranked"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["parameter"] == "method"


@pytest.mark.parametrize(
    ("query", "parameter", "expected", "received"),
    [
        ("", "like", "given at least once, each a whole number from 0 to 9223372036854775807", None),
        ("unlike=4", "like", "given at least once, each a whole number from 0 to 9223372036854775807", None),
        ("like=1&like=x", "like", "each a whole number from 0 to 9223372036854775807", "x"),
        ("like=1&like=4&unlike=7&unlike=4", "unlike", "an anime that like does not name", "4"),
        ("&".join(f"like={n}" for n in range(21)), "like", "given at most 20 times", "21 times"),
    ],
)
def test_what_makes_no_sense_is_refused(
    client: httpx.Client, query: str, parameter: str, expected: str, received: str | None
) -> None:
    answer = client.get(f"/anime/similar?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"parameter": parameter, "expected": expected, "received": received}]


def test_an_unknown_anime_is_not_found(client: httpx.Client) -> None:
    for query in ("like=1&like=99999999", "like=1&unlike=99999999"):
        answer = client.get(f"/anime/similar?{query}")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_anime")
