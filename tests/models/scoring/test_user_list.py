"""What a user dislikes, and what is seen together with their list."""

import numpy as np
import pytest

from models.scoring.franchises import FranchiseOrder
from models.scoring.items import CoSeen
from models.scoring.user_list import Support, UserList


def make_list(ratings: list[int], statuses: list[int]) -> UserList:
    rows = np.arange(len(ratings), dtype=np.int32)
    return UserList(rows, np.array(ratings, dtype=np.uint8), np.array(statuses, dtype=np.uint8))


@pytest.mark.parametrize(
    ("ratings", "statuses", "disliked"),
    [
        ([4, 5, 6], [2, 2, 2], [0]),  # 4 is low whoever gives it
        ([10, 10, 10, 7, 8], [2] * 5, [3]),  # the mean is 9: 7 is two below it, 8 is not
        ([9, 0, 10], [2, 4, 4], [1, 2]),  # dropped, rated or not
        ([1, 9], [6, 2], []),  # a plan is no dislike, and its rating counts for nothing
        ([0, 0], [1, 3], []),
        ([], [], []),
        ([1, 2], [2, 2], [0, 1]),
    ],
)
def test_what_is_dropped_or_rated_low_is_disliked(
    ratings: list[int], statuses: list[int], disliked: list[int]
) -> None:
    mine = make_list(ratings, statuses)
    assert mine.disliked_rows.tolist() == disliked
    begun = [row for row, status in enumerate(statuses) if status != 6]
    assert mine.liked_rows.tolist() == [row for row in begun if row not in disliked]


@pytest.mark.parametrize(
    ("ratings", "statuses", "counted"),
    [
        ([9, 8, 0], [2, 2, 1], {0: 1.0, 1: 1.0, 2: 1.0}),
        ([1] + [9] * 9, [2] * 10, {0: 0.6} | dict.fromkeys(range(1, 10), 1.0)),  # a tenth of the list is disliked
        ([0, 9, 9, 9], [4, 2, 2, 2], {1: 1.0, 2: 1.0, 3: 1.0}),  # a quarter
        ([1, 9, 9], [2, 2, 6], {1: 1.0}),  # plans count for nothing
        ([1, 2], [2, 4], {0: 1.0, 1: 1.0}),  # all that is known of the user
        ([], [], {}),
    ],
)
def test_a_dislike_counts_for_less_the_larger_the_share_of_dislikes(
    ratings: list[int], statuses: list[int], counted: dict[int, float]
) -> None:
    support = make_list(ratings, statuses).support
    assert dict(zip(support.rows.tolist(), support.weights.tolist(), strict=True)) == pytest.approx(counted)


def test_what_is_seen_together_is_the_mean_over_the_list() -> None:
    co_seen = CoSeen(
        np.array([[1, 2], [0, 2], [1, 0]], np.int32), np.array([[0.5, -0.2], [0.1, 0.1], [0, 0]], np.float32)
    )
    popularity = np.array([0.2, 0.4, 0.1], np.float32)
    assert co_seen.shares(Support.of(np.array([0])), popularity).tolist() == pytest.approx([0.2, 0.9, 0.0])
    assert co_seen.shares(Support.of(np.array([0, 1])), popularity).tolist() == pytest.approx([0.25, 0.65, 0.05])
    assert co_seen.shares(Support.of(np.array([], dtype=np.int64)), popularity).tolist() == pytest.approx(
        [0.2, 0.4, 0.1]
    )


# Five entries of a franchise in the order to watch, and an anime that belongs to nothing.
FIVE_AND_ONE = FranchiseOrder(
    np.array([0, 0, 0, 0, 0, 1], np.int32), np.array([0, 1, 2, 3, 4, 0], np.int16), np.zeros(6, np.uint8)
)


@pytest.mark.parametrize(
    ("liked", "disliked", "left_out"),
    [
        ([], [0], [1, 2, 3, 4]),
        ([0], [2], [3, 4]),
        ([3], [0, 1], []),  # who went on and liked it is offered more
        ([1], [0, 3], [4]),
        ([], [0, 4], [1, 2, 3, 4]),
        ([0, 1], [5], []),
        ([0, 5], [], []),
    ],
)
def test_what_comes_after_a_disliked_entry_is_left_out(
    liked: list[int], disliked: list[int], left_out: list[int]
) -> None:
    marks = FIVE_AND_ONE.after_disliked(np.array(liked, dtype=np.int32), np.array(disliked, dtype=np.int32))
    assert np.flatnonzero(marks).tolist() == left_out
