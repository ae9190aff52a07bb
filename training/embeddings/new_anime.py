"""Embeds new anime, those that too few lists hold to learn from, by what the catalogue says of them."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.embeddings.content import Content, genre_vectors, synopses_of
from training.embeddings.trained import unit_rows

Matrix = NDArray[np.float32]
Arrays = Mapping[str, NDArray[Any]]

# Chosen on the half of the queries that may choose weights, each taken for new: docs/experiments.md.
_WEIGHTS: Final = {"type": 0.3, "source": 0.2, "studio": 0.3, "age_rating": 0.2, "era": 0.3}
_L2: Final = 10.0
# Of popularity: what many have seen has the surer embedding.
_POWER: Final = 0.7
_YEARS_APART: Final = 4.0
_YEARS_WIDE: Final = 6.0
_DAYS_PER_YEAR: Final = 365.25
# The most frequent studios; the others are as good as unknown.
_MAX_VALUES: Final = 512


def embed_new_anime(
    content: Content, known: Arrays, new: Arrays, popularity: NDArray[np.int32], embeddings: Matrix
) -> Matrix:
    """Predict the embeddings of new anime from their content, as the other anime's follow from theirs.

    ``content`` is that of the known anime; ``known`` and ``new`` are the catalogue's arrays of the prepared dump,
    with one meaning of codes and genres. Embeddings are unit rows of shape (n, embedding_size); those of an anime of
    which nothing is known are near the mean of all.

    References
    ----------
    Gantner et al., "Learning Attribute-to-Feature Mappings for Cold-Start Recommendations", ICDM 2010.
    """
    theirs = describe_content(new, known, content.read_synopses(synopses_of(new)))
    return predict_embeddings(describe_content(known, known, content.synopses), embeddings, popularity, theirs)


def describe_content(catalogue: Arrays, known: Arrays, topics: Matrix) -> Matrix:
    """Describe anime, one row each, by genres, words, type, source, studio, age rating and era.

    ``known`` are the arrays of the anime that the model knows: they say which codes are worth a column, and around
    which years eras lie.
    """
    parts = [np.ones((len(topics), 1), dtype=np.float32), genre_vectors(catalogue), topics]
    parts += [
        np.sqrt(weight) * (_era(catalogue, known) if name == "era" else _one_hot(f"{name}_codes", catalogue, known))
        for name, weight in _WEIGHTS.items()
    ]
    return np.concatenate(parts, axis=1).astype(np.float32)


def predict_embeddings(features: Matrix, embeddings: Matrix, popularity: NDArray[np.int32], others: Matrix) -> Matrix:
    """Predict embeddings from features by ridge regression, shapes (n, n_features) and (n, embedding_size)."""
    return solve_regression(*regression_sums(features, embeddings, weigh(popularity)), others)


def weigh(popularity: NDArray[np.int32]) -> NDArray[np.float64]:
    """Give how much each anime counts in the regression: 1 on average."""
    powers = np.maximum(popularity, 1).astype(np.float64) ** _POWER
    weights: NDArray[np.float64] = powers / powers.mean()
    return weights


def regression_sums(
    features: Matrix, embeddings: Matrix, weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Add up over anime the products of their features with each other, and with their embeddings."""
    weighted = features.T * weights
    return weighted @ features, weighted @ embeddings


def solve_regression(gram: NDArray[np.float64], products: NDArray[np.float64], others: Matrix) -> Matrix:
    """Predict the embeddings of other anime by their features, in unit rows."""
    penalised = gram + _L2 * np.eye(len(gram))
    return unit_rows((others @ np.linalg.solve(penalised, products)).astype(np.float32))


def _one_hot(name: str, catalogue: Arrays, known: Arrays) -> Matrix:
    counts = np.bincount(known[name])
    counts[0] = 0  # unknown
    columns = np.argsort(-counts, kind="stable")[: min(_MAX_VALUES, np.count_nonzero(counts))]
    marks: Matrix = (catalogue[name][:, None] == columns).astype(np.float32)
    return marks


def _era(catalogue: Arrays, known: Arrays) -> Matrix:
    """Give how near the first airing is to each of some years, as unit rows; zeros where it is unknown."""
    days = known["start_days"][known["start_days"] > 0]
    first, last = (float(days.min()), float(days.max())) if len(days) else (0.0, 0.0)
    step = _YEARS_APART * _DAYS_PER_YEAR
    centres = np.arange(first - step, last + 2 * step, step)
    # What airs before or after all others counts as the first or the last of them.
    when = np.clip(catalogue["start_days"], first, last)
    near = np.exp(-(((when[:, None] - centres) / (_YEARS_WIDE * _DAYS_PER_YEAR)) ** 2))
    near[catalogue["start_days"] <= 0] = 0.0
    rows: Matrix = (near / np.maximum(np.linalg.norm(near, axis=1, keepdims=True), 1e-9)).astype(np.float32)
    return rows
