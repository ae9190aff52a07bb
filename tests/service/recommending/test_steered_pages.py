"""Steered answers: the same rows in another order, page after page, and never what was excluded."""

from collections.abc import Callable
from typing import Any, Final

import httpx2 as httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.scoring import steering
from models.scoring.ranking import RankedPage
from models.scoring.steering import self_information
from service.api.params import RecommendationsQuery, SimilarAnimeQuery
from service.recommending.group import GroupPage
from service.recommending.requests import GroupRequest
from tests.service.rankings import BUNDLE, MODEL, filters, user_rows

INFORMATION: Final = self_information(BUNDLE.popularity, BUNDLE.n_users)
knobs = st.fixed_dictionaries({"novelty": st.sampled_from([0.0, 0.3, 1.0]), "diversity": st.floats(0, 1)})
orders = st.sampled_from(["most", "least"])

Ask = Callable[..., RankedPage]


def _similar(row: int, **asked: Any) -> RankedPage:
    return MODEL.similar_anime.page(row, SimilarAnimeQuery.model_validate(asked).request())


def _recommended(user: int, **asked: Any) -> RankedPage:
    request = RecommendationsQuery.model_validate(asked).request()
    return MODEL.recommend(MODEL.similar_users.known_user(user), request).ranking


def _for_group(user: int, **asked: Any) -> RankedPage:
    request = GroupRequest(**vars(RecommendationsQuery.model_validate(asked).request()))
    profiles = [MODEL.similar_users.known_user(row) for row in (user, (user + 1) % 40)]
    page: GroupPage = MODEL.group_recommender.page(profiles, request)
    return page.ranking


WAYS: Final[list[tuple[str, Ask]]] = [("similar", _similar), ("recommended", _recommended), ("group", _for_group)]
ways = st.sampled_from([ask for _, ask in WAYS])


@settings(max_examples=40)
@given(ask=ways, row=user_rows, wanted=filters, asked=knobs, order=orders, limit=st.integers(3, 20))
def test_pages_neither_repeat_nor_miss_a_row(
    ask: Ask, row: int, wanted: Any, asked: Any, order: str, limit: int
) -> None:
    whole = ask(row, **wanted, **asked, order=order, limit=100)
    plain = ask(row, **wanted, order=order, limit=100)
    entries = list(zip(whole.rows, whole.scores, whole.scored_rows, strict=True))
    assert sorted(entries) == sorted(zip(plain.rows, plain.scores, plain.scored_rows, strict=True))
    assert whole.total == plain.total == len(entries)
    paged = [
        ask(row, **wanted, **asked, order=order, limit=limit, offset=offset)
        for offset in range(0, whole.total + limit, limit)
    ]
    assert [shown for page in paged for shown in page.rows] == whole.rows
    assert [score for page in paged for score in page.scores] == whole.scores


@pytest.mark.parametrize(("name", "ask"), WAYS)
def test_what_follows_the_steered_rows_keeps_its_place(name: str, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steering, "N_STEERED", 6)
    plain, steered = (ask(12, limit=100, collapse_franchise=False, **asked) for asked in ({}, {"novelty": 1.0}))
    assert len(plain.rows) > 10, name
    assert sorted(steered.rows[:6]) == sorted(plain.rows[:6])
    assert steered.rows[:6] != plain.rows[:6]
    assert steered.rows[6:] == plain.rows[6:]
    for offset in (0, 4, 6, 9):
        page = ask(12, limit=3, offset=offset, collapse_franchise=False, novelty=1.0)
        assert page.rows == steered.rows[offset : offset + 3]


@pytest.mark.parametrize(("name", "ask"), WAYS)
@settings(max_examples=40)
@given(row=user_rows, low=st.floats(0, 1), high=st.floats(0, 1))
def test_novelty_never_makes_a_page_better_known(name: str, ask: Ask, row: int, low: float, high: float) -> None:
    low, high = sorted((low, high))
    less, more = (INFORMATION[ask(row, novelty=novelty, limit=10).rows].sum() for novelty in (low, high))
    assert more >= less - 1e-3, name


@given(ask=ways, row=user_rows, excluded=st.lists(st.integers(0, 200), max_size=60), asked=knobs)
def test_what_is_excluded_never_answers(ask: Ask, row: int, excluded: list[int], asked: Any) -> None:
    page = ask(row, exclude=tuple(excluded), **asked, limit=100)
    assert not {*BUNDLE.anime_ids[page.rows].tolist()} & {*excluded}


@given(row=st.integers(0, BUNDLE.n_new - 1))
def test_new_anime_are_steered_as_what_nobody_has_seen(row: int) -> None:
    asked = {"limit": 100, "collapse_franchise": False}
    plain, steered = (_similar(BUNDLE.n_anime + row, **asked, novelty=novelty) for novelty in (0.0, 1.0))
    assert sorted(steered.rows) == sorted(plain.rows)
    counts = np.append(BUNDLE.popularity, np.zeros(BUNDLE.n_new))[steered.rows]
    assert np.all(np.diff(counts) >= 0)


@pytest.mark.parametrize("path", ["/anime/4/similar", "/anime/similar?like=4", "/users/12/recommendations"])
def test_zeros_are_the_defaults(client: httpx.Client, path: str) -> None:
    joint = "&" if "?" in path else "?"
    plain = client.get(f"{path}{joint}limit=20")
    assert client.get(f"{path}{joint}novelty=0&diversity=0.0&limit=20").content == plain.content
    for name in ("novelty", "diversity"):
        assert client.get(f"{path}{joint}{name}=1&limit=20").json()["data"] != plain.json()["data"]


@pytest.mark.parametrize("path", ["/anime/4/similar", "/anime/similar?like=4", "/users/12/recommendations"])
@pytest.mark.parametrize("name", ["novelty", "diversity"])
@pytest.mark.parametrize("value", ["-0.1", "1.01", "nan", "much", ""])
def test_a_knob_outside_its_range_is_refused(client: httpx.Client, path: str, name: str, value: str) -> None:
    answer = client.get(f"{path}{'&' if '?' in path else '?'}{name}={value}")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"parameter": name, "expected": "a number from 0 to 1", "received": value}]


def test_new_anime_keep_their_places_among_steered_ones() -> None:
    asked = RecommendationsQuery(include_new=True, novelty=0.8, limit=100).request()
    profile = MODEL.similar_users.known_user(12)
    rows = MODEL.recommend(profile, asked).ranking.rows
    known = [row for row in rows if row < BUNDLE.n_anime]
    assert known == _recommended(12, novelty=0.8, limit=100).rows
    assert len(rows) > len(known)
    assert rows[4] >= BUNDLE.n_anime
