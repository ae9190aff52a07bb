"""The notebook's preparation, done again: which rows it keeps and what it makes of them."""

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.notebook_way import HELD_OUT_ROWS, MIN_RATINGS, Parts, prepare

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
    parts = Parts()
    pairs = prepare(tmp_path / "animelist.csv", parts)
    assert list(parts.seconds) == ["read", "filter", "scale", "encode", "shuffle", "split"]
    assert (pairs.n_users, pairs.n_anime) == (N_LONG_LISTS, MIN_RATINGS)
    assert len(pairs.users) == len(pairs.anime) == len(pairs.ratings) == N_LONG_LISTS * MIN_RATINGS - HELD_OUT_ROWS
    # Ids were encoded in order of appearance, so each pair still tells its rating.
    expected = (pairs.users * MIN_RATINGS + pairs.anime) % 11 / 10
    np.testing.assert_allclose(pairs.ratings, expected)
    assert not np.array_equal(pairs.users, np.sort(pairs.users))
