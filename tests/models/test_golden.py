"""Golden answers: a service that scores as the writer did reproduces them, one that does not is caught."""

import numpy as np
import pytest

from models.bundle import assemble
from models.golden import SCORE_TOLERANCE, agrees, make_golden_answers
from models.manifest import GoldenAnswer
from tests.models.small_bundle import make_arrays, make_manifest

GOLDEN = GoldenAnswer(kind="similar_anime", query_id=1, ids=[5, 6, 7], scores=[0.9, 0.5, 0.49995])


def test_golden_answers_are_what_brute_force_says() -> None:
    arrays = make_arrays(n_anime=30, n_users=9)
    bundle = assemble(make_manifest(), arrays)
    answers = make_golden_answers(bundle)
    assert [answer.kind for answer in answers] == ["similar_anime"] * 3 + ["similar_users"] * 3 + [
        "recommendations"
    ] * 3
    for answer in answers:
        ids, matrix = (
            (arrays["user_ids"], arrays["user_embeddings"])
            if answer.kind == "similar_users"
            else (arrays["anime_ids"], arrays["anime_embeddings"])
        )
        query_ids, queries = (
            (arrays["anime_ids"], arrays["anime_embeddings"])
            if answer.kind == "similar_anime"
            else (arrays["user_ids"], arrays["user_embeddings"])
        )
        query_row = query_ids.tolist().index(answer.query_id)
        left_out = {query_row}
        if answer.kind == "recommendations":
            start, end = arrays["list_offsets"][query_row : query_row + 2]
            left_out = set(arrays["list_anime_rows"][start:end].tolist())
        scores = matrix @ queries[query_row]
        if answer.kind == "recommendations":
            scores = scores * arrays["anime_gains"]
        rows = sorted(set(range(len(ids))) - left_out, key=lambda row: -scores[row])[:10]
        assert answer.ids == ids[rows].tolist()
        np.testing.assert_allclose(answer.scores, scores[rows], atol=1e-6)


def test_a_model_of_one_user_and_one_anime_has_golden_answers_too() -> None:
    bundle = assemble(make_manifest(), make_arrays(n_anime=1, n_users=1))
    answers = make_golden_answers(bundle)
    assert [answer.ids for answer in answers] == [[], [], []]
    assert all(agrees(answer, [], []) for answer in answers)


@pytest.mark.parametrize(
    ("ids", "scores"),
    [
        ([5, 6, 7], [0.9, 0.5, 0.49995]),
        ([5, 6, 7], [0.90005, 0.49995, 0.5]),  # the last bits differ
        ([5, 7, 6], [0.9, 0.5, 0.49995]),  # a near-tie swapped
        ([5, 6, 99], [0.9, 0.5, 0.49995]),  # a near-tie with one that is not listed
    ],
)
def test_an_answer_agrees_within_rounding(ids: list[int], scores: list[float]) -> None:
    assert agrees(GOLDEN, ids, scores)


@pytest.mark.parametrize(
    ("ids", "scores"),
    [
        ([5, 6], [0.9, 0.5]),
        ([], []),
        ([6, 5, 7], [0.9, 0.5, 0.49995]),
        ([99, 6, 7], [0.9, 0.5, 0.49995]),
        ([5, 6, 7], [0.9, 0.5 + 3 * SCORE_TOLERANCE, 0.49995]),
        ([5, 6, 7], [0.9, 0.5, float("nan")]),
    ],
)
def test_another_answer_does_not_agree(ids: list[int], scores: list[float]) -> None:
    assert not agrees(GOLDEN, ids, scores)
