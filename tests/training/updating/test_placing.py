"""How well content places anime: measured by learned ones that are taken for new."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.embeddings.test_new_anime import make_catalogue
from training.embeddings.content import read_content
from training.embeddings.new_anime import describe_content, predict_embeddings
from training.embeddings.trained import unit_rows
from training.lists.split import splitmix64
from training.similar_anime.truth import SimilarQuery
from training.updating.placing import measure_placing

N = 40
KINDS = np.arange(N) % 2


def _measure(
    catalogue: dict[str, NDArray[Any]],
    embeddings: NDArray[np.float32],
    queries: list[SimilarQuery],
    popularity: NDArray[np.int32] | None = None,
) -> dict[str, Any]:
    popularity = np.ones(len(embeddings), dtype=np.int32) if popularity is None else popularity
    return measure_placing(read_content(catalogue), catalogue, popularity, embeddings, queries)


def _query(row: int, similar_rows: list[int], *, may_choose: bool) -> SimilarQuery:
    return SimilarQuery(row, np.array(similar_rows), np.ones(len(similar_rows)), may_choose)


def test_where_content_tells_all_anime_lie_where_they_were_learned() -> None:
    embeddings = np.eye(3, dtype=np.float32)[KINDS]
    mates, others = list(range(2, N, 2)), list(range(1, N, 2))
    measured = _measure(make_catalogue(KINDS), embeddings, [_query(0, mates, may_choose=False)])
    assert measured["mean_cosine"] > 0.99
    assert measured["ndcg_at_10"]["mean"] == measured["learned_ndcg_at_10"]["mean"] == pytest.approx(1.0)
    # A query that may choose weights is not one of those that measure.
    queries = [_query(0, mates, may_choose=False), _query(2, others, may_choose=True)]
    assert _measure(make_catalogue(KINDS), embeddings, queries) == measured


def test_an_anime_is_placed_without_what_was_learned_of_it() -> None:
    # Each has a genre and a direction of its own: who saw its embedding would find it again by the genre.
    catalogue = make_catalogue(np.full(N, -1)) | {"anime_genres": np.eye(N, dtype=bool)}
    measured = _measure(catalogue, np.eye(N, dtype=np.float32), [_query(0, [1], may_choose=False)])
    assert measured["mean_cosine"] == 0.0
    assert _measure(catalogue, np.eye(N, dtype=np.float32), []).keys() == {"mean_cosine"}


def test_a_handful_of_anime_measures_nothing() -> None:
    assert not _measure(make_catalogue(KINDS[:4]), np.eye(4, dtype=np.float32), [])


def test_each_fifth_is_predicted_from_the_others_alone() -> None:
    rng = np.random.default_rng(0)
    catalogue, popularity = make_catalogue(rng.integers(-1, 2, N)), rng.integers(1, 2000, N).astype(np.int32)
    embeddings = unit_rows(rng.normal(size=(N, 5)).astype(np.float32))
    features = describe_content(catalogue, catalogue, read_content(catalogue).synopses)
    parts = np.argsort(np.argsort(splitmix64(catalogue["anime_ids"]))) % 5
    cosines = np.empty(N)
    for out in (parts == part for part in range(5)):
        placed = predict_embeddings(features[~out], embeddings[~out], popularity[~out], features[out])
        cosines[out] = (placed * embeddings[out]).sum(axis=1)
    measured = _measure(catalogue, embeddings, [], popularity)
    assert measured == {"mean_cosine": pytest.approx(cosines.mean(), abs=1e-4)}
