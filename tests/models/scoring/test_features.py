"""Every feature of the re-ranker, held to a slow way of working it out and to values computed by hand."""

import functools

import numpy as np
import pytest
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from tests.models.feature_names import NAMES
from tests.models.rich_world import (
    N_ANIME,
    N_USERS,
    Listed,
    bundle_of,
    draw_lists,
    features_of,
    make_world,
)
from tests.models.slow_catalogue import SlowCatalogue
from tests.models.slow_features import SlowList, slow_table
from tests.models.slow_users import SlowNeighbours, seen_by
from tests.models.small_bundle import Arrays

KINDS = tuple(draw_lists(make_world(0), 0))
N_NEIGHBOURS = {"of everything": 100, "three titles": 25, "one title": 24, "nothing rated": 0}
Table = NDArray[np.float64]


@functools.cache
def world(seed: int) -> tuple[Arrays, Bundle, SlowCatalogue, dict[str, Listed]]:
    arrays = make_world(seed)
    if seed == 1:
        # A catalogue of which nothing is known but titles and genres.
        for name in ("mean_scores", "start_days", "years", "studio_codes", "age_rating_codes"):
            arrays[name] = np.zeros_like(arrays[name])
    return arrays, bundle_of(arrays), SlowCatalogue(arrays, N_USERS), draw_lists(arrays, seed)


@functools.cache
def both_ways(seed: int, kind: str) -> tuple[Table, Table]:
    """Give the features of a list and some anime, as the model computes them and the slow way."""
    arrays, bundle, catalogue, lists = world(seed)
    rng = np.random.default_rng(seed)
    user_rows = rng.permutation(N_USERS)[: N_NEIGHBOURS.get(kind, 60)].tolist()
    similarities = np.sort(rng.uniform(-0.2, 1.0, len(user_rows)).astype(np.float32))[::-1].tolist()
    rows = rng.permutation(N_ANIME)[:80].tolist()
    found = features_of(bundle, lists[kind], user_rows, similarities, rows)
    theirs = [seen_by(arrays, user_row) for user_row in user_rows]
    mine = SlowList(catalogue, *lists[kind])
    slow = slow_table(mine, SlowNeighbours(similarities, theirs, arrays["popularity"].tolist()), arrays, rows)
    assert all(set(features) == set(NAMES) for features in slow)
    return found, np.array([[features[name] for name in NAMES] for features in slow])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_feature_is_what_the_slow_way_gives(seed: int, kind: str) -> None:
    found, expected = both_ways(seed, kind)
    for column, name in enumerate(NAMES):
        np.testing.assert_allclose(found[:, column], expected[:, column], rtol=2e-4, atol=2e-5, err_msg=name)


def test_every_feature_varies_between_lists_or_anime() -> None:
    found = np.concatenate([both_ways(0, kind)[0] for kind in KINDS])
    assert [name for name, spread in zip(NAMES, found.std(axis=0), strict=True) if spread < 1e-3] == []
