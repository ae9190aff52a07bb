"""Rankings and filters against brute force."""

from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.bundle import Bundle
from models.scoring.embedding import cosine_scores, list_scores
from models.scoring.user_list import UserList, list_of_user
from service.filters import Filters
from service.loaded_model import LoadedModel, build_model
from service.nearest import NearestRows
from service.query import RecommendationsQuery, SimilarAnimeQuery, SimilarUsersQuery
from service.ranked_page import RankedPage, rank
from tests.service.small_bundle import GENRES, N_ANIME, N_USERS, TYPES, make_bundle

BUNDLE: Final[Bundle] = make_bundle()
MODEL: Final[LoadedModel] = build_model(BUNDLE)

anime_rows = st.integers(0, N_ANIME - 1)
user_rows = st.integers(0, N_USERS - 1)
some_genres = st.lists(st.sampled_from([*GENRES, "action", "SLICE OF LIFE"]), max_size=2).map(tuple)
filters = st.fixed_dictionaries(
    {},
    optional={
        "type": st.lists(st.sampled_from([*TYPES[1:], "tv", "ova"]), max_size=2).map(tuple),
        "genre": some_genres,
        "exclude_genre": some_genres,
        "min_score": st.floats(0, 10),
        "min_members": st.integers(0, 50_000),
        "max_members": st.integers(50_000, 110_000),
        "year_from": st.integers(1985, 2005),
        "year_to": st.integers(2005, 2025),
        "exclude": st.lists(st.integers(0, 200), max_size=80).map(tuple),
        "include_adult": st.booleans(),
    },
)
paging = st.fixed_dictionaries(
    {"limit": st.integers(1, 100), "offset": st.integers(0, 70), "order": st.sampled_from(["most", "least"])}
)


def _passes(row: int, wanted: dict[str, Any]) -> bool:
    """Filter one anime the slow way, from the promises of the documentation."""
    genres = {GENRES[column].casefold() for column in np.flatnonzero(BUNDLE.anime_genres[row])}
    bounds = [
        (float(np.float32(wanted["min_score"])) if "min_score" in wanted else None, None, BUNDLE.mean_scores[row]),
        (wanted.get("min_members"), wanted.get("max_members"), BUNDLE.members[row]),
        (wanted.get("year_from"), wanted.get("year_to"), BUNDLE.years[row]),
    ]
    return (
        (not wanted.get("type") or _type(row) in {name.casefold() for name in wanted["type"]})
        and all(name.casefold() in genres for name in wanted.get("genre", ()))
        and not any(name.casefold() in genres for name in wanted.get("exclude_genre", ()))
        and all(value > 0 for low, high, value in bounds if low is not None or high is not None)
        and all(value >= low for low, _, value in bounds if low is not None)
        and all(value <= high for _, high, value in bounds if high is not None)
        and int(BUNDLE.anime_ids[row]) not in wanted.get("exclude", ())
        and (wanted.get("include_adult", False) or not BUNDLE.adult[row])
    )


def _type(row: int) -> str:
    return str(BUNDLE.type_names[BUNDLE.type_codes[row]]).casefold()


def _brute_force(scores: Any, candidates: list[int], page: dict[str, Any]) -> list[int]:
    sign = -1 if page["order"] == "most" else 1
    ranked = sorted(candidates, key=lambda row: (sign * scores[row], row))
    return ranked[page["offset"] : page["offset"] + page["limit"]]


@given(wanted=filters)
def test_filters_let_through_what_they_say(wanted: dict[str, Any]) -> None:
    allowed = MODEL.catalogue.allowed(SimilarAnimeQuery(**wanted).filters)
    expected = [row for row in range(N_ANIME) if _passes(row, wanted)]
    assert np.flatnonzero(allowed.mask).tolist() == expected
    assert allowed.count == len(expected)


@given(row=anime_rows, wanted=filters, page=paging)
def test_similar_anime_equal_brute_force(row: int, wanted: dict[str, Any], page: dict[str, Any]) -> None:
    query = SimilarAnimeQuery(**wanted, **page)
    candidates = [other for other in range(N_ANIME) if other != row and _passes(other, wanted)]
    scores = cosine_scores(BUNDLE.anime_embeddings, BUNDLE.anime_embeddings[row])
    answer = MODEL.similar_anime.page(row, query)
    assert answer.rows == _brute_force(scores, candidates, page)
    assert answer.scores == scores[answer.rows].tolist()
    assert answer.total == len(candidates)


