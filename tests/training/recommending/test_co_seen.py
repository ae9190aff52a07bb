"""What is seen together more, or less, than popularity alone would have it."""

import numpy as np
import pytest

from training.recommending import co_seen


def test_the_anime_are_kept_whose_share_changes_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(co_seen, "N_CO_SEEN", 2)
    # Of 100 users 20 have seen the first anime, of whom 10, 0, 8 and 12 the others: chance would have it 10, 4, 8, 4.
    counts = np.diag([20, 50, 20, 40, 20]).astype(np.float32)
    counts[0, 1:] = counts[1:, 0] = [10, 0, 8, 12]
    found = co_seen.find_co_seen(counts, 100)
    assert found.rows[0].tolist() == [2, 4]
    assert found.values[0].tolist() == pytest.approx([-4 / 40, 8 / 40])
    assert found.rows.dtype == np.int32
    assert found.values.dtype == np.float32


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    seen = (rng.random((200, 40)) < rng.uniform(0.05, 0.6, 40)).astype(np.float32)
    counts = seen.T @ seen
    whole = co_seen.find_co_seen(counts, 200)
    assert whole.rows.shape == (40, 40)
    changes = (counts - np.outer(np.diag(counts), np.diag(counts) / 200)) / (np.diag(counts)[:, None] + 20)
    np.fill_diagonal(changes, 0.0)
    np.testing.assert_allclose(np.take_along_axis(changes, whole.rows.astype(int), 1), whole.values, atol=1e-6)
    monkeypatch.setattr(co_seen, "_BLOCK", 7)
    cut = co_seen.find_co_seen(counts, 200)
    np.testing.assert_array_equal(cut.rows, whole.rows)
    np.testing.assert_array_equal(cut.values, whole.values)
