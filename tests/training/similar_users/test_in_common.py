"""What users have in common with their nearest, against sets."""

import numpy as np
import pytest

from tests.training.interactions_for_tests import random_interactions
from training.similar_users.in_common import count_in_common


@pytest.mark.parametrize("n_counted", [0, 1, 4, 9])
def test_counts_are_those_of_sets_without_plans(n_counted: int) -> None:
    lists = random_interactions(20, 15, 0.5, seed=1)
    rng = np.random.default_rng(0)
    nearest = np.array([rng.permutation(np.delete(np.arange(20), row))[:4] for row in range(20)], dtype=np.int32)
    seen = [set(lists.list_of(row).seen_rows.tolist()) for row in range(20)]
    counts = count_in_common(lists, nearest, n_counted)
    expected = [[len(seen[row] & seen[other]) for other in others[:n_counted]] for row, others in enumerate(nearest)]
    assert counts.dtype == np.uint16
    assert counts.tolist() == expected
