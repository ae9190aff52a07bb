"""Golden answers: computed when a bundle is written, reproduced by the service before it is ready."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.manifest import GoldenAnswer
from models.scoring.embedding import cosine_scores, list_scores
from models.scoring.top_k import top_k_rows
from models.scoring.user_index import user_index_of
from models.scoring.user_list import list_of_user

GOLDEN_K: Final = 10
N_GOLDEN_QUERIES: Final = 3
# A dot product may differ in its last bits between processors; a wrong row differs by far more.
SCORE_TOLERANCE: Final = 1e-4


def make_golden_answers(bundle: Bundle) -> list[GoldenAnswer]:
    """Answer a few fixed queries, without any filter: the most popular anime, and users spread over the id map.

    Parameters
    ----------
    bundle : Bundle

    Returns
    -------
    list of GoldenAnswer
    """
    popular_rows = top_k_rows(bundle.popularity.astype(np.float32), N_GOLDEN_QUERIES)
    user_rows = np.unique(np.linspace(0, bundle.n_users - 1, N_GOLDEN_QUERIES).astype(int))
    return (
        [_similar_anime(bundle, int(row)) for row in popular_rows]
        + [_similar_users(bundle, int(row)) for row in user_rows]
        + [_recommendations(bundle, int(row)) for row in user_rows]
    )


def agrees(golden: GoldenAnswer, ids: Sequence[int], scores: Sequence[float]) -> bool:
    """Tell whether an answer is the golden one, near-ties aside.

    Parameters
    ----------
    golden : GoldenAnswer
    ids : sequence of int
        The answer, best first.
    scores : sequence of float
        Their similarities or scores.

    Returns
    -------
    bool
    """
    if len(ids) != len(golden.ids) or not np.allclose(scores, golden.scores, rtol=0.0, atol=SCORE_TOLERANCE):
        return False
    expected = dict(zip(golden.ids, golden.scores, strict=True))
    last = golden.scores[-1] if golden.scores else 0.0
    # Near-ties may swap places, and the last place may go to one that is not listed.
    return all(
        abs(expected.get(identity, last) - score) <= 2 * SCORE_TOLERANCE
        for identity, score in zip(ids, scores, strict=True)
    )


def _similar_anime(bundle: Bundle, anime_row: int) -> GoldenAnswer:
    scores = cosine_scores(bundle.anime_embeddings, bundle.anime_embeddings[anime_row])
    others = np.arange(bundle.n_anime) != anime_row
    rows = top_k_rows(scores, GOLDEN_K, allowed=others)
    return _golden("similar_anime", bundle.anime_ids[anime_row], bundle.anime_ids[rows], scores[rows])


def _similar_users(bundle: Bundle, user_row: int) -> GoldenAnswer:
    # By the index, which may miss somebody: the service must answer as the writer would, not as a scan would.
    nearest = user_index_of(bundle).ranked(user_row, min(GOLDEN_K, bundle.n_users - 1))
    return _golden("similar_users", bundle.user_ids[user_row], bundle.user_ids[nearest.rows], nearest.similarities)


def _recommendations(bundle: Bundle, user_row: int) -> GoldenAnswer:
    scores = list_scores(bundle.anime_embeddings, bundle.anime_gains, bundle.user_embeddings[user_row])
    unlisted = np.ones(bundle.n_anime, dtype=bool)
    unlisted[list_of_user(bundle, user_row).anime_rows] = False
    rows = top_k_rows(scores, GOLDEN_K, allowed=unlisted)
    return _golden("recommendations", bundle.user_ids[user_row], bundle.anime_ids[rows], scores[rows])


def _golden(kind: str, query_id: np.int64, ids: NDArray[np.int64], scores: NDArray[np.float32]) -> GoldenAnswer:
    return GoldenAnswer.model_validate(
        {"kind": kind, "query_id": int(query_id), "ids": ids.tolist(), "scores": scores.tolist()}
    )
