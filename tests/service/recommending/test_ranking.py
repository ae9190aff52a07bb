"""Rankings for users and lists against brute force."""

from typing import Any, Final

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.scoring.embedding import cosine_scores, list_scores
from models.scoring.franchises import places_of, rank_next_entries
from models.scoring.ranking import Cut, top_k_rows
from models.scoring.user_list import UserList, list_of_user
from service.api.params import RecommendationsQuery, SimilarAnimeQuery, SimilarUsersQuery
from service.recommending.methods import MethodKey, make_methods
from tests.models.slow_franchises import collapse_franchises
from tests.models.slow_users import slow_counts, slow_liked
from tests.service.rankings import (
    BUNDLE,
    FRANCHISES,
    MODEL,
    anime_rows,
    brute_force,
    filters,
    paging,
    passes,
    user_rows,
)
from tests.service.small_bundle import N_ANIME, N_USERS


@given(row=user_rows, page=paging)
def test_similar_users_equal_brute_force(row: int, page: dict[str, Any]) -> None:
    scores = cosine_scores(BUNDLE.user_embeddings, BUNDLE.user_embeddings[row])
    answer = MODEL.similar_users.page(row, SimilarUsersQuery(**page).request()).ranking
    assert answer.rows == brute_force(scores, [other for other in range(N_USERS) if other != row], page)
    assert answer.total == N_USERS - 1


@given(row=user_rows, wanted=filters, page=paging, planned=st.booleans())
def test_recommendations_by_embedding_equal_brute_force(
    row: int, wanted: dict[str, Any], page: dict[str, Any], planned: bool
) -> None:
    mine = list_of_user(BUNDLE, row)
    assume(len(mine.liked_rows))
    query = RecommendationsQuery(
        method="embedding",
        include_plan_to_watch=planned,
        include_disliked_franchises=True,
        collapse_franchise=False,
        **wanted,
        **page,
    )
    blocked = set((mine.seen_rows if planned else mine.anime_rows).tolist())
    candidates = [other for other in range(N_ANIME) if other not in blocked and passes(other, wanted)]
    scores = list_scores(BUNDLE.anime_embeddings, BUNDLE.anime_gains, BUNDLE.user_embeddings[row])
    answer = MODEL.recommender.page(MODEL.similar_users.known_user(row), query.request()).ranking
    assert answer.rows == brute_force(scores, candidates, page)
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
    assume(len(list_of_user(BUNDLE, row).liked_rows))
    query = RecommendationsQuery(
        method="neighbours",
        rule="top-quarter",
        limit=100,
        include_adult=True,
        include_disliked_franchises=True,
        collapse_franchise=False,
    )
    answer = MODEL.recommender.page(MODEL.similar_users.known_user(row), query.request()).ranking
    listed = set(list_of_user(BUNDLE, row).anime_rows.tolist())
    expected = {anime: score for anime, score in _scores_by_neighbours(row).items() if anime not in listed}
    got = dict(zip(answer.rows, answer.scores, strict=True))
    assert set(got) == set(expected)
    assert answer.total == len(expected)
    for anime_row, score in got.items():
        assert score == pytest.approx(expected[anime_row], abs=1e-5)


lists = st.lists(anime_rows, min_size=1, max_size=30, unique=True).map(sorted)


# Whatever is added to the methods has to explain itself like the others.
# The reasons of re-ranked anime are those of the first stage, whose scores they add up to.
EXPLAINED: Final = [key for key in make_methods(BUNDLE, MODEL.catalogue) if key[0] not in {"popular", "ranked"}]


