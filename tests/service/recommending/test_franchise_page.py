"""Pages of franchises, by hand: large franchises, ties, and what comes before an entry."""

import numpy as np
import pytest

from models.scoring.franchises import FranchiseOrder, places_of, rank_franchises, rank_next_entries
from models.scoring.ranking import Cut, Order, RankedPage
from service.recommending.requests import Filters
from tests.service.rankings import BUNDLE, MODEL


def _ranked(
    scores: list[float], shown: list[int], order: Order = "most", offset: int = 0, limit: int = 10
) -> RankedPage:
    """Rank franchises whose every entry is a candidate."""
    everything = np.ones(len(scores), dtype=bool)
    cut = Cut(offset, limit, order)
    return rank_franchises(np.array(scores, dtype=np.float32), everything, np.array(shown), len(set(shown)), cut)


@pytest.mark.parametrize("order", ["most", "least"])
def test_a_page_is_full_however_many_entries_the_best_franchise_has(order: Order) -> None:
    # Rows 0 to 49 are one franchise and better than all others.
    scores = [100.0 - row for row in range(50)] + [3.0, 2.0, 1.0]
    page = _ranked(scores, [0] * 50 + [50, 51, 52], order, limit=3)
    assert page.rows == ([0, 50, 51] if order == "most" else [52, 51, 50])
    assert page.scores == ([100.0, 3.0, 2.0] if order == "most" else [1.0, 2.0, 3.0])
    assert page.total == 4


def test_of_franchises_that_tie_the_best_goes_by_its_best_row_and_the_least_by_the_row_that_is_shown() -> None:
    # Row 3 lends its score to the franchise shown as row 0, row 2 to the one shown as row 1.
    scores, shown = [0.1, 0.1, 0.9, 0.9], [0, 1, 1, 0]
    most, least = _ranked(scores, shown), _ranked(scores, shown, "least")
    assert (most.rows, most.scored_rows) == ([1, 0], [2, 3])
    assert (least.rows, least.scored_rows) == ([0, 1], [3, 2])


@pytest.mark.parametrize(("offset", "rows"), [(0, [2, 0]), (1, [0, 4]), (2, [4]), (3, []), (4, [])])
def test_a_page_ends_with_the_ranking(offset: int, rows: list[int]) -> None:
    page = _ranked([0.5, 0.4, 0.9, 0.1, 0.2], [0, 0, 2, 2, 4], offset=offset, limit=2)
    assert page.rows == page.scored_rows == rows
    assert (page.total, page.offset, page.limit) == (3, offset, 2)


def test_the_first_row_may_be_what_is_next() -> None:
    franchises = FranchiseOrder(np.array([0, 1]), np.array([0, 0]), np.array([0, 0]))
    scores, all_rows, seen = np.array([2.0, 1.0], dtype=np.float32), np.ones(2, dtype=bool), np.zeros(2, dtype=bool)
    page = rank_next_entries(scores, all_rows, franchises, seen, all_rows, Cut(0, 10, "most"))
    assert (page.rows, page.total) == ([0, 1], 2)


def _next_after(shown: int, *seen: int) -> list[int]:
    """Of a franchise: a season, a side story, the second season, an extra. The row after these stands alone."""
    franchises = FranchiseOrder(np.array([0, 0, 0, 0, 1]), np.array([0, 1, 2, 3, 0]), np.array([0, 1, 0, 2, 0]))
    return places_of([shown], np.array(seen, dtype=np.int32), franchises)[0].next_after


def test_an_entry_comes_after_the_main_line_before_it() -> None:
    assert _next_after(2, 0, 1) == [0]
    assert _next_after(2, 1) == [1]
    assert _next_after(3, 0, 1, 2) == [2]
    # Nothing comes after itself, what comes later or what belongs elsewhere.
    assert _next_after(1, 1, 2, 3) == []
    assert _next_after(0, 1, 2, 4) == []


def test_without_a_filter_everything_but_adult_anime_may_appear() -> None:
    assert MODEL.catalogue.allowed(Filters()).mask.tolist() == (~BUNDLE.adult).tolist()
