"""Measures how well content places anime: learned ones are taken for new, and compared with where they lie."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.embedding import cosine_scores
from training.embeddings.content import Content
from training.embeddings.new_anime import describe_content, regression_sums, solve_regression, weigh
from training.evaluation.evaluate import measure_similar
from training.evaluation.metrics import estimate_mean
from training.evaluation.scorers import CosineScorer
from training.lists.split import splitmix64
from training.similar_anime.truth import SimilarQuery

Matrix = NDArray[np.float32]

_N_PARTS: Final = 5


@dataclass
class _PlacedScorer(CosineScorer):
    """Similar anime by the cosine of a predicted embedding to the learned ones."""

    placed: Matrix
    name: str = "placed by content"

    def score_similar(self, anime_row: int) -> Matrix:
        return cosine_scores(self.anime_embeddings, self.placed[anime_row])


def measure_placing(
    content: Content,
    catalogue: Mapping[str, NDArray[Any]],
    popularity: NDArray[np.int32],
    embeddings: Matrix,
    queries: Sequence[SimilarQuery],
) -> dict[str, Any]:
    """Measure how well content places the learned anime, each predicted without itself and a fifth of the others.

    The result has the ``mean_cosine`` of predicted and learned embeddings and, where people's recommendations measure
    it, ``ndcg_at_10`` of similar anime by predicted and ``learned_ndcg_at_10`` by learned ones; of few anime nothing.
    """
    if len(embeddings) < _N_PARTS:
        return {}
    features = describe_content(catalogue, catalogue, content.synopses)
    weights, placed = weigh(popularity), np.empty_like(embeddings)
    part_of_each = np.argsort(np.argsort(splitmix64(catalogue["anime_ids"]))) % _N_PARTS
    parts = [part_of_each == part for part in range(_N_PARTS)]
    sums = [regression_sums(features[part], embeddings[part], weights[part]) for part in parts]
    gram, products = (sum(of_parts) for of_parts in zip(*sums, strict=True))
    for part, (own_gram, own_products) in zip(parts, sums, strict=True):
        mean = weights[~part].mean()
        placed[part] = solve_regression((gram - own_gram) / mean, (products - own_products) / mean, features[part])
    measured: dict[str, Any] = {"mean_cosine": round(float(np.einsum("ij,ij->i", placed, embeddings).mean()), 4)}
    measuring = [query for query in queries if not query.may_choose]
    for name, rows in (("ndcg_at_10", placed), ("learned_ndcg_at_10", embeddings)):
        values = measure_similar(_PlacedScorer(embeddings, rows), measuring)
        if values is not None:
            measured[name] = asdict(estimate_mean(values))
    return measured
