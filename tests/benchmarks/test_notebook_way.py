"""The notebook's preparation, done again: which rows it keeps and what it makes of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.notebook_way import HELD_OUT_ROWS, MIN_RATINGS, prepare, seconds_per_batch

N_LONG_LISTS = 30


def test_it_keeps_long_lists_scales_their_ratings_and_holds_rows_out(tmp_path: Path) -> None:
    long_lists = pd.DataFrame(
        {
            "user_id": np.repeat(np.arange(N_LONG_LISTS) * 7, MIN_RATINGS),
            "anime_id": np.tile(np.arange(MIN_RATINGS) * 3, N_LONG_LISTS),
            "rating": np.arange(N_LONG_LISTS * MIN_RATINGS) % 11,
            "watching_status": 2,
        }
    )
    # One row short: its user and its rare anime must not be encoded.
    short = long_lists[: MIN_RATINGS - 1].assign(user_id=9999, anime_id=lambda frame: frame["anime_id"] + 1)
    pd.concat([short, long_lists]).to_csv(tmp_path / "animelist.csv", index=False)
    seconds: dict[str, float] = {}
    pairs = prepare(tmp_path / "animelist.csv", seconds)
    assert list(seconds) == ["read", "filter", "scale", "encode", "shuffle", "split"]
    users, anime = pairs["user"].to_numpy(), pairs["anime"].to_numpy()
    assert (users.max() + 1, anime.max() + 1) == (N_LONG_LISTS, MIN_RATINGS)
    assert len(pairs) == N_LONG_LISTS * MIN_RATINGS - HELD_OUT_ROWS
    # Ids are encoded in order of appearance, so that each pair determines its rating.
    np.testing.assert_allclose(pairs["rating"].to_numpy(), (users * MIN_RATINGS + anime) % 11 / 10)
    assert not np.array_equal(users, np.sort(users))


def test_a_batch_is_timed_after_the_ones_that_warm_up() -> None:
    # The two that warm up take 5 s, each later one .5 s.
    moments = np.array([[4.0, 8.0], [5.0, 10.0], [5.5, 11.0], [6.0, 12.0]])
    np.testing.assert_array_equal(seconds_per_batch(moments, n_batches=10, n_warm_up=2), [0.5, 1.0])


def test_half_of_an_epoch_warms_up_at_most() -> None:
    moments = np.array([[2.0, 2.0], [3.0, 3.0], [4.5, 4.5], [6.0, 6.0]])
    np.testing.assert_array_equal(seconds_per_batch(moments, n_batches=4, n_warm_up=20), [1.5, 1.5])


@pytest.mark.parametrize(("n_trained", "n_batches"), [(2, 10), (1, 1)])
def test_too_few_batches_are_refused(n_trained: int, n_batches: int) -> None:
    with pytest.raises(ValueError, match="cannot time an epoch"):
        seconds_per_batch(np.ones((n_trained, 2)), n_batches, n_warm_up=2)
