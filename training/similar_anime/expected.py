"""The embedding that is to be expected of an anime by its content: a linear regression on the catalogue.

What lists say of an anime on few of them is noise; what they say of others with the same content is not.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.similar_anime.blocks import Block, Rows
from training.similar_anime.texts import unit_or_zero

Values = NDArray[np.float32]

# Codes of fewer anime say nothing.
_MIN_ANIME: Final = 15
# Where the slope by the year of the first airing may change: shares of the anime whose year is known.
_BENDS: Final = np.linspace(0.02, 0.98, 9)
# Of the regression, in anime on a typical number of lists.
_L2: Final = 10.0
# Lists beyond which an embedding is as sure as it gets.
_ENOUGH_LISTS: Final = 300


def expect_embeddings(content: NDArray[np.float64], embeddings: Values, n_lists: NDArray[Any]) -> Values:
    """Predict embeddings by content, of shapes (n_anime, embedding_size) and (n_anime, n_columns).

    An anime on more lists counts for more. Gives unit rows, after what is common to all has been taken away.
    """
    columns = np.column_stack([np.ones(len(content)), content])
    weights = np.sqrt(np.minimum(n_lists, _ENOUGH_LISTS) + 1.0)
    weighted = columns * weights[:, None]
    gram = weighted.T @ columns + _L2 * weights.mean() * np.eye(columns.shape[1])
    expected = columns @ np.linalg.solve(gram, weighted.T @ embeddings)
    return unit_or_zero(expected - np.average(expected, axis=0, weights=weights))


def describe_content(
    topics: Values, genres: Values, codes: Mapping[str, NDArray[Any]], years: Values
) -> NDArray[np.float64]:
    """Put the content of all anime into columns; `years` are NaN where unknown."""
    marks = [
        (values == code).astype(np.float64)
        for values in codes.values()
        for code in np.flatnonzero(np.bincount(values) >= _MIN_ANIME)
    ]
    known = years[~np.isnan(years)]
    bends = np.quantile(known, _BENDS) if len(known) else np.zeros(0)
    decades = [np.nan_to_num(np.maximum(years - bend, 0.0) / 10.0) for bend in bends]
    return np.column_stack([topics, genres, *marks, *decades])


def compare_expected(embeddings: Values, expected: Values, rows: Rows) -> dict[str, Block]:
    """Compare a block of anime with all others, by content on both sides or on one; 0 for an anime and itself."""
    blocks = {
        "expected": expected[rows] @ expected.T,
        "expected_of_other": embeddings[rows] @ expected.T,
        "expected_of_query": expected[rows] @ embeddings.T,
    }
    for block in blocks.values():
        block[np.arange(len(rows)), rows] = 0.0
    return blocks