@given(row=anime_rows, wanted=filters, page=paging)
def test_what_is_remembered_is_what_a_scan_finds(row: int, wanted: dict[str, Any], page: dict[str, Any]) -> None:
    query = SimilarAnimeQuery(**wanted, **page)
    scanned = _without_memory(row, query)
    MODEL.similar_anime.page(row, SimilarAnimeQuery())
    recalled = MODEL.similar_anime.recall_page(row, query)
    assert recalled is None or recalled == scanned
    assert recalled is not None or page["order"] == "least"


def _without_memory(row: int, query: SimilarAnimeQuery) -> RankedPage:
    allowed = MODEL.catalogue.allowed(query.filters).mask.copy()
    allowed[row] = False
    scores = cosine_scores(BUNDLE.anime_embeddings, BUNDLE.anime_embeddings[row])
    return rank(scores, allowed, query.offset, query.limit, query.order)


@given(row=user_rows, page=paging)
def test_similar_users_equal_brute_force(row: int, page: dict[str, Any]) -> None:
    scores = cosine_scores(BUNDLE.user_embeddings, BUNDLE.user_embeddings[row])
    answer = MODEL.similar_users.page(row, SimilarUsersQuery(**page)).ranking
    assert answer.rows == _brute_force(scores, [other for other in range(N_USERS) if other != row], page)
    assert answer.total == N_USERS - 1


@given(row=user_rows, wanted=filters, page=paging, planned=st.booleans())
def test_recommendations_by_embedding_equal_brute_force(
    row: int, wanted: dict[str, Any], page: dict[str, Any], planned: bool
) -> None:
    query = RecommendationsQuery(method="embedding", include_plan_to_watch=planned, **wanted, **page)
    mine = list_of_user(BUNDLE, row)
    blocked = set((mine.seen_rows if planned else mine.anime_rows).tolist())
    candidates = [other for other in range(N_ANIME) if other not in blocked and _passes(other, wanted)]
    scores = list_scores(BUNDLE.anime_embeddings, BUNDLE.anime_gains, BUNDLE.user_embeddings[row])
    answer = MODEL.recommender.page(MODEL.recommender.known_viewer(row), query).ranking
    assert answer.rows == _brute_force(scores, candidates, page)
    assert answer.total == len(candidates)


def _scores_by_neighbours(row: int) -> dict[int, float]:
    """Score the slow way: every neighbour's similarity counts for what is in their top quarter."""
    cosines = BUNDLE.user_embeddings @ BUNDLE.user_embeddings[row]
    others = sorted((other for other in range(N_USERS) if other != row), key=lambda other: (-cosines[other], other))
    neighbours = [other for other in others[:50] if cosines[other] > 0]
    total = sum(float(cosines[other]) for other in neighbours)
    scores: dict[int, float] = {}
    for other in neighbours:
        theirs = list_of_user(BUNDLE, other)
        rated = theirs.ratings[theirs.ratings > 0]
        for anime_row, rating in zip(theirs.anime_rows.tolist(), theirs.ratings.tolist(), strict=True):
            if rating > 0 and rating >= np.percentile(rated, 75):
                scores[anime_row] = scores.get(anime_row, 0.0) + float(cosines[other]) / total
    return scores


@given(row=user_rows)
def test_recommendations_by_neighbours_equal_brute_force(row: int) -> None:
    query = RecommendationsQuery(method="neighbours", limit=100, include_adult=True)
    answer = MODEL.recommender.page(MODEL.recommender.known_viewer(row), query).ranking
    listed = set(list_of_user(BUNDLE, row).anime_rows.tolist())
    expected = {anime: score for anime, score in _scores_by_neighbours(row).items() if anime not in listed}
    got = dict(zip(answer.rows, answer.scores, strict=True))
    assert set(got) == set(expected)
    assert answer.total == len(expected)
    for anime_row, score in got.items():
        assert score == pytest.approx(expected[anime_row], abs=1e-5)


lists = st.lists(anime_rows, min_size=1, max_size=30, unique=True).map(sorted)


