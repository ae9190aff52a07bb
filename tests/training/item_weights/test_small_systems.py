"""Small systems out of a large matrix, against dense algebra."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.item_weights.small_systems import solve_among


@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 90), data=st.data())
def test_every_system_is_solved_as_dense_algebra_does(seed: int, size: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, size))
    rng = np.random.default_rng(seed)
    lists = (rng.random((2 * size, size)) < 0.3).astype(np.float32)
    matrix, added = lists.T @ lists, rng.uniform(1.0, 5.0, size).astype(np.float32)
    targets = rng.integers(0, size, 5)
    rows = np.stack([rng.permutation(size)[:k] for _ in targets]).astype(np.int32)
    solved = solve_among(matrix, added, rows, targets)
    assert solved.shape == (5, k)
    for target, among, found in zip(targets, rows, solved, strict=True):
        system = matrix[np.ix_(among, among)].astype(np.float64) + np.diag(added[among])
        np.testing.assert_allclose(found, np.linalg.solve(system, matrix[among, target]), atol=1e-4)


@pytest.mark.parametrize(("both", "alone"), [(3, 1), (4, 4)], ids=["negative", "singular"])
def test_a_system_that_is_not_positive_definite_is_an_error(both: int, alone: int) -> None:
    matrix = np.array([[alone, both], [both, alone]], dtype=np.float32)
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        solve_among(matrix, np.zeros(2, dtype=np.float32), np.array([[0, 1]], dtype=np.int32), np.array([0]))
