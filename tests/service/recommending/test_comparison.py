"""Two lists compared: symmetric, highest with oneself, and named by hand."""

import math
from typing import Any

import httpx2 as httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.scoring.user_list import Status, UserList, list_of_user
from service.api.group_answers import ComparisonAnswer
from service.recommending.comparison import Comparison
from tests.service.api.posted_lists import entries_of
from tests.service.rankings import BUNDLE, MODEL, user_rows

limits = st.integers(1, 100)


def _compare(first: UserList, second: UserList, limit: int = 100) -> Comparison:
    return MODEL.comparisons.compare((first, second), limit)


def _list(entries: dict[int, tuple[int, Status]]) -> UserList:
    rows = sorted(entries)
    return UserList(
        np.array(rows, dtype=np.int32),
        np.array([entries[row][0] for row in rows], dtype=np.uint8),
        np.array([entries[row][1] for row in rows], dtype=np.uint8),
    )


@given(one=user_rows, other=user_rows, limit=limits)
def test_the_order_of_the_lists_makes_no_difference(one: int, other: int, limit: int) -> None:
    first, second = (list_of_user(BUNDLE, row) for row in (one, other))
    comparison, turned = _compare(first, second, limit), _compare(second, first, limit)
    for name in ("score", "n_in_common", "n_shared", "n_disagreements"):
        assert getattr(turned, name) == getattr(comparison, name), name
    assert turned.agreement == pytest.approx(comparison.agreement)
    for name in ("shared", "disagreements"):
        swapped = [
            entry._replace(ratings=entry.ratings[::-1], statuses=entry.statuses[::-1])
            for entry in getattr(turned, name)
        ]
        assert swapped == getattr(comparison, name), name


@given(one=user_rows, other=user_rows)
def test_nobody_fits_better_than_oneself(one: int, other: int) -> None:
    first, second = (list_of_user(BUNDLE, row) for row in (one, other))
    itself = _compare(first, first)
    if itself.score is None:
        assert _compare(first, second).score is None
        return
    assert (_compare(first, second).score or 0.0) <= itself.score
    assert itself.disagreements == []
    assert itself.n_in_common == len(first.seen_rows)
    assert itself.agreement == pytest.approx(1.0) or itself.agreement is None


def test_the_score_is_the_share_of_pairs_that_fit_less() -> None:
    lists = [list_of_user(BUNDLE, row) for row in range(BUNDLE.n_users)]
    users = BUNDLE.user_embeddings
    pairs = [(a, b) for a in range(len(lists)) for b in range(a)]
    correlations = {pair: _correlation(*(lists[row] for row in pair)) for pair in pairs}
    mean = sum(r * n for r, n in correlations.values()) / sum(n for _, n in correlations.values())
    cosines = np.array([users[a] @ users[b] for a, b in pairs])
    drawn = np.array([(n * r + 10 * mean) / (n + 10) for r, n in correlations.values()])
    fits = [np.sum(cosines <= cosines[at] + 1e-6) + np.sum(drawn <= drawn[at] + 1e-6) for at in range(len(pairs))]
    for at in range(0, len(pairs), 41):
        one, other = pairs[at]
        score = _compare(lists[one], lists[other]).score
        if all(len(lists[row].liked_rows) for row in pairs[at]):
            assert score == pytest.approx(np.mean(np.array(fits) <= fits[at]), abs=0.02)


def _correlation(first: UserList, second: UserList) -> tuple[float, int]:
    """Correlate ratings entry by entry; how many they are."""
    relative = []
    for one in (first, second):
        entries = list(zip(one.anime_rows.tolist(), one.ratings.tolist(), one.statuses.tolist(), strict=True))
        rated = [rating for _, rating, status in entries if rating and status != Status.PLAN_TO_WATCH]
        mean = sum(rated) / len(rated) if rated else 0.0
        ratings = {}
        for row, rating, status in entries:
            if rating and status != Status.PLAN_TO_WATCH:
                ratings[row] = rating - mean
            if status == Status.DROPPED:
                ratings[row] = min(ratings.get(row, -2.0), -2.0)
        relative.append(ratings)
    both = [row for row in relative[0] if row in relative[1]]
    norm = math.prod(sum(one[row] ** 2 for row in both) for one in relative) ** 0.5
    return (sum(relative[0][row] * relative[1][row] for row in both) / norm, len(both)) if norm else (0.0, 0)


def test_of_two_who_watch_alike_the_one_who_agrees_fits_better() -> None:
    mine = list_of_user(BUNDLE, 9)
    rated = mine.ratings > 0
    turned = np.where(rated, 11 - mine.ratings, 0).astype(np.uint8)
    # All ratings counted alike by the embedding.
    unlike = UserList(mine.anime_rows, turned, mine.statuses)
    assert (_compare(mine, unlike).score or 0.0) < (_compare(mine, mine).score or 0.0) == 1.0


