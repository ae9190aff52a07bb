"""One entry per franchise: what may be shown, where it stands, and that nobody is sent into the middle of a story."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.scoring.franchises import FranchiseOrder, Role, rank_next_entries, rank_similar_franchises
from models.scoring.ranking import Cut

# Three seasons, an OVA of the first, a recap of the second; and another anime.
SEASON_1, SEASON_2, SEASON_3, OVA, RECAP, OTHER = range(6)
SERIES = FranchiseOrder(
    np.array([0, 0, 0, 0, 0, 1], dtype=np.int32),
    np.array([0, 2, 4, 1, 3, 0], dtype=np.int16),
    np.array([Role.MAIN, Role.MAIN, Role.MAIN, Role.SIDE, Role.EXTRA, Role.MAIN], dtype=np.uint8),
)


def mask(*rows: int, n: int = 6) -> NDArray[np.bool_]:
    marks = np.zeros(n, dtype=bool)
    marks[list(rows)] = True
    return marks


def collapse_franchises(
    rows: NDArray[np.int64],
    scores: NDArray[np.float32],
    franchises: FranchiseOrder,
    seen: NDArray[np.bool_],
    allowed: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rank franchises by a ranking of some anime: what is shown, and the score of the member that lends its place."""
    places, ranked = np.full(len(seen), -1), np.zeros(len(seen), dtype=bool)
    places[rows], ranked[rows] = np.arange(len(rows)), True
    page = rank_next_entries(
        (-places).astype(np.float32), ranked, franchises, seen, allowed, Cut(0, 1 + len(seen), "most")
    )
    assert page.total == len(page.rows)
    return np.array(page.rows, dtype=np.int64), scores[places[page.scored_rows]]


def collapse(seen: NDArray[np.bool_], allowed: NDArray[np.bool_], *ranked: int) -> list[int]:
    scores = np.linspace(1.0, 0.0, len(ranked), dtype=np.float32)
    rows = collapse_franchises(np.array(ranked, dtype=np.int64), scores, SERIES, seen, allowed)[0]
    return [int(row) for row in rows]


@pytest.mark.parametrize(
    ("seen", "shown"),
    [
        ((), SEASON_1),
        ((SEASON_1,), SEASON_2),
        ((SEASON_1, SEASON_2), SEASON_3),
        ((SEASON_1, SEASON_3), SEASON_2),
        ((SEASON_3,), SEASON_1),
        ((OVA, RECAP), SEASON_1),
        ((SEASON_1, SEASON_2, SEASON_3), OVA),
        ((SEASON_1, SEASON_2, SEASON_3, OVA), RECAP),
    ],
)
def test_a_franchise_is_shown_as_the_first_of_its_main_line_that_is_not_seen(
    seen: tuple[int, ...], shown: int
) -> None:
    everything = np.ones(6, dtype=bool)
    assert collapse(mask(*seen), everything, SEASON_3, OTHER) == [shown, OTHER]


def test_a_franchise_is_left_out_when_all_of_it_is_seen() -> None:
    assert collapse(mask(SEASON_1, SEASON_2, SEASON_3, OVA, RECAP), np.ones(6, dtype=bool), SEASON_1, OTHER) == [
        OTHER
    ]


def test_no_later_season_takes_the_place_of_one_that_the_filters_hide() -> None:
    assert collapse(mask(), ~mask(SEASON_1), SEASON_3, OTHER) == [OTHER]
    assert collapse(mask(SEASON_1), mask(SEASON_3, RECAP, OTHER), SEASON_3, OTHER) == [OTHER]


def test_a_side_story_is_shown_where_the_filters_hide_the_season_after_it() -> None:
    assert collapse(mask(SEASON_1), mask(SEASON_3, OVA, OTHER), SEASON_3, OTHER) == [OVA, OTHER]


def test_a_franchise_stands_where_its_best_ranked_member_stands_with_that_score() -> None:
    rows, scores = collapse_franchises(
        np.array([OTHER, SEASON_3, SEASON_1, OVA]),
        np.array([0.9, 0.8, 0.3, 0.1], dtype=np.float32),
        SERIES,
        mask(),
        np.ones(6, dtype=bool),
    )
    assert rows.tolist() == [OTHER, SEASON_1]
    np.testing.assert_array_equal(scores, np.array([0.9, 0.8], dtype=np.float32))


def test_similar_anime_leave_out_the_querys_franchise_and_show_the_beginning_of_others() -> None:
    scores, everything, whole = np.linspace(1.0, 0.5, 6, dtype=np.float32), np.ones(6, dtype=bool), Cut(0, 9, "most")
    assert rank_similar_franchises(scores, SERIES, SEASON_1, everything, whole).rows == [OTHER]
    assert rank_similar_franchises(scores, SERIES, OTHER, everything, whole).rows == [SEASON_1]
    assert rank_similar_franchises(scores, SERIES, OTHER, mask(SEASON_3, SEASON_1), whole).scored_rows == [SEASON_1]
    assert rank_similar_franchises(-scores, SERIES, OTHER, mask(SEASON_3, SEASON_1), whole).scored_rows == [SEASON_3]
    assert rank_similar_franchises(scores, SERIES, OTHER, ~mask(SEASON_1), whole).rows == []


