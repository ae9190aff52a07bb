"""The map: similar anime lie side by side, and new ones beside what they are like."""

import numpy as np
import pytest
from numpy.typing import NDArray

from training.embeddings import anime_map
from training.embeddings.anime_map import begin_projection, place_new, project


def _clusters(n_clusters: int = 4, size: int = 40) -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    centres = np.repeat(rng.normal(size=(n_clusters, 16)), size, axis=0)
    rows = centres + 0.2 * rng.normal(size=centres.shape)
    unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def test_neighbours_of_the_embeddings_are_neighbours_on_the_map() -> None:
    positions = project(_clusters())
    assert positions.shape == (160, 2)
    assert positions.dtype == np.float32
    assert positions.min() >= 0.0
    assert positions.max() <= 1.0
    # It fills what there is.
    assert (positions.max(axis=0) - positions.min(axis=0)).max() > 0.95
    # Both axes have one scale, and hardly anything lies on the edge for want of room.
    assert np.mean((positions == 0.0) | (positions == 1.0)) < 0.03
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    clusters = np.arange(160) // 40
    assert np.mean(clusters[distances.argmin(axis=1)] == clusters) > 0.98


def test_the_same_embeddings_give_the_same_map() -> None:
    assert np.array_equal(project(_clusters()), project(_clusters()))


@pytest.mark.parametrize(("n_anime", "n_axes"), [(0, 0), (2, 0), (3, 2), (5, 2)])
def test_a_handful_of_anime_has_a_map_or_none(n_anime: int, n_axes: int) -> None:
    assert project(_clusters()[:n_anime]).shape == (n_anime, n_axes)


def test_new_anime_lie_amid_the_three_that_they_are_most_like() -> None:
    embeddings = np.eye(5, dtype=np.float32)
    positions = np.array([[0.1, 0.1], [0.4, 0.1], [0.1, 0.4], [0.9, 0.9], [1.0, 1.0]], dtype=np.float32)
    new = np.array([[0.7, 0.5, 0.5, 0.1, 0.0]], dtype=np.float32)
    assert place_new(positions, embeddings, new) == pytest.approx(np.array([[0.2, 0.2]]))
    assert place_new(positions, embeddings, new).dtype == np.float32
    assert place_new(positions[:, :0], embeddings, new).shape == (1, 0)
    assert place_new(positions, embeddings, new[:0]).shape == (0, 2)


def test_a_process_of_its_own_gives_the_same_map(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anime_map, "_WORTH_A_PROCESS", 10)
    with begin_projection(_clusters()) as positions:
        assert np.array_equal(positions.result(), project(_clusters()))