def test_what_is_shared_and_where_they_disagree_by_hand() -> None:
    done, dropped, planned = Status.COMPLETED, Status.DROPPED, Status.PLAN_TO_WATCH
    # Means: 7.4 and 7.
    first = {0: (10, done), 1: (8, done), 2: (9, done), 3: (3, done), 4: (0, done), 6: (7, done), 8: (0, done)}
    second = {0: (7, done), 1: (8, done), 2: (3, done), 3: (6, done), 4: (9, done), 6: (7, done), 8: (0, dropped)}
    lists = _list(first | {5: (0, planned)}), _list(second | {5: (9, done)})
    comparison = _compare(*lists)
    # Relative to the means: 0 (2.6, 0), 1 (.6, 1), 2 (1.6, -4), 3 (-4.4, -1), 6 (-.4, 0); 4 is unrated, 5 a plan.
    assert comparison.n_in_common == 7
    assert [entry.anime_row for entry in comparison.shared] == [0, 1]
    assert [entry.anime_row for entry in comparison.disagreements] == [2, 3, 0]
    assert comparison.disagreements[0].ratings == (9, 3)
    assert comparison.disagreements[0].statuses == (done, done)
    limited = _compare(*lists, limit=1)
    assert (len(limited.shared), limited.n_shared, len(limited.disagreements), limited.n_disagreements) == (
        1,
        2,
        1,
        3,
    )


def test_agreement_is_the_correlation_of_common_ratings() -> None:
    ratings = np.array([[9, 8, 3, 5, 7], [10, 7, 4, 4, 9]])
    first, second = (_list({row: (int(r), Status.COMPLETED) for row, r in enumerate(one)}) for one in ratings)
    assert _compare(first, second).agreement == pytest.approx(np.corrcoef(ratings)[0, 1])
    # Four ratings in common say nothing.
    fewer = _list({row: (int(r), Status.COMPLETED) for row, r in enumerate(ratings[1, :4])})
    assert _compare(first, fewer).agreement is None
    flat = _list(dict.fromkeys(range(5), (7, Status.COMPLETED)))
    assert _compare(first, flat).agreement is None


def test_who_rates_nothing_loves_what_they_finish() -> None:
    unrated = _list({0: (0, Status.COMPLETED), 1: (0, Status.DROPPED), 2: (0, Status.WATCHING)})
    rated = _list({0: (9, Status.COMPLETED), 1: (9, Status.COMPLETED), 2: (4, Status.COMPLETED)})
    comparison = _compare(unrated, rated)
    assert [entry.anime_row for entry in comparison.shared] == [0]
    assert [entry.anime_row for entry in comparison.disagreements] == [1, 2]


def _post(client: httpx.Client, lists: Any, **asked: Any) -> ComparisonAnswer:
    answer = client.post("/users/compare", json={"lists": lists}, params=asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return ComparisonAnswer.model_validate_json(answer.content, strict=True)


def test_an_answer_has_cards_with_both_ratings(client: httpx.Client) -> None:
    lists: list[dict[str, Any]] = [{"name": name, "ratings": entries_of(row)} for name, row in (("A", 9), ("B", 5))]
    answer = _post(client, lists, limit=2)
    assert [one.name for one in answer.lists] == ["A", "B"]
    assert (len(answer.shared), len(answer.disagreements)) == (2, 2)
    assert min(answer.n_shared, answer.n_disagreements) > 2
    for card in (*answer.shared, *answer.disagreements):
        for entries, rating, status in zip(lists, card.ratings, card.statuses, strict=True):
            (entry,) = [entry for entry in entries["ratings"] if entry["anime_id"] == card.anime_id]
            assert (entry["rating"] or None) == rating
            assert status in (None, *(one.name.lower() for one in Status))


def test_a_list_that_says_nothing_has_no_score(client: httpx.Client) -> None:
    answer = _post(client, [{"ratings": entries_of(3)}, {"ratings": []}])
    assert answer.score is None
    assert answer.lists[0].no_evidence is None
    assert answer.lists[1].no_evidence == "empty_list"
    assert answer.lists[1].notes == ["The list is empty. So there is no score."]


@pytest.mark.parametrize("n_lists", [0, 1, 3])
def test_two_lists_are_compared_and_no_other_number(client: httpx.Client, n_lists: int) -> None:
    answer = client.post("/users/compare", json={"lists": [{"ratings": []}] * n_lists})
    assert answer.status_code == 422
    (issue,) = answer.json()["errors"]
    assert issue == {"parameter": "lists", "expected": "2 lists", "received": f"a list of {n_lists}"}