def test_an_empty_ranking_stays_empty() -> None:
    nothing = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    assert not len(collapse_franchises(*nothing, SERIES, mask(), np.ones(6, dtype=bool))[0])
    empty = FranchiseOrder(np.empty(0, np.int32), np.empty(0, np.int16), np.empty(0, np.uint8))
    assert not len(collapse_franchises(*nothing, empty, mask(n=0), mask(n=0))[0])


class Case:
    """Franchises at random, a ranking of some of the anime, and what a user has seen and allows."""

    def __init__(self, n_anime: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        raw = rng.integers(0, max(1, n_anime // 3), n_anime)
        first: dict[int, int] = {}
        codes = np.array([first.setdefault(code, len(first)) for code in raw.tolist()], dtype=np.int32)
        positions = np.zeros(n_anime, dtype=np.int16)
        roles = rng.integers(0, 3, n_anime).astype(np.uint8)
        for code in range(len(first)):
            members = rng.permutation(np.flatnonzero(codes == code))
            positions[members] = np.arange(len(members))
            roles[members[0]] = Role.MAIN
        self.order = FranchiseOrder(codes, positions, roles)
        self.seen = rng.random(n_anime) < rng.random()
        self.allowed = rng.random(n_anime) < rng.random()
        self.rows = rng.permutation(n_anime)[: rng.integers(0, n_anime + 1)]
        self.scores = np.sort(rng.integers(0, 5, len(self.rows)).astype(np.float32))[::-1]

    def ready(self, row: int) -> bool:
        """Whether every earlier entry of the main line is seen."""
        codes, positions, roles = self.order.codes, self.order.positions, self.order.roles
        return all(
            self.seen[other]
            for other in range(len(codes))
            if codes[other] == codes[row] and roles[other] == Role.MAIN and positions[other] < positions[row]
        )

    def brute_force(self) -> list[tuple[int, float]]:
        """The rule, word by word."""
        answer: list[tuple[int, float]] = []
        done: set[int] = set()
        for rank, row in enumerate(self.rows.tolist()):
            code = int(self.order.codes[row])
            if code not in done:
                done.add(code)
                members = [int(member) for member in np.flatnonzero(self.order.codes == code)]
                may = [m for m in members if self.allowed[m] and not self.seen[m] and self.ready(m)]
                may.sort(key=lambda m: (self.order.roles[m], self.order.positions[m]))
                answer += [(m, float(self.scores[rank])) for m in may[:1]]
        return answer


CASES = st.builds(Case, st.integers(1, 30), st.integers(0, 2**32 - 1))


@given(CASES)
def test_collapsing_is_what_the_rule_says_word_by_word(case: Case) -> None:
    rows, scores = collapse_franchises(case.rows, case.scores, case.order, case.seen, case.allowed)
    assert list(zip(rows.tolist(), scores.tolist(), strict=True)) == case.brute_force()


@given(CASES)
def test_every_entry_shown_is_new_allowed_ready_and_the_only_one_of_its_franchise(case: Case) -> None:
    rows, scores = collapse_franchises(case.rows, case.scores, case.order, case.seen, case.allowed)
    codes = case.order.codes[rows]
    assert len(set(codes.tolist())) == len(rows)
    assert set(codes.tolist()) <= set(case.order.codes[case.rows].tolist())
    assert case.allowed[rows].all()
    assert not case.seen[rows].any()
    assert all(case.ready(row) for row in rows.tolist())
    assert (np.diff(scores) <= 0).all()


@given(CASES)
def test_watching_what_is_shown_leads_through_the_main_line_in_order(case: Case) -> None:
    everything = np.ones(len(case.seen), dtype=bool)
    seen = np.zeros(len(case.seen), dtype=bool)
    watched: list[int] = []
    while len(shown := collapse_franchises(case.rows, case.scores, case.order, seen, everything)[0]):
        assert int(shown[0]) not in watched
        watched.append(int(shown[0]))
        seen[shown[0]] = True
    ranked = np.isin(case.order.codes, case.order.codes[case.rows])
    assert sorted(watched) == np.flatnonzero(ranked).tolist()
    main = [row for row in watched if case.order.roles[row] == Role.MAIN]
    for code in set(case.order.codes[main].tolist()):
        places = [case.order.positions[row] for row in main if case.order.codes[row] == code]
        assert places == sorted(places)