@settings(max_examples=60)
@given(seen=lists, method=st.sampled_from(["embedding", "neighbours"]), seed=st.integers(0, 1000))
def test_contributions_over_the_whole_list_add_up_to_the_score(seen: list[int], method: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    user_list = _list_of(seen, rng)
    viewer = MODEL.recommender.unseen_viewer(user_list)
    page = MODEL.recommender.page(viewer, RecommendationsQuery(method=method, limit=100, include_adult=True))
    total = np.linalg.norm(BUNDLE.list_embeddings[seen].sum(axis=0, dtype=np.float64))
    for row, score, explanation in zip(page.ranking.rows, page.ranking.scores, page.explanations, strict=True):
        if method == "embedding":
            direction = BUNDLE.anime_embeddings[row] * BUNDLE.anime_gains[row]
        else:
            positive = np.maximum(viewer.neighbours.similarities, 0)
            holders = [
                place
                for place, other in enumerate(viewer.neighbours.rows.tolist())
                if row in list_of_user(BUNDLE, other).top_quarter_rows and positive[place] > 0
            ]
            direction = BUNDLE.user_embeddings[viewer.neighbours.rows[holders]].sum(axis=0) / positive.sum()
        contributions = {anime: float(BUNDLE.list_embeddings[anime] @ direction / total) for anime in seen}
        assert sum(contributions.values()) == pytest.approx(score, abs=1e-5)
        shown = [reason.contribution for reason in explanation.because]
        best = sorted((value for value in contributions.values() if value > 0), reverse=True)[:5]
        assert shown == pytest.approx(best, abs=1e-5)
        for reason in explanation.because:
            assert reason.contribution == pytest.approx(contributions[reason.anime_row], abs=1e-5)


@given(row=user_rows)
def test_a_known_user_and_a_stranger_with_the_same_list_get_the_same(row: int) -> None:
    mine = list_of_user(BUNDLE, row)
    if not len(mine.seen_rows):
        return
    query = RecommendationsQuery(method="embedding", limit=100)
    known = MODEL.recommender.page(MODEL.recommender.known_viewer(row), query).ranking
    stranger = MODEL.recommender.page(MODEL.recommender.unseen_viewer(mine), query).ranking
    assert stranger.total == known.total
    assert stranger.scores == pytest.approx(known.scores, abs=1e-6)


def test_a_stranger_without_a_list_gets_an_answer_without_reasons() -> None:
    empty = UserList(np.empty(0, np.int32), np.empty(0, np.uint8), np.empty(0, np.uint8))
    viewer = MODEL.recommender.unseen_viewer(empty)
    by_embedding = MODEL.recommender.page(viewer, RecommendationsQuery(method="embedding"))
    assert set(by_embedding.ranking.scores) == {0.0}
    assert all(not explanation.because for explanation in by_embedding.explanations)
    assert MODEL.recommender.page(viewer, RecommendationsQuery(method="neighbours")).ranking.total == 0


def test_ties_go_to_the_lower_row() -> None:
    page = MODEL.similar_anime.page(0, SimilarAnimeQuery(limit=100, include_adult=True))
    assert page.rows.index(41) + 1 == page.rows.index(45)


def test_a_full_memory_forgets_the_oldest_and_stays_right() -> None:
    nearest = NearestRows(BUNDLE.anime_embeddings, depth=5, capacity=3)
    for row in (0, 1, 2, 3, 0, 4):
        fresh = nearest.scan(BUNDLE.anime_embeddings[row], 5, without_row=row)
        assert nearest.of_row(row).rows.tolist() == fresh.rows.tolist()
    assert nearest.recall(4) is not None
    assert sum(nearest.recall(row) is not None for row in range(N_ANIME)) == 3


def test_an_unknown_year_passes_no_bound_and_no_bound_lets_it_pass() -> None:
    unknown = BUNDLE.years == 0
    assert MODEL.catalogue.allowed(Filters(include_adult=True)).mask[unknown].all()
    for bounded in (Filters(year_from=1900), Filters(year_to=2100)):
        assert not MODEL.catalogue.allowed(bounded).mask[unknown].any()


def test_a_score_equal_to_the_least_passes() -> None:
    score = round(float(BUNDLE.mean_scores[0]), 2)
    assert MODEL.catalogue.allowed(Filters(min_score=score)).mask[0]


def _list_of(rows: list[int], rng: np.random.Generator) -> UserList:
    ratings = rng.integers(0, 11, len(rows)).astype(np.uint8)
    return UserList(np.array(rows, dtype=np.int32), ratings, np.full(len(rows), 2, dtype=np.uint8))