@settings(max_examples=60)
@given(seen=lists, key=st.sampled_from(EXPLAINED), seed=st.integers(0, 1000))
def test_contributions_over_the_whole_list_add_up_to_the_score(seen: list[int], key: MethodKey, seed: int) -> None:
    whole = _list_of(seen, np.random.default_rng(seed))
    counted = list(slow_counts(whole))
    liked = [counted.index(row) for row in slow_liked(whole)]
    profile = MODEL.similar_users.unseen_user(whole)
    scoring = make_methods(BUNDLE, MODEL.catalogue)[key].score(profile, np.ones(N_ANIME, dtype=bool))
    contributions = scoring.contributions(list(range(N_ANIME)))
    assert contributions.shape == (N_ANIME, len(counted))
    np.testing.assert_allclose(contributions.sum(axis=1), scoring.scores, atol=1e-5)
    method, rule = key
    query = RecommendationsQuery(method=method, rule=rule, limit=100, include_adult=True)
    page = MODEL.recommender.page(profile, query.request())
    # Nothing is recommended by what is only disliked.
    assert page.has_evidence == bool(liked)
    if not liked:
        return
    scored_rows = page.ranking.scored_rows
    for row, score, explanation in zip(scored_rows, page.ranking.scores, page.explanations, strict=True):
        assert score == scoring.scores[row]
        # What is disliked is no reason.
        best = sorted((value for value in contributions[row, liked].tolist() if value > 0), reverse=True)[:5]
        assert [reason.contribution for reason in explanation.because] == pytest.approx(best, abs=1e-5)
        for reason in explanation.because:
            mine = contributions[row, counted.index(reason.anime_row)]
            assert reason.contribution == pytest.approx(float(mine), abs=1e-5)


@given(row=user_rows)
def test_a_known_user_and_a_stranger_with_the_same_list_get_the_same(row: int) -> None:
    mine = list_of_user(BUNDLE, row)
    if not len(mine.seen_rows):
        return
    query = RecommendationsQuery(method="embedding", limit=100)
    known = MODEL.recommender.page(MODEL.similar_users.known_user(row), query.request()).ranking
    stranger = MODEL.recommender.page(MODEL.similar_users.unseen_user(mine), query.request()).ranking
    assert stranger.total == known.total
    assert stranger.scores == pytest.approx(known.scores, abs=1e-6)


@given(row=user_rows, key=st.sampled_from(list(make_methods(BUNDLE, MODEL.catalogue))), wanted=filters, page=paging)
def test_collapsed_recommendations_show_each_franchise_once_as_its_next_entry(
    row: int, key: MethodKey, wanted: dict[str, Any], page: dict[str, Any]
) -> None:
    method, rule = key
    profile = MODEL.similar_users.known_user(row)
    key = key if profile.likes_something else ("popular", None)
    query = RecommendationsQuery(method=method, rule=rule, include_disliked_franchises=True, **wanted, **page)
    listed = set(profile.user_list.anime_rows.tolist())
    seen = set(profile.user_list.seen_rows.tolist())
    allowed = [other for other in range(N_ANIME) if other not in listed and passes(other, wanted)]
    scoring = make_methods(BUNDLE, MODEL.catalogue)[key].score(profile, np.isin(np.arange(N_ANIME), allowed))
    best: dict[int, tuple[float, int, int]] = {}
    for other in allowed:
        score, shown = float(scoring.scores[other]), _next_of(int(BUNDLE.franchise_codes[other]), seen, allowed)
        if shown is not None and (score > 0 or not scoring.positive_only):
            code = int(BUNDLE.franchise_codes[other])
            best[code] = max(best.get(code, (-np.inf, 0, 0)), (score, -other, shown))
    turned = page["order"] == "least"
    keys = {entry: (entry[0], entry[2]) if turned else (-entry[0], -entry[1]) for entry in best.values()}
    expected = sorted(best.values(), key=lambda entry: keys[entry])[page["offset"] : page["offset"] + page["limit"]]
    answer = MODEL.recommender.page(profile, query.request()).ranking
    assert answer.total == len(best)
    assert answer.rows == [shown for _, _, shown in expected]
    assert answer.scored_rows == [-other for _, other, _ in expected]
    assert answer.scores == [score for score, _, _ in expected]


@given(row=user_rows, wanted=filters, seed=st.integers(0, 99))
def test_a_page_of_franchises_is_cut_from_the_collapsed_ranking(row: int, wanted: dict[str, Any], seed: int) -> None:
    # Few distinct scores, so that there are ties.
    scores = np.random.default_rng(seed).integers(0, 5, N_ANIME).astype(np.float32)
    seen, listed = np.zeros(N_ANIME, dtype=bool), np.zeros(N_ANIME, dtype=bool)
    seen[list_of_user(BUNDLE, row).seen_rows] = True
    listed[list_of_user(BUNDLE, row).anime_rows] = True
    allowed = MODEL.catalogue.allowed(SimilarAnimeQuery(**wanted).filters()).mask & ~listed
    rows = top_k_rows(scores, N_ANIME, allowed=allowed)
    expected, expected_scores = collapse_franchises(rows, scores[rows], FRANCHISES, seen, allowed)
    for cut in (Cut(0, 5, "most"), Cut(3, 4, "most"), Cut(0, 100, "most"), Cut(90, 10, "most")):
        page = rank_next_entries(scores, allowed, FRANCHISES, seen, allowed, cut)
        part = slice(cut.offset, cut.offset + cut.limit)
        assert page.rows == expected[part].tolist()
        assert page.scores == expected_scores[part].tolist()
        assert page.total == len(expected)


@given(row=user_rows, key=st.sampled_from(list(make_methods(BUNDLE, MODEL.catalogue))))
def test_what_comes_after_a_disliked_entry_is_left_out_unless_asked_for(row: int, key: MethodKey) -> None:
    method, rule = key
    profile = MODEL.similar_users.known_user(row)
    liked, codes, positions = slow_liked(profile.user_list), BUNDLE.franchise_codes, BUNDLE.franchise_positions
    disliked = set(profile.user_list.seen_rows.tolist()) - set(liked)
    given_up = set()
    for other in range(N_ANIME):
        mates = [mate for mate in range(N_ANIME) if codes[mate] == codes[other]]
        last_liked = max((int(positions[mate]) for mate in mates if mate in liked), default=-1)
        later = [int(positions[mate]) for mate in mates if mate in disliked and positions[mate] > last_liked]
        if later and positions[other] > min(later):
            given_up.add(other)

    def rows(*, included: bool) -> set[int]:
        query = RecommendationsQuery(
            method=method, rule=rule, limit=100, collapse_franchise=False, include_disliked_franchises=included
        )
        return set(MODEL.recommender.page(profile, query.request()).ranking.rows)

    assert rows(included=False) == rows(included=True) - given_up


def _next_of(code: int, seen: set[int], allowed: list[int]) -> int | None:
    """Find what to show of a franchise the slow way, from the rule in models/scoring/franchises.py."""
    members = [row for row in range(N_ANIME) if BUNDLE.franchise_codes[row] == code]
    members.sort(key=lambda row: int(BUNDLE.franchise_positions[row]))
    main = [row for row in members if not BUNDLE.franchise_roles[row] and row not in seen]
    if main and main[0] in allowed:
        return main[0]
    ready = members if not main else members[: members.index(main[0])]
    shown = [row for row in ready if row not in seen and row in allowed]
    return min(shown, key=lambda row: int(BUNDLE.franchise_roles[row]), default=None)


def test_a_place_in_a_franchise_tells_what_comes_before_it() -> None:
    # Rows 0, 1, 2 are a season, what comes after it, and a side story.
    def places(shown: int, *seen: int) -> list[int]:
        return places_of([shown], np.array(seen, dtype=np.int32), FRANCHISES)[0].next_after

    assert places(1, 0) == [0]
    assert places(2, 0, 1) == [1]
    assert places(0, 1, 2) == []
    assert places(1, 3, 4, 5) == []


def test_a_stranger_without_a_list_gets_what_is_popular_and_no_reasons() -> None:
    empty = UserList(np.empty(0, np.int32), np.empty(0, np.uint8), np.empty(0, np.uint8))
    profile = MODEL.similar_users.unseen_user(empty)
    for method in ("embedding", "neighbours"):
        page = MODEL.recommender.page(
            profile, RecommendationsQuery(method=method, collapse_franchise=False).request()
        )
        assert (page.method, page.has_evidence) == ("popular", False)
        assert page.ranking.scores == sorted(page.ranking.scores, reverse=True)
        assert page.ranking.total == N_ANIME - int(BUNDLE.adult.sum())
        assert not any(explanation.because or explanation.supporters for explanation in page.explanations)


def _list_of(rows: list[int], rng: np.random.Generator) -> UserList:
    ratings = rng.integers(0, 11, len(rows)).astype(np.uint8)
    return UserList(np.array(rows, dtype=np.int32), ratings, np.full(len(rows), 2, dtype=np.uint8))
